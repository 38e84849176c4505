//! Releases: what Helm remembers of a chart that it installed, as JSON holds it.
//!
//! [`record`] reads and writes them as Helm stores them, [`observation`] has the digests by which helm-controller
//! notices changes, [`history`] looks among the revisions of one release, [`name`] checks and shortens names.
//!
//! The types have Helm's JSON, field by field: what Helm leaves out when empty is left out here, in its order. Only
//! [`Release::labels`] are not part of it: they are the labels of the object that stores the release.

mod chart_form;
mod go_json;
pub mod history;
mod hook;
mod info;
pub mod name;
pub mod observation;
pub mod record;
mod tree_form;
mod words;

use std::collections::BTreeMap;
use std::fmt;

use flux_gotemplate::Map;
use serde::{Deserialize, Serialize};

pub use hook::{
    HOOK_ANNOTATION, HOOK_DELETE_ANNOTATION, HOOK_OUTPUT_LOG_ANNOTATION, HOOK_WEIGHT_ANNOTATION, Hook, HookExecution,
};
pub use info::Info;
pub use words::{ApplyMethod, HookDeletePolicy, HookEvent, HookOutputLogPolicy, HookPhase, Status};

use crate::chart::Chart;

/// One revision of a release: a chart, the values that it got, and what they were rendered to.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Release {
    /// The release's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// How the revision came about and stands.
    pub info: Info,
    /// The chart, without its subcharts: Helm does not store them.
    #[serde(with = "chart_form", skip_serializing_if = "Option::is_none")]
    pub chart: Option<Chart>,
    /// The values that the user gave, nulls included; those of the chart are not among them.
    #[serde(with = "tree_form", skip_serializing_if = "Map::is_empty")]
    pub config: Map,
    /// All rendered objects but hooks, as one stream of documents.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    /// The rendered hooks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
    /// The revision, from 1.
    #[serde(rename = "version", skip_serializing_if = "is_zero")]
    pub revision: i64,
    /// The namespace that the release is installed to.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// The labels of the object that stores the release; those that Helm itself sets are added when it is written.
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
    /// How the objects were applied.
    #[serde(skip_serializing_if = "ApplyMethod::is_unset")]
    pub apply_method: ApplyMethod,
}

impl Release {
    /// Sets the status with the description that belongs to it.
    pub fn set_status(&mut self, status: Status, description: impl Into<String>) {
        self.info.status = status;
        self.info.description = description.into();
    }
}

impl fmt::Debug for Release {
    /// Without values, manifests and notes, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Release")
            .field("name", &self.name)
            .field("namespace", &self.namespace)
            .field("revision", &self.revision)
            .field("status", &self.info.status)
            .finish_non_exhaustive()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str) {
        let release: Release = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&release).unwrap(), json);
    }

    #[test]
    fn fields_keep_helms_order_and_empty_ones_are_left_out() {
        check(r#"{"info":{}}"#);
        check(
            r#"{"name":"rel","info":{"first_deployed":"2023-11-14T22:13:20.123456789Z","last_deployed":"2023-11-14T23:13:20+01:00","deleted":"2024-01-01T00:00:00Z","description":"d","status":"deployed","notes":"n"},"config":{"a":null,"b":[]},"manifest":"m","version":3,"namespace":"ns","apply_method":"ssa"}"#,
        );
    }

    #[test]
    fn hooks_always_say_how_they_ran() {
        check(
            r#"{"info":{},"hooks":[{"last_run":{"phase":""}},{"name":"h","kind":"Job","path":"c/templates/h.yaml","manifest":"m","events":["pre-install","test"],"last_run":{"started_at":"2023-11-14T22:13:20Z","completed_at":"2023-11-14T22:13:21Z","phase":"Succeeded"},"weight":-5,"delete_policies":["hook-succeeded"],"output_log_policies":["hook-failed"]}]}"#,
        );
    }

    #[test]
    fn charts_say_what_they_have_not_but_for_their_time() {
        check(
            r#"{"info":{},"chart":{"metadata":{"name":"c"},"lock":null,"templates":null,"values":null,"schema":null,"schemamodtime":"0001-01-01T00:00:00Z","files":null}}"#,
        );
        check(
            r#"{"info":{},"chart":{"metadata":{"name":"c"},"lock":{"generated":"2023-11-14T22:13:20Z","digest":"d","dependencies":null},"templates":[{"name":"templates/a.yaml","data":"YQ==","modtime":"2023-11-14T22:13:20Z"},{"name":"templates/b.yaml","data":""}],"values":{},"schema":"e30=","schemamodtime":"2023-11-14T22:13:20Z","files":[{"name":"f","data":"AAE="}],"modtime":"2023-11-14T22:13:20Z"}}"#,
        );
    }

    #[test]
    fn words_that_are_not_known_stay() {
        check(
            r#"{"info":{"status":"paused"},"hooks":[{"events":["crd-install"],"last_run":{"phase":"Odd"}}],"apply_method":"new"}"#,
        );
    }

    #[test]
    fn empty_texts_are_times_that_are_not_there() {
        let release: Release = serde_json::from_str(
            r#"{"info":{"deleted":""},"hooks":[{"last_run":{"started_at":"","completed_at":null,"phase":"Running"}}]}"#,
        )
        .unwrap();
        assert!(release.info.deleted.is_zero());
        assert!(release.hooks[0].last_run.started_at.is_zero());
    }
}
