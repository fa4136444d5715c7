//! A component as it arrives: a header, then chunks, never more of them than allowed.

use std::time::Duration;

use model::bounds::COMPONENT_BYTES_MAX;
use model::units::show_size;
use rpc::v1::publish_request::Part;
use rpc::{Code, Error, v1};
use tokio::time::timeout;
use tonic::Streaming;

/// How long the next chunk may take.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// How long all of them may take: the largest component over a line of 1 Mbit/s. Only some are received at once.
const WHOLE_MAX: Duration = Duration::from_secs(600);

/// Reads the header.
pub(super) async fn header(stream: &mut Streaming<v1::PublishRequest>) -> Result<v1::PublishHeader, Error> {
    let Some(v1::PublishRequest { part: Some(Part::Header(header)) }) = message(stream).await? else {
        return Err(Error::new(Code::Invalid, "component: the first message must be the header"));
    };
    let declared = header.size_bytes;
    if declared > COMPONENT_BYTES_MAX as u64 {
        return Err(too_large(declared));
    }
    Ok(header)
}

/// Reads the bytes: as many as the header says; when it says nothing, up to the limit.
pub(super) async fn bytes(
    stream: &mut Streaming<v1::PublishRequest>,
    declared: u64,
) -> Result<Vec<u8>, Error> {
    timeout(WHOLE_MAX, collect(stream, declared)).await.unwrap_or_else(|_| {
        Err(Error::new(Code::Timeout, format!("component: it did not arrive within {WHOLE_MAX:?}")))
    })
}

async fn collect(stream: &mut Streaming<v1::PublishRequest>, declared: u64) -> Result<Vec<u8>, Error> {
    let most = if declared == 0 { COMPONENT_BYTES_MAX as u64 } else { declared };
    let mut bytes = Vec::new();
    while let Some(message) = message(stream).await? {
        let Some(Part::Data(data)) = message.part else {
            return Err(Error::new(Code::Invalid, "component: after the header only bytes may come"));
        };
        let size = bytes.len() as u64 + data.len() as u64;
        if size > COMPONENT_BYTES_MAX as u64 {
            return Err(too_large(size));
        }
        if size > most {
            let message = format!("component: more bytes arrive than the {declared} that were announced");
            return Err(Error::new(Code::Invalid, message));
        }
        bytes.extend_from_slice(&data);
    }
    let arrived = bytes.len() as u64;
    if arrived == 0 {
        return Err(Error::new(Code::Invalid, "component: it has no bytes"));
    }
    if declared != 0 && arrived < declared {
        let message = format!("component: {arrived} of {declared} bytes arrived");
        return Err(Error::new(Code::Invalid, message));
    }
    Ok(bytes)
}

async fn message(stream: &mut Streaming<v1::PublishRequest>) -> Result<Option<v1::PublishRequest>, Error> {
    match timeout(IDLE_MAX, stream.message()).await {
        Ok(message) => message.map_err(|status| {
            Error::new(Code::Invalid, format!("component: the upload broke off: {}", status.message()))
        }),
        Err(_) => {
            let message = format!("component: nothing arrived for {IDLE_MAX:?}");
            Err(Error::new(Code::Timeout, message))
        }
    }
}

fn too_large(seen: u64) -> Error {
    let (seen, most) = (show_size(seen), show_size(COMPONENT_BYTES_MAX as u64));
    Error::new(Code::Denied, format!("component: {seen} or more is over the limit of {most}"))
}
