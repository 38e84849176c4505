//! What upstream's controller left in a cluster is taken over without a write to any applied object.
//!
//! The recorded objects are read where FLUX_CONFORMANCE names their folder; without it the test says that it was skipped.

use std::collections::BTreeMap;

use flux_api::kustomize::v1::Kustomization;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use serde_json::{Map, Value, json};

use crate::bench::{Bench, conditions};

/// The namespace that the recorded objects are in.
const RECORDED: &str = "bench";
const MANAGER: &str = "kustomize-controller";

/// The recorded objects, moved to another namespace.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn recorded(namespace: &str) -> Option<Vec<Value>> {
    let Some(folder) = std::env::var_os("FLUX_CONFORMANCE") else {
        println!("skipped: FLUX_CONFORMANCE is not set");
        return None;
    };
    let file = std::path::Path::new(&folder).join("takeover/kustomizations.json");
    let text = std::fs::read_to_string(&file).unwrap();
    let moved = text
        .replace(&format!("\"{RECORDED}\""), &format!("\"{namespace}\""))
        .replace(&format!("\"{RECORDED}_"), &format!("\"{namespace}_"));
    let mut list: Value = serde_json::from_str(&moved).unwrap();
    Some(list["items"].as_array_mut().map(std::mem::take).unwrap())
}

/// What `manager` had applied of `object`: the fields that it owns.
fn applied(object: &Value) -> Option<Value> {
    let entries = object["metadata"]["managedFields"].as_array()?;
    let entry = entries.iter().find(|entry| entry["manager"] == MANAGER && entry["operation"] == "Apply")?;
    let mut applied = project(object, &entry["fieldsV1"]);
    for field in ["apiVersion", "kind"] {
        applied[field] = object[field].clone();
    }
    applied["metadata"]["name"] = object["metadata"]["name"].clone();
    applied["metadata"]["namespace"] = object["metadata"]["namespace"].clone();
    Some(applied)
}

fn project(value: &Value, fields: &Value) -> Value {
    let fields = fields.as_object().unwrap();
    if fields.is_empty() {
        return value.clone();
    }
    if let Value::Array(items) = value {
        let keys = fields.iter().filter_map(|(key, below)| Some((key.strip_prefix("k:")?, below)));
        let found = keys.map(|(key, below)| {
            let key: Map<String, Value> = serde_json::from_str(key).unwrap();
            let item = items.iter().find(|item| key.iter().all(|(name, wanted)| item[name] == *wanted)).unwrap();
            project(item, below)
        });
        return Value::Array(found.collect());
    }
    let own = fields.iter().filter_map(|(key, below)| Some((key.strip_prefix("f:")?, below)));
    // An owned field without a value was an empty one.
    own.map(|(name, below)| (name.to_owned(), value.get(name).map_or(json!({}), |value| project(value, below))))
        .collect()
}

fn api(bench: &Bench, object: &Value) -> Api<DynamicObject> {
    let (api_version, kind) = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    Api::namespaced_with(bench.ns.client.clone(), &bench.ns.name, &resource)
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

/// The applied objects as they are, by kind and name: their version and who owns what of them. Deployments have a status, which
/// others write, so of them the generation counts.
async fn versions(bench: &Bench, objects: &[Value]) -> BTreeMap<String, (Option<String>, Value)> {
    let mut versions = BTreeMap::new();
    for object in objects {
        let metadata = api(bench, object).get(name(object)).await.unwrap().metadata;
        let generation = metadata.generation.map(|generation| generation.to_string());
        let version = if object["kind"] == "Deployment" { generation } else { metadata.resource_version };
        let mut owners = metadata.managed_fields.unwrap();
        owners.retain(|entry| entry.subresource.is_none());
        let owners = serde_json::to_value(owners).unwrap();
        versions.insert(format!("{}/{}", object["kind"], name(object)), (version, owners));
    }
    versions
}

/// Puts the Kustomizations there with the status that upstream wrote. Returns their names.
async fn leave(bench: &Bench, objects: &[Value]) -> Vec<String> {
    let kustomizations: Api<Kustomization> = bench.ns.api();
    let mut names = Vec::new();
    for object in objects.iter().filter(|object| object["kind"] == "Kustomization") {
        let mut spec = object["spec"].clone();
        spec["sourceRef"]["name"] = json!("repo");
        spec["path"] = json!(format!("./{}", name(object)));
        // What the recorded manifests name by variables, the artifact has in place.
        spec.as_object_mut().unwrap().remove("postBuild");
        let metadata = json!({"name": name(object), "finalizers": object["metadata"]["finalizers"]});
        let whole =
            json!({"apiVersion": object["apiVersion"], "kind": "Kustomization", "metadata": metadata, "spec": spec});
        bench.ns.apply(&whole.to_string()).await.unwrap();
        let mut status = object["status"].clone();
        // The generation counts from one again.
        status["observedGeneration"] = json!(1);
        for condition in status["conditions"].as_array_mut().unwrap() {
            condition["observedGeneration"] = json!(1);
        }
        let manager =
            PatchParams { field_manager: Some("gotk-kustomize-controller".to_owned()), ..PatchParams::default() };
        kustomizations.patch_status(name(object), &manager, &Patch::Merge(json!({"status": status}))).await.unwrap();
        names.push(name(object).to_owned());
    }
    names
}

#[tokio::test]
async fn what_upstream_left_is_taken_over_without_a_write() {
    let mut bench = Bench::without_controller("takeover", &[]).await;
    let Some(objects) = recorded(&bench.ns.name) else { return };
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "flux"}});
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "flux"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "flux", "namespace": bench.ns.name}]});
    for object in [account, binding] {
        bench.ns.apply(&object.to_string()).await.unwrap();
    }
    let managed: Vec<Value> = objects.iter().filter_map(applied).collect();
    assert!(managed.len() > 10, "{}", managed.len());
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for object in &managed {
        let patch = PatchParams::apply(MANAGER).force();
        api(&bench, object).patch(name(object), &patch, &Patch::Apply(object)).await.unwrap();
        let owner = object["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"].as_str().unwrap();
        let mut source = object.clone();
        source["metadata"]["labels"].as_object_mut().unwrap().retain(|key, _| !key.contains("toolkit.fluxcd.io"));
        files.insert(format!("{owner}/{}.yaml", object["kind"].as_str().unwrap()), source.to_string());
    }
    let revision = objects.iter().find_map(|object| object["status"]["lastAppliedRevision"].as_str()).unwrap();
    let revision = revision.rsplit(':').next().unwrap();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    bench.publish(revision, &files).await;
    let names = leave(&bench, &objects).await;
    let before: Vec<_> = {
        let api: Api<Kustomization> = bench.ns.api();
        let mut found = Vec::new();
        for name in &names {
            found.push(api.get(name).await.unwrap().status.unwrap());
        }
        found
    };
    let versions_before = versions(&bench, &managed).await;

    bench.start_controller();
    for (name, before) in names.iter().zip(before) {
        let after = bench.reconcile(name, "taken-over").await;
        assert_eq!(conditions(&after), ["Ready=True ReconciliationSucceeded", "Healthy=True Succeeded"], "{name}");
        let after = after.status.unwrap();
        assert_eq!(after.conditions, before.conditions, "{name}: neither lost nor flapped");
        assert_eq!(after.inventory, before.inventory, "{name}");
        assert_eq!(after.last_applied_revision, before.last_applied_revision, "{name}");
        assert_eq!(after.history[1..], before.history[..], "{name}: the old states are still told");
    }

    let versions_after = versions(&bench, &managed).await;
    assert_eq!(versions_after, versions_before, "nothing was written, or it was by another manager");
}
