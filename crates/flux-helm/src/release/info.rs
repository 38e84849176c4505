//! How a revision came about and stands.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Status;
use crate::Time;

/// How a revision came about and stands.
///
/// Helm's type also has the objects that `helm status` lists; they are never stored.
#[derive(Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Info {
    /// When the release was installed.
    #[serde(skip_serializing_if = "Time::is_zero")]
    pub first_deployed: Time,
    /// When this revision was deployed.
    #[serde(skip_serializing_if = "Time::is_zero")]
    pub last_deployed: Time,
    /// When the release was uninstalled.
    #[serde(skip_serializing_if = "Time::is_zero")]
    pub deleted: Time,
    /// What happened last, in a few words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// How the revision stands.
    #[serde(skip_serializing_if = "Status::is_unset")]
    pub status: Status,
    /// What `NOTES.txt` of the chart was rendered to.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub notes: String,
}

impl fmt::Debug for Info {
    /// Without the notes, which may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Info")
            .field("first_deployed", &self.first_deployed)
            .field("last_deployed", &self.last_deployed)
            .field("deleted", &self.deleted)
            .field("description", &self.description)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
