use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::json;

use super::*;

fn about() -> About {
    let meta = json!({
        "namespace": "flux-system", "name": "apps", "uid": "u-1", "resourceVersion": "7",
        "annotations": {"event.toolkit.fluxcd.io/team": "blue", "other": "x"},
    });
    let object: ConfigMap = serde_json::from_value(json!({ "metadata": meta })).unwrap();
    About { group: "kustomize.toolkit.fluxcd.io".to_owned(), ..About::of(&object) }
}

fn notice(message: &str) -> Notice {
    Notice {
        severity: Severity::Error,
        reason: "BuildFailed".to_owned(),
        message: message.to_owned(),
        metadata: [("revision".to_owned(), "main@sha1:ab".to_owned())].into(),
    }
}

#[test]
fn the_payload_names_the_object_and_prefixes_its_metadata() {
    let now = "2026-01-02T03:04:05Z".parse().unwrap();
    let payload = about().payload(notice("failed"), &Masker::new(), "kustomize-controller", "pod-0", now);
    let expected = json!({
        "involvedObject": {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "flux-system", "name": "apps",
            "uid": "u-1", "resourceVersion": "7"},
        "severity": "error", "timestamp": "2026-01-02T03:04:05Z", "message": "failed", "reason": "BuildFailed",
        "metadata": {"event.toolkit.fluxcd.io/team": "blue", "kustomize.toolkit.fluxcd.io/revision": "main@sha1:ab"},
        "reportingController": "kustomize-controller", "reportingInstance": "pod-0",
    });
    assert_eq!(serde_json::to_value(payload).unwrap(), expected);
}

#[test]
fn secrets_are_masked_in_text_and_metadata() {
    let masker = Masker::new();
    masker.add(b"hunter2hunter2");
    let mut notice = notice("got hunter2hunter2 from https://u:p@host/");
    notice.metadata.insert("summary".to_owned(), "hunter2hunter2".to_owned());
    let payload = about().payload(notice, &masker, "c", "i", Timestamp::UNIX_EPOCH);
    assert_eq!(payload.message, "got ***** from https://*****@host/");
    assert_eq!(payload.metadata["kustomize.toolkit.fluxcd.io/summary"], "*****");
}

#[test]
fn long_messages_are_cut() {
    let payload = about().payload(notice(&"ä".repeat(40_000)), &Masker::new(), "c", "i", Timestamp::UNIX_EPOCH);
    assert_eq!(payload.message.chars().count(), MAX_MESSAGE_CHARS);
    assert!(payload.message.ends_with("ä..."));
}
