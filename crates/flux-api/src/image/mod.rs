//! The group `image.toolkit.fluxcd.io`.

pub mod v1;
