//! `notification.toolkit.fluxcd.io/v1beta3`: which events are sent where.

pub mod alert;
pub mod provider;

pub use alert::Alert;
pub use provider::Provider;

/// The group of this module's kinds.
pub const GROUP: &str = "notification.toolkit.fluxcd.io";
