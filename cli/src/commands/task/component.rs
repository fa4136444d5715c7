//! Components: read from a file, and inspected here as publish does it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use model::bounds::COMPONENT_BYTES_MAX;
use model::id::Digest;
use model::limits::{Limits, PLATFORM_MAX};
use model::task::Manifest;
use rpc::Code;
use sandbox::{ComponentSource, DISK_BYTES_DEFAULT, Flavour, Inspection, Refusal, RefusalKind, Sandbox};

use super::manifest::Wish;
use crate::commands::context::Context;
use crate::commands::role;
use crate::config;
use crate::exit::{Error, Exit, Result};

/// One component at a time.
const SLOTS: usize = 1;

/// Reads a component.
pub(super) fn read(path: &Path) -> Result<Bytes> {
    let named = |what: String| Error::usage(format!("{}: {what}", path.display()));
    let read = || {
        let mut bytes = Vec::new();
        let file = File::open(path)?;
        let seen = file.metadata()?.len();
        file.take(COMPONENT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
        io::Result::Ok((seen.max(bytes.len() as u64), bytes))
    };
    let (seen, bytes) = read().map_err(|error| named(format!("cannot be read: {error}")))?;
    if bytes.len() > COMPONENT_BYTES_MAX {
        return Err(named(format!("{seen} bytes are more than the limit of {COMPONENT_BYTES_MAX} bytes")));
    }
    Ok(bytes.into())
}

/// A component that was found to be fine in itself.
pub(super) struct Inspected {
    /// Where it can be run.
    pub(super) sandbox: Arc<Sandbox>,
    /// What was learnt of it.
    pub(super) inspection: Inspection,
    /// What a version of each of its tasks would be made of, in the order of the inspection.
    pub(super) manifests: Vec<Manifest>,
    /// How it is compiled.
    pub(super) flavour: Flavour,
    /// How long it took until it could be run.
    pub(super) took: Duration,
}

/// Inspects a component as publish would with this wish. `must_be_covered` says whether what it imports must be
/// granted too.
pub(super) async fn inspect(
    context: &Context,
    component: Bytes,
    cache_dir: Option<PathBuf>,
    wish: &Wish,
    must_be_covered: bool,
) -> Result<Inspected> {
    role::log_warnings(context)?;
    let progress = context.output.progress("checking and compiling");
    let began = Instant::now();
    let sandbox = role::sandbox(cache_dir.unwrap_or_else(config::cache_dir), SLOTS, DISK_BYTES_DEFAULT)?;
    let flavour = Flavour::of(&Limits::default().with(&wish.limits), wish.deterministic);
    let inspection = sandbox.inspect(component.to_vec(), flavour).await.map_err(refused)?;
    let took = began.elapsed();
    drop(progress);
    if must_be_covered {
        inspection.covered(&wish.grants).map_err(refused)?;
    }
    let manifests = inspection
        .manifests(&wish.grants, &wish.limits, wish.deterministic, &PLATFORM_MAX)
        .map_err(refused)?;
    Ok(Inspected { sandbox, inspection, manifests, flavour, took })
}

/// A refusal in the words and with the exit code of publish.
fn refused(refusal: Refusal) -> Error {
    let (exit, code) = match refusal.kind {
        RefusalKind::Malformed => (Exit::Usage, Code::Invalid),
        RefusalKind::Policy => (Exit::Refused, Code::Denied),
        RefusalKind::Fault => (Exit::Unexpected, Code::Internal),
    };
    let error = Error::new(exit, code.as_str(), format!("component: {}", refusal.message));
    match refusal.hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The bytes at hand.
pub(super) struct AtHand(pub(super) Bytes);

#[async_trait]
impl ComponentSource for AtHand {
    async fn fetch(&self, _sha256: Digest) -> anyhow::Result<Vec<u8>> {
        Ok(self.0.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_over_the_limit_is_refused_before_anybody_is_asked() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        file.as_file().set_len(COMPONENT_BYTES_MAX as u64 + 5).expect("made long");

        let refusal = format!("{:?}", read(file.path()).expect_err("too large"));

        assert!(refusal.contains("67108869 bytes are more than the limit of 67108864"), "{refusal}");
    }
}
