//! The list of objects that an owner applied, as status keeps it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The objects that an owner applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceInventory {
    /// One entry an object.
    pub entries: Vec<ResourceRef>,
}

/// One applied object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceRef {
    /// `<namespace>_<name>_<group>_<kind>`, with the namespace empty for objects that have none.
    pub id: String,
    /// API version of the object, without its group.
    #[serde(rename = "v")]
    pub version: String,
}
