//! The local control plane of `e2e/controlplane`, built on demand.

mod binary;
mod identity;
mod instance;
mod namespace;

pub use instance::{Component, ControlPlane};
pub use namespace::TestNamespace;
