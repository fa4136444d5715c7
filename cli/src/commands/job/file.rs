//! `jobctl job file`.

use std::io::{self, Write};
use std::path::PathBuf;

use rpc::v1;
use serde_json::json;
use tonic::Streaming;

use crate::args::{Format, JobFile};
use crate::commands::context::Context;
use crate::commands::files::{self, plain_name};
use crate::exit::{Error, Exit, Result};
use crate::server::Server;
use crate::show::escape;

/// Fetches a file that a job produced.
pub(super) async fn run(context: Context, what: JobFile) -> Result {
    let to_stdout = what.out.as_deref().is_none_or(|path| path.as_os_str() == "-");
    if to_stdout && context.output.format() != Format::Text {
        return Err(Error::usage("--out is missing: with -o json standard output is for JSON")
            .hint(format!("jobctl job file {} {} --out . -o json", what.job.id, what.name)));
    }
    let server = context.server().await?;
    let request = v1::GetFileRequest {
        namespace: context.namespace(),
        id: what.job.id.clone(),
        name: what.name.clone(),
    };
    let chunks = server
        .call(|mut client| {
            let request = request.clone();
            async move { client.jobs.get_file(request).await }
        })
        .await?;
    let mut chunks = Chunks { chunks, server: &server, info: None };
    match what.out.filter(|_| !to_stdout) {
        Some(path) => save(&context, &mut chunks, &what.name, path).await,
        None if context.output.is_terminal() => show(&context, &mut chunks, &what.name).await,
        None => {
            while let Some(data) = chunks.next().await? {
                context.output.bytes(&data)?;
            }
            Ok(Exit::Done)
        }
    }
}

struct Chunks<'a> {
    chunks: Streaming<v1::FileChunk>,
    server: &'a Server,
    info: Option<v1::FileInfo>,
}

impl Chunks<'_> {
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let chunk = self.chunks.message().await.map_err(|status| self.server.error(status))?;
        Ok(chunk.map(|chunk| {
            if chunk.info.is_some() {
                self.info = chunk.info;
            }
            chunk.data
        }))
    }
}

/// Writes the file aside and renames it, so that a half of it is never taken for the whole.
async fn save(context: &Context, chunks: &mut Chunks<'_>, name: &str, path: PathBuf) -> Result {
    let path = if path.is_dir() { path.join(plain_name(name)?) } else { path };
    let failed = |error: io::Error| {
        Error::new(Exit::Unexpected, "internal", format!("{} cannot be written: {error}", path.display()))
    };
    let mut file = files::aside(&path).map_err(failed)?;
    let progress = context.output.progress_bytes("download", 0);
    while let Some(data) = chunks.next().await? {
        if let Some(info) = &chunks.info {
            progress.expect(info.size_bytes);
        }
        file.write_all(&data).map_err(failed)?;
        progress.advance(data.len() as u64);
    }
    drop(progress);
    file.persist(&path).map_err(|error| failed(error.error))?;
    let info = chunks.info.take().unwrap_or_default();
    let shown = json!({
        "name": info.name, "media_type": info.media_type, "size_bytes": info.size_bytes, "path": path,
    });
    context.output.document(&shown, |_| escape::line(&path.display().to_string()))?;
    Ok(Exit::Done)
}

/// Shows text on a terminal, made harmless; what is no text does not belong there.
async fn show(context: &Context, chunks: &mut Chunks<'_>, name: &str) -> Result {
    let mut bytes = Vec::new();
    while let Some(data) = chunks.next().await? {
        bytes.extend(data);
    }
    match String::from_utf8(bytes) {
        Ok(text) => context.output.text(&escape::block(&text.replace("\r\n", "\n")))?,
        Err(_) => {
            return Err(Error::usage(format!("{name} is no text: it is not shown on a terminal"))
                .hint("--out PATH writes it to a file"));
        }
    }
    Ok(Exit::Done)
}
