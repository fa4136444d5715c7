//! Where components come from.

use async_trait::async_trait;
use model::id::Digest;

/// Where the bytes of components come from.
#[async_trait]
pub trait ComponentSource: Send + Sync {
    /// The bytes of the component named `sha256`; the sandbox checks that they match.
    ///
    /// # Errors
    /// When they cannot be had now.
    async fn fetch(&self, sha256: Digest) -> anyhow::Result<Vec<u8>>;
}
