//! The fifteen kinds, by name.

use flux_api::{helm, image, kustomize, notification, source, source_extensions};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads an object as its kind's type and writes it again.
pub(crate) fn through_type(object: &Value) -> Result<Value, String> {
    let read = match object["kind"].as_str().unwrap_or_default() {
        "Alert" => through::<notification::v1beta3::Alert>,
        "ArtifactGenerator" => through::<source_extensions::v1beta1::ArtifactGenerator>,
        "Bucket" => through::<source::v1::Bucket>,
        "ExternalArtifact" => through::<source::v1::ExternalArtifact>,
        "GitRepository" => through::<source::v1::GitRepository>,
        "HelmChart" => through::<source::v1::HelmChart>,
        "HelmRelease" => through::<helm::v2::HelmRelease>,
        "HelmRepository" => through::<source::v1::HelmRepository>,
        "ImagePolicy" => through::<image::v1::ImagePolicy>,
        "ImageRepository" => through::<image::v1::ImageRepository>,
        "ImageUpdateAutomation" => through::<image::v1::ImageUpdateAutomation>,
        "Kustomization" => through::<kustomize::v1::Kustomization>,
        "OCIRepository" => through::<source::v1::OCIRepository>,
        "Provider" => through::<notification::v1beta3::Provider>,
        "Receiver" => through::<notification::v1::Receiver>,
        other => return Err(format!("{other:?} is no kind of Flux")),
    };
    read(object)
}

fn through<K: Serialize + DeserializeOwned>(object: &Value) -> Result<Value, String> {
    let typed: K = serde_json::from_value(object.clone()).map_err(|err| err.to_string())?;
    serde_json::to_value(&typed).map_err(|err| err.to_string())
}

/// The documents of a YAML text.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    documents.into_iter().filter(|document| !document.is_null()).collect()
}

#[test]
fn a_field_of_the_wrong_type_is_a_plain_error() {
    let object = serde_json::json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": { "name": "a" },
        "spec": { "url": "https://example.com", "interval": 5 },
    });
    let err = through_type(&object).unwrap_err();
    assert_eq!(err, "invalid type: integer `5`, expected a duration such as 30s, 1m30s or 1h");
}

#[test]
fn an_empty_text_reads_as_none() {
    let object = serde_json::json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": { "name": "a" },
        "spec": {
            "interval": "5m0s",
            "path": "",
            "prune": true,
            "serviceAccountName": "",
            "sourceRef": { "kind": "GitRepository", "name": "a", "namespace": "" },
        },
    });
    let spec = through_type(&object).unwrap()["spec"].clone();
    let expected = serde_json::json!({
        "interval": "5m0s",
        "prune": true,
        "sourceRef": { "kind": "GitRepository", "name": "a" },
    });
    assert_eq!(spec, expected);
}

#[test]
fn an_external_artifact_needs_no_spec() {
    let object = serde_json::json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "ExternalArtifact",
        "metadata": { "name": "a" },
    });
    assert_eq!(through_type(&object).unwrap()["spec"], serde_json::json!({}));
}
