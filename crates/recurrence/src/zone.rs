//! IANA time zones: the system's database first, the one inside the program where there is none.

/// Which release of the IANA time zone database is used, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// As in `2025b`; `unknown` when the database does not say.
    pub release: String,
    /// `/usr/share/zoneinfo`, or `bundled`.
    pub origin: String,
}

/// The release that is used.
#[must_use]
pub fn release() -> Release {
    unimplemented!()
}
