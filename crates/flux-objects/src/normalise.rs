//! Brings a desired object into the form that is applied.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::Manifest;
use crate::known_fields::drop_unknown_fields;

/// Brings an object into the form that upstream applies, and returns the paths of the fields that were dropped because
/// the kind has no such field.
///
/// In kinds of Kubernetes itself unknown fields and nulls go, ports without a protocol become TCP, and a Secret's
/// `stringData` is folded into `data`; where a field has the wrong type the object stays as it is and the API server
/// will say so. In all kinds `creationTimestamp` and `status` go, but for the status of CustomResourceDefinitions.
/// Role and ClusterRole are never touched.
pub fn normalise(manifest: &mut Manifest) -> Vec<String> {
    let rbac = manifest.api_version() == "rbac.authorization.k8s.io/v1";
    if rbac && matches!(manifest.kind(), "Role" | "ClusterRole") {
        return Vec::new();
    }
    let dropped = drop_unknown_fields(manifest);
    if dropped.is_some() {
        set_protocols(manifest);
        fold_string_data(manifest);
    }
    if manifest.is_custom_resource_definition() {
        drop_unusable_ca_bundle(manifest);
    } else {
        manifest.as_map_mut().shift_remove("status");
    }
    if let Some(metadata) = manifest.metadata_mut() {
        metadata.shift_remove("creationTimestamp");
    }
    dropped.unwrap_or_default()
}

/// A port without a protocol would be another list item than the one that the API server stores.
fn set_protocols(manifest: &mut Manifest) {
    let pod_spec: &[&str] = match (manifest.api_version(), manifest.kind()) {
        ("v1", "Service") => {
            if let Some(spec) = field_mut(manifest.as_map_mut(), &["spec"]) {
                set_tcp(spec);
            }
            return;
        }
        ("v1", "Pod") => &["spec"],
        ("apps/v1", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch/v1", "Job") => {
            &["spec", "template", "spec"]
        }
        ("batch/v1", "CronJob") => &["spec", "jobTemplate", "spec", "template", "spec"],
        _ => return,
    };
    let containers = field_mut(manifest.as_map_mut(), pod_spec).and_then(|spec| spec.get_mut("containers"));
    for container in containers.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(container) = container {
            set_tcp(container);
        }
    }
}

fn set_tcp(owner: &mut Map<String, Value>) {
    for port in owner.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let Value::Object(port) = port else { continue };
        if port.get("protocol").and_then(Value::as_str).unwrap_or_default().is_empty() {
            port.insert("protocol".to_owned(), Value::from("TCP"));
        }
    }
}

fn fold_string_data(manifest: &mut Manifest) {
    if !manifest.is_secret() {
        return;
    }
    let Some(Value::Object(texts)) = manifest.as_map_mut().shift_remove("stringData") else { return };
    if texts.is_empty() {
        return;
    }
    let data = manifest.as_map_mut().entry("data").or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(data) = data else { return };
    for (key, text) in texts {
        let text = text.as_str().unwrap_or_default();
        data.insert(key, Value::from(STANDARD.encode(text)));
    }
}

/// API servers refuse a conversion webhook's placeholder bundle, which cert-manager's injector replaces later.
fn drop_unusable_ca_bundle(manifest: &mut Manifest) {
    let path = ["spec", "conversion", "webhook", "clientConfig"];
    let Some(config) = field_mut(manifest.as_map_mut(), &path) else { return };
    let bundle = config.get("caBundle").and_then(Value::as_str).unwrap_or_default();
    if !bundle.is_empty() && !holds_certificate(bundle) {
        config.shift_remove("caBundle");
    }
}

/// Whether the text is base64 of PEM with at least one certificate block, each of which holds DER.
fn holds_certificate(bundle: &str) -> bool {
    let Some(pem) = STANDARD.decode(bundle).ok().and_then(|bytes| String::from_utf8(bytes).ok()) else { return false };
    let blocks: Vec<&str> = pem.split("-----BEGIN CERTIFICATE-----").skip(1).collect();
    let is_der = |block: &&str| {
        let Some((body, _)) = block.split_once("-----END CERTIFICATE-----") else { return false };
        let body: String = body.split_whitespace().collect();
        // A DER sequence starts with 0x30.
        STANDARD.decode(body).is_ok_and(|der| der.first() == Some(&0x30))
    };
    !blocks.is_empty() && blocks.iter().all(is_der)
}

fn field_mut<'a>(map: &'a mut Map<String, Value>, path: &[&str]) -> Option<&'a mut Map<String, Value>> {
    path.iter().try_fold(map, |map, key| map.get_mut(*key)?.as_object_mut())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(input: Value, expected: Value, dropped: &[&str]) {
        let mut manifest = Manifest::new(input).unwrap();
        assert_eq!(normalise(&mut manifest), dropped);
        assert_eq!((manifest.into_value(),), (expected,));
    }

    #[test]
    fn ports_without_a_protocol_become_tcp() {
        check(
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"},
                "spec": {"ports": [{"port": 80}, {"port": 53, "protocol": "UDP"}]}}),
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"},
                "spec": {"ports": [{"port": 80, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}}),
            &[],
        );
        let cron_job = |port: Value| {
            json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "x"}, "spec": {
                "schedule": "* * * * *", "jobTemplate": {"spec": {"template": {"spec": {
                    "containers": [{"name": "a", "ports": [port]}]}}}}}})
        };
        check(cron_job(json!({"containerPort": 80})), cron_job(json!({"containerPort": 80, "protocol": "TCP"})), &[]);
    }

    #[test]
    fn string_data_is_folded_over_data() {
        check(
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"},
                "data": {"a": "MQ==", "b": "Mg=="}, "stringData": {"b": "three"}}),
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"},
                "data": {"a": "MQ==", "b": "dGhyZWU="}}),
            &[],
        );
    }

    #[test]
    fn what_servers_set_is_removed_but_the_status_of_definitions() {
        check(
            json!({"apiVersion": "example.com/v1", "kind": "Thing", "status": {"a": 1},
                "metadata": {"name": "x", "creationTimestamp": "2020-01-01T00:00:00Z"}, "spec": {"b": null}}),
            json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}, "spec": {"b": null}}),
            &[],
        );
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "x"}, "status": {"conditions": []}});
        check(definition.clone(), definition, &[]);
    }

    #[test]
    fn unknown_fields_of_core_kinds_are_dropped_and_named() {
        check(
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x", "colour": "red"},
                "spec": {"replica": 2, "paused": null, "template": {"spec": {"containers": [
                    {"name": "a", "imagePolicy": "Always", "resources": {}}]}}}}),
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"},
                "spec": {"template": {"spec": {"containers": [{"name": "a", "resources": {}}]}}}}),
            &["metadata.colour", "spec.replica", "spec.template.spec.containers[0].imagePolicy"],
        );
    }

    #[test]
    fn objects_with_fields_of_the_wrong_type_stay_as_they_are() {
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"},
            "spec": {"ports": "80", "unknown": 1}});
        check(service.clone(), service, &[]);
    }

    #[test]
    fn roles_are_never_touched() {
        let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"name": "x", "creationTimestamp": null}, "rules": [{"extra": 1}]});
        check(role.clone(), role, &[]);
    }

    #[test]
    fn a_placeholder_ca_bundle_is_dropped_and_a_certificate_kept() {
        let definition = |bundle: Option<&str>| {
            let mut config = json!({"service": {"name": "a"}});
            if let Some(bundle) = bundle {
                config["caBundle"] = json!(bundle);
            }
            json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {"name": "x"}, "spec": {"conversion": {"webhook": {"clientConfig": config}}}})
        };
        check(definition(Some("Cg==")), definition(None), &[]);
        check(definition(Some("not base64")), definition(None), &[]);
        let certificate = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
        let bundle = STANDARD.encode(certificate);
        check(definition(Some(&bundle)), definition(Some(&bundle)), &[]);
    }
}
