//! `notification.toolkit.fluxcd.io/v1`: webhooks that ask for reconciliation.

pub mod receiver;

pub use receiver::Receiver;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The group of this module's kinds.
pub const GROUP: &str = "notification.toolkit.fluxcd.io";
/// The path that all webhooks start with.
pub const WEBHOOK_PATH: &str = "/hook/";

/// Reasons of conditions and events of Receivers and Alerts, next to the generic ones of [`crate::meta`].
pub mod reason {
    #![expect(missing_docs, reason = "each constant is its own text")]
    pub const TOKEN_NOT_FOUND: &str = "TokenNotFound";
    pub const VALIDATION_FAILED: &str = "ValidationFailed";
    pub const NOTIFICATION_DISPATCH_FAILED: &str = "NotificationDispatchFailed";
    pub const INVALID_CONFIG: &str = "InvalidConfig";
    pub const SOURCE_FETCH_FAILED: &str = "SourceFetchFailed";
    pub const METADATA_APPEND_FAILED: &str = "MetadataAppendFailed";
}

/// The kinds that alerts listen to and webhooks wake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "each kind is its own name")]
pub enum ObjectKind {
    Bucket,
    #[default]
    GitRepository,
    Kustomization,
    HelmRelease,
    HelmChart,
    HelmRepository,
    ImageRepository,
    ImagePolicy,
    ImageUpdateAutomation,
    OCIRepository,
    ArtifactGenerator,
    ExternalArtifact,
}
