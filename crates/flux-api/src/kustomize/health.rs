//! Health rules for kinds that kstatus does not know.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::meta::non_empty;

/// Says by CEL expressions over an object how healthy it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomHealthCheck {
    /// API version of the objects that the expressions are for.
    pub api_version: String,
    /// Kind of the objects; all kinds of the group when empty.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// True while the object is being brought to its desired state.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub in_progress: Option<String>,
    /// True when the object failed.
    #[serde(default, deserialize_with = "non_empty", skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// True when the object is as desired.
    pub current: String,
}
