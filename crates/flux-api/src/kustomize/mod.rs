//! The group `kustomize.toolkit.fluxcd.io`, and the parts of its specification that HelmRelease shares.

mod health;
mod patch;
pub mod v1;

pub use health::CustomHealthCheck;
pub use patch::{Image, Patch, Selector};
