//! The group `source.extensions.fluxcd.io`.

pub mod v1beta1;
