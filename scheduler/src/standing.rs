//! Where a replica stands in the election, for whoever in it must know.

/// Where this replica stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It leads.
    Leading,
    /// Another one does, at this address; none: nobody, or it is not known.
    Following(Option<String>),
}
