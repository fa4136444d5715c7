//! What a guest holds in place of a secret.

/// What a handle stands for.
#[expect(unreachable_pub, reason = "the generated bindings export it again")]
pub struct Secret {
    /// Its name; the grant was checked when the handle was given.
    pub name: String,
}
