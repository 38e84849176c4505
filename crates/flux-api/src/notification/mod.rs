//! The group `notification.toolkit.fluxcd.io`.

pub mod v1;
pub mod v1beta3;
