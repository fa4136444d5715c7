//! What publish learns about a component before it is stored.

use std::collections::BTreeSet;

use model::grants::Capability;
use model::id::Digest;
use model::task::TaskDescription;

/// A component that was parsed, validated, compiled and asked to describe itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The digest of its bytes.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Interfaces it imports, as `package:name/interface@version`, sorted.
    pub imports: Vec<String>,
    /// The capabilities those imports ask for.
    pub capabilities: BTreeSet<Capability>,
    /// The tasks it describes; at least one.
    pub tasks: Vec<TaskDescription>,
    /// How long the compiler took, in milliseconds; 0 when it was compiled before.
    pub compile_ms: u64,
}

/// Why a component cannot be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// At whose door it lies.
    pub kind: RefusalKind,
    /// One line that names what is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// At whose door a refusal lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The component's: it is malformed, or does not do what the contract says.
    Malformed,
    /// A policy's: a limit, or an import that no grant covers.
    Policy,
    /// The machine's: it could not be checked now. Another try may help.
    Fault,
}
