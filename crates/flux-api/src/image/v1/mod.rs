//! `image.toolkit.fluxcd.io/v1`: tags of images, the one to use, and its way into Git.

pub mod image_policy;
pub mod image_repository;
pub mod image_update_automation;

pub use image_policy::ImagePolicy;
pub use image_repository::ImageRepository;
pub use image_update_automation::ImageUpdateAutomation;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::non_empty;

/// The group of this module's kinds.
pub const GROUP: &str = "image.toolkit.fluxcd.io";

/// Reasons of conditions and events of this module's kinds, next to the generic ones of [`crate::meta`].
pub mod reason {
    #![expect(missing_docs, reason = "each constant is its own text")]
    pub const IMAGE_URL_INVALID: &str = "ImageURLInvalid";
    pub const AUTHENTICATION_FAILED: &str = "AuthenticationFailed";
    pub const READ_OPERATION_FAILED: &str = "ReadOperationFailed";
    pub const FAILURE: &str = "Failure";
    pub const INVALID_POLICY: &str = "InvalidPolicy";
    pub const INTERVAL_NOT_CONFIGURED: &str = "IntervalNotConfigured";
    pub const INVALID_POLICY_SELECTOR: &str = "InvalidPolicySelector";
    pub const INVALID_SOURCE_CONFIGURATION: &str = "InvalidSourceConfiguration";
    pub const INVALID_UPDATE_STRATEGY: &str = "InvalidUpdateStrategy";
    pub const REMOVED_TEMPLATE_FIELD: &str = "RemovedTemplateField";
    pub const SOURCE_MANAGER_FAILED: &str = "SourceManagerFailed";
    pub const GIT_OPERATION_FAILED: &str = "GitOperationFailed";
    pub const UPDATE_FAILED: &str = "UpdateFailed";
}

/// An image, its tag, and where known its digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageRef {
    /// Name of the image without tag.
    pub name: String,
    /// The tag.
    pub tag: String,
    /// The digest that the tag stood for.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}
