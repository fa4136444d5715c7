//! What stands behind the capabilities: the host's imports in a component, a recorder in a native build.

#[cfg(target_family = "wasm")]
pub(crate) mod component;
#[cfg(not(target_family = "wasm"))]
mod recorder;

#[cfg(target_family = "wasm")]
pub(crate) use component::imports::*;
#[cfg(not(target_family = "wasm"))]
pub(crate) use recorder::*;
