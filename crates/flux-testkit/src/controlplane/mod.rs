//! The local control plane of `e2e/controlplane`, built on demand.

mod binary;
mod identity;
mod instance;
mod namespace;

pub use instance::{Component, ControlPlane, client_from};
pub use namespace::TestNamespace;
