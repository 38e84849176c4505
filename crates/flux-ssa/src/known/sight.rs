//! A live object in a few bytes.

use flux_objects::Manifest;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use serde::Deserialize as _;

use super::Fingerprint;

/// The annotation that the cluster writes together with the status of a Deployment.
const REVISION: &str = "deployment.kubernetes.io/revision";

/// What is kept of a live object: its version, and whether a later version differs in more than status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sight {
    /// Its resource version, which grows with each write.
    pub(super) version: u64,
    /// Stands for all that is written otherwise than through the status subresource.
    beside_status: Fingerprint,
    /// Whether writes of its status can be told from others.
    separable: bool,
}

impl Sight {
    /// Of an object that an API server answered with; none when its version does not grow.
    pub(super) fn of(object: &Manifest) -> Option<Self> {
        let metadata = ObjectMeta::deserialize(object.as_map().get("metadata")?).ok()?;
        Self::of_metadata(&metadata)
    }

    pub(crate) fn of_metadata(metadata: &ObjectMeta) -> Option<Self> {
        let version = metadata.resource_version.as_deref()?.parse().ok()?;
        let entries = metadata.managed_fields.as_deref().unwrap_or_default();
        let by_status = |entry: &&ManagedFieldsEntry| entry.subresource.as_deref() == Some("status");
        let others: Vec<&ManagedFieldsEntry> = entries.iter().filter(|entry| !by_status(entry)).collect();
        let annotations = metadata.annotations.iter().flatten().filter(|(key, _)| *key != REVISION);
        let beside_status = Fingerprint::of_json(&(
            &metadata.uid,
            metadata.generation,
            &metadata.deletion_timestamp,
            &metadata.labels,
            annotations.collect::<Vec<_>>(),
            others,
        ))?;
        // Fields of other managers say nothing about a kind without a generation: the same manager may have written again
        // within the same second.
        let separable = metadata.generation.is_some_and(|generation| generation > 0)
            && entries.iter().any(|entry| by_status(&entry));
        Some(Self { version, beside_status, separable })
    }

    /// Whether `self` is an older sight of the object, or the same, or differs from it in status alone.
    pub(crate) fn is_still(&self, left: &Self) -> bool {
        self.version <= left.version || self.separable && self.beside_status == left.beside_status
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sight(version: &str, edit: impl FnOnce(&mut Value)) -> Sight {
        let mut metadata = json!({
            "name": "web", "uid": "u", "resourceVersion": version, "generation": 1,
            "annotations": {"a": "1"},
            "managedFields": [
                {"manager": "kustomize-controller", "operation": "Apply", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {}}},
                {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}},
            ],
        });
        edit(&mut metadata);
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata});
        Sight::of(&Manifest::new(object).unwrap()).unwrap()
    }

    /// Whether an object left as it is at version 7 is still so after `edit` made version 9 of it.
    fn check(edit: impl FnOnce(&mut Value), expected: bool) {
        let left = sight("7", |metadata| drop(metadata["managedFields"].as_array_mut().unwrap().pop()));
        assert_eq!(sight("9", edit).is_still(&left), expected);
    }

    #[test]
    fn a_later_version_that_differs_in_status_alone_is_the_same_object() {
        check(|_| {}, true);
        check(|metadata| metadata["annotations"][REVISION] = json!("1"), true);
        check(|metadata| metadata["managedFields"][1]["time"] = json!("2026-01-01T00:00:09Z"), true);
    }

    #[test]
    fn any_other_later_version_is_another_object() {
        check(|metadata| metadata["generation"] = json!(2), false);
        check(|metadata| metadata["uid"] = json!("v"), false);
        check(|metadata| metadata["labels"] = json!({"a": "1"}), false);
        check(|metadata| metadata["annotations"]["a"] = json!("2"), false);
        check(|metadata| metadata["deletionTimestamp"] = json!("2026-01-01T00:00:00Z"), false);
        check(|metadata| metadata["managedFields"][0]["fieldsV1"] = json!({}), false);
        check(|metadata| metadata["managedFields"][0]["time"] = json!("2026-01-01T00:00:09Z"), false);
        check(|metadata| metadata["managedFields"][1]["subresource"] = json!("scale"), false);
        check(|metadata| drop(metadata.as_object_mut().unwrap().remove("generation")), false);
    }

    #[test]
    fn a_watch_that_lags_behind_says_nothing_new() {
        let left = sight("7", |_| {});
        assert!(sight("6", |metadata| metadata["labels"] = json!({"a": "1"})).is_still(&left));
        assert!(sight("7", |_| {}).is_still(&left));
    }
}
