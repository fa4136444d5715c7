//! `jobctl task publish`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use rpc::{CHUNK_BYTES, Code, v1};

use super::component;
use super::manifest::{self, Wish};
use crate::args::{Format, Publish};
use crate::commands::context::{Context, ask};
use crate::exit::{Error, Exit, Result};
use crate::output::Progress;
use crate::server::{PATIENCE, Server, waits};
use crate::show::task::{self, Published};

/// How long a publish may take: the compile worker may use two minutes of processor time, on a busy machine.
const PUBLISH: Duration = Duration::from_secs(600);

/// Checks what can be checked here, then sends the component.
pub(super) fn run(context: Context, publish: &Publish) -> Result {
    let wish = manifest::wish(&publish.version)?;
    let component = component::read(&publish.file)?;
    let header = header(&context, publish, wish, component.len() as u64);
    ask(send(context, header, component))
}

fn header(context: &Context, publish: &Publish, wish: Wish, size_bytes: u64) -> v1::PublishHeader {
    v1::PublishHeader {
        namespace: context.namespace(),
        grants: Some(wish.grants.into()),
        limits: Some(wish.limits).filter(|limits| !limits.is_empty()).map(Into::into),
        deterministic: wish.deterministic,
        no_promote: publish.no_promote || wish.no_promote,
        plan: publish.plan,
        size_bytes,
    }
}

async fn send(context: Context, header: v1::PublishHeader, component: Bytes) -> Result {
    let server = context.server().await?;
    let progress = Arc::new(context.output.progress_bytes("upload", header.size_bytes));
    let plan = header.plan;
    let answer = patiently(&server, &header, &component, &progress).await?;
    progress.close();
    let shown: Vec<_> = answer.tasks.iter().filter_map(Published::of).collect();
    let text = |view: &_| task::published(view, plan, &answer.tasks);
    match (shown.as_slice(), context.output.format()) {
        ([], _) => return Err(Error::new(Exit::Unexpected, "internal", "the server named no task")),
        ([one], Format::Json) => context.output.document(one, text)?,
        (many, _) => context.output.list(many, &many, text)?,
    }
    Ok(Exit::Done)
}

/// Uploads it, and again for a while when the server or its database went away: a version that was stored all the same
/// is not stored twice.
async fn patiently(
    server: &Server,
    header: &v1::PublishHeader,
    component: &Bytes,
    progress: &Arc<Progress>,
) -> Result<v1::PublishResponse> {
    let mut failing_since: Option<Instant> = None;
    let mut waits = waits();
    loop {
        let mut client = server.client();
        let call = client.tasks.publish(upload(header.clone(), component.clone(), Arc::clone(progress)));
        let error = match tokio::time::timeout(PUBLISH, call).await {
            Ok(Ok(answer)) => return Ok(answer.into_inner()),
            Ok(Err(status)) => server.error(status),
            Err(_) => {
                let message = format!("no answer within {} s", PUBLISH.as_secs());
                let error = rpc::Error::new(Code::Timeout, message);
                return Err(error.hint("publishing it again is harmless").into());
            }
        };
        let wait = waits.next().unwrap_or(PATIENCE);
        let since = *failing_since.get_or_insert_with(Instant::now);
        if error.code != Code::Unavailable || since.elapsed() + wait > PATIENCE {
            return Err(error.into());
        }
        tokio::time::sleep(wait).await;
    }
}

/// The header, then the component in pieces.
fn upload(
    header: v1::PublishHeader,
    component: Bytes,
    progress: Arc<Progress>,
) -> impl Stream<Item = v1::PublishRequest> + Send + 'static {
    let first = v1::PublishRequest { part: Some(v1::publish_request::Part::Header(header)) };
    let count = component.len().div_ceil(CHUNK_BYTES);
    let pieces = stream::iter(0..count).map(move |index| {
        let end = component.len().min((index + 1) * CHUNK_BYTES);
        let piece = component.slice(index * CHUNK_BYTES..end);
        progress.advance(piece.len() as u64);
        if index + 1 == count {
            progress.go_on("checking and compiling");
        }
        v1::PublishRequest { part: Some(v1::publish_request::Part::Data(piece.to_vec())) }
    });
    stream::iter([first]).chain(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_component_travels_whole_after_its_header() {
        let component: Vec<u8> = (0..CHUNK_BYTES * 2 + 7).map(|index| (index % 251) as u8).collect();

        let sent: Vec<_> =
            upload(v1::PublishHeader::default(), component.clone().into(), Arc::new(Progress::hidden()))
                .collect()
                .await;

        let mut received = Vec::new();
        for (index, request) in sent.into_iter().enumerate() {
            match request.part.expect("a part") {
                v1::publish_request::Part::Header(_) => assert_eq!(index, 0),
                v1::publish_request::Part::Data(data) => received.extend(data),
            }
        }
        assert_eq!(received, component);
    }
}
