//! What controllers post to notification-controller.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Deserialize, Serialize};

/// The pseudo group of the payload; also the prefix of metadata that every receiver of events understands.
pub const GROUP: &str = "event.toolkit.fluxcd.io";

/// The longest message that a payload carries, in characters.
pub const MAX_MESSAGE_CHARS: usize = 39_000;

/// The keys of event metadata, without the group that goes before them.
pub mod metadata {
    #![expect(missing_docs, reason = "each constant is its own text")]
    pub const REVISION: &str = "revision";
    pub const ORIGIN_REVISION: &str = "originRevision";
    pub const DIGEST: &str = "digest";
    pub const CHECKSUM: &str = "checksum";
    pub const TOKEN: &str = "token";
    pub const COMMIT: &str = "commit";
    pub const COMMIT_STATUS: &str = "commit_status";
    pub const COMMIT_STATUS_UPDATE: &str = "update";
    pub const CHANGE_REQUEST: &str = "change_request";
    pub const APP_VERSION: &str = "app-version";
    pub const OCI_DIGEST: &str = "oci-digest";
    pub const SUMMARY: &str = "summary";
}

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// For the cluster's own events only; never posted.
    Trace,
    /// Something went as it should.
    Info,
    /// Something failed.
    Error,
}

impl Severity {
    /// The severity as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Info => "info",
            Self::Error => "error",
        }
    }
}

/// One event of one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The object that the event is about.
    pub involved_object: ObjectReference,
    /// How much it matters.
    pub severity: Severity,
    /// When it happened, in whole seconds.
    pub timestamp: Time,
    /// What happened, for people; [`MAX_MESSAGE_CHARS`] at most.
    pub message: String,
    /// What happened, as one CamelCase word.
    pub reason: String,
    /// Facts such as the revision, each under a key with the group of the object or [`GROUP`] before it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The controller's name.
    pub reporting_controller: String,
    /// The controller's pod.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reporting_instance: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_has_the_contract_s_keys() {
        let event = Event {
            involved_object: ObjectReference {
                api_version: Some("kustomize.toolkit.fluxcd.io/v1".into()),
                kind: Some("Kustomization".into()),
                name: Some("apps".into()),
                namespace: Some("flux-system".into()),
                resource_version: Some("7".into()),
                uid: Some("0b6b".into()),
                ..ObjectReference::default()
            },
            severity: Severity::Info,
            timestamp: Time("2026-01-02T03:04:05.678Z".parse().unwrap()),
            message: "Applied revision: main@sha1:ab".into(),
            reason: "ReconciliationSucceeded".into(),
            metadata: [("kustomize.toolkit.fluxcd.io/revision".to_owned(), "main@sha1:ab".to_owned())].into(),
            reporting_controller: "kustomize-controller".into(),
            reporting_instance: "kustomize-controller-0".into(),
        };
        let json = serde_json::json!({
            "involvedObject": {
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
                "kind": "Kustomization",
                "name": "apps",
                "namespace": "flux-system",
                "resourceVersion": "7",
                "uid": "0b6b",
            },
            "severity": "info",
            "timestamp": "2026-01-02T03:04:05Z",
            "message": "Applied revision: main@sha1:ab",
            "reason": "ReconciliationSucceeded",
            "metadata": { "kustomize.toolkit.fluxcd.io/revision": "main@sha1:ab" },
            "reportingController": "kustomize-controller",
            "reportingInstance": "kustomize-controller-0",
        });
        assert_eq!(serde_json::to_value(&event).unwrap(), json);
    }
}
