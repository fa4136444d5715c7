//! The files of a job, in chunks.

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use rpc::{CHUNK_BYTES, Error, v1};

use super::{Answers, Api, namespace};
use crate::answer::ask;

/// One file.
pub(super) async fn file(api: &Api, request: v1::GetFileRequest) -> Result<Answers<v1::FileChunk>, Error> {
    let namespace = namespace(&request.namespace)?;
    let id = api.job_id(&namespace, &request.id).await?;
    // A file has no namespace of its own.
    ask(api.store.job(&namespace, id)).await?;
    let file = ask(api.store.file(id, &request.name)).await?;
    let info =
        v1::FileInfo { name: file.name, media_type: file.media_type, size_bytes: file.bytes.len() as u64 };
    let bytes = Bytes::from(file.bytes);
    let chunk = move |from: usize| {
        let to = bytes.len().min(from + CHUNK_BYTES);
        let info = (from == 0).then(|| info.clone());
        let next = (to < bytes.len()).then_some(to);
        (v1::FileChunk { info, data: bytes.slice(from..to).to_vec() }, next)
    };
    // An empty file is one empty chunk, for its name and type.
    let chunks = stream::unfold(Some(0), move |from| {
        let step = from.map(&chunk);
        async move { step.map(|(chunk, next)| (Ok(chunk), next)) }
    });
    Ok(chunks.boxed())
}
