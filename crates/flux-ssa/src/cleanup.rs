//! Takes over what kubectl and older controllers left in an object's metadata.

use flux_objects::Manifest;
use json_patch::jsonptr::PointerBuf;
use json_patch::{Patch, PatchOperation, RemoveOperation, ReplaceOperation};
use serde_json::{Map, Value, json};

/// Annotations that client-side appliers leave behind.
const ANNOTATIONS: [&str; 3] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "kustomize.toolkit.fluxcd.io/checksum",
    "fluxcd.io/sync-checksum",
];
/// Labels that client-side appliers leave behind.
const LABELS: [&str; 1] = ["fluxcd.io/sync-gc-mark"];
/// Managers, by the start of their name, whose fields become ours, and by which operation they got them.
const FOLDED: [(&str, &str); 4] =
    [("kubectl", "Apply"), ("kubectl", "Update"), ("before-first-apply", "Update"), ("kustomize-controller", "Update")];

/// The patch that takes over an object's metadata for `manager`; none when there is nothing to take over. It fails with a
/// conflict when the object changed after `live` was read.
pub(crate) fn take_over(live: &Manifest, manager: &str, overridden: &[String]) -> Option<Patch> {
    let mut operations = Vec::new();
    for key in ANNOTATIONS.iter().filter(|key| live.annotation(key).is_some()) {
        operations.push(remove(&["metadata", "annotations", key]));
    }
    for key in LABELS.iter().filter(|key| live.label(key).is_some()) {
        operations.push(remove(&["metadata", "labels", key]));
    }
    if let Some(entries) = fold(managed_fields(live), manager, overridden) {
        operations.push(replace(&["metadata", "managedFields"], Value::Array(entries)));
    }
    guarded(operations, live)
}

/// The patch that says all fields were set in `api_version`; none when that is so. It fails with a conflict when the object
/// changed after `live` was read.
pub(crate) fn migrate(live: &Manifest, api_version: &str) -> Option<Patch> {
    let mut entries = managed_fields(live).to_vec();
    let mut changed = false;
    for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
        let previous = entry.insert("apiVersion".to_owned(), Value::from(api_version));
        changed |= previous.as_ref().and_then(Value::as_str) != Some(api_version);
    }
    let operations =
        if changed { vec![replace(&["metadata", "managedFields"], Value::Array(entries))] } else { Vec::new() };
    guarded(operations, live)
}

/// Adds the precondition to a patch that does something.
fn guarded(mut operations: Vec<PatchOperation>, live: &Manifest) -> Option<Patch> {
    if operations.is_empty() {
        return None;
    }
    operations.push(replace(&["metadata", "resourceVersion"], Value::from(live.resource_version())));
    Some(Patch(operations))
}

fn remove(path: &[&str]) -> PatchOperation {
    PatchOperation::Remove(RemoveOperation { path: PointerBuf::from_tokens(path.iter().copied()) })
}

fn replace(path: &[&str], value: Value) -> PatchOperation {
    PatchOperation::Replace(ReplaceOperation { path: PointerBuf::from_tokens(path.iter().copied()), value })
}

fn managed_fields(live: &Manifest) -> &[Value] {
    let metadata = live.as_map().get("metadata");
    let entries = metadata.and_then(|metadata| metadata.get("managedFields")).and_then(Value::as_array);
    entries.map(Vec::as_slice).unwrap_or_default()
}

/// The entries with those of folded managers united into the Apply entry of `manager`, which comes last. None when
/// there is nothing to fold.
fn fold(entries: &[Value], manager: &str, overridden: &[String]) -> Option<Vec<Value>> {
    let is_ours = |entry: &Value| {
        text(entry, "manager") == manager
            && text(entry, "operation") == "Apply"
            && text(entry, "subresource").is_empty()
    };
    let mut ours = entries.iter().find(|entry| is_ours(entry)).cloned();
    let mut kept = Vec::with_capacity(entries.len());
    let mut folded = false;
    for entry in entries {
        if is_ours(entry) {
            continue;
        }
        if !is_folded(entry, overridden) {
            kept.push(entry.clone());
            continue;
        }
        folded = true;
        match &mut ours {
            Some(ours) => unite_fields(ours, entry),
            None => ours = Some(renamed(entry, manager)),
        }
    }
    if !folded {
        return None;
    }
    kept.extend(ours);
    Some(kept)
}

fn is_folded(entry: &Value, overridden: &[String]) -> bool {
    let (name, operation) = (text(entry, "manager"), text(entry, "operation"));
    let listed = FOLDED.iter().any(|(start, with)| name.starts_with(start) && operation == *with);
    let named = overridden.iter().any(|start| name.starts_with(start.as_str()));
    text(entry, "subresource").is_empty() && (listed || named)
}

fn renamed(entry: &Value, manager: &str) -> Value {
    let mut entry = entry.clone();
    if let Value::Object(map) = &mut entry {
        map.insert("manager".to_owned(), Value::from(manager));
        map.insert("operation".to_owned(), Value::from("Apply"));
    }
    entry
}

fn unite_fields(into: &mut Value, from: &Value) {
    let Value::Object(into) = into else { return };
    let fields = into.entry("fieldsV1").or_insert_with(|| json!({}));
    if let (Value::Object(into), Some(Value::Object(from))) = (fields, from.get("fieldsV1")) {
        // At the root an empty set holds nothing; below, an empty set is a field that is owned as a whole.
        for (key, value) in from {
            unite_key(into, key, value);
        }
    }
}

/// Unites two tries of fields. An empty node owns its field; a node with children owns its field only with a `.` among them.
fn unite(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    let own = |node: &Map<String, Value>| node.is_empty() || node.contains_key(".");
    let owned = own(into) || own(from);
    for (key, value) in from {
        unite_key(into, key, value);
    }
    if owned && !into.is_empty() && !into.contains_key(".") {
        into.insert(".".to_owned(), json!({}));
    }
    if into.len() == 1 && into.contains_key(".") {
        into.clear();
    }
}

fn unite_key(into: &mut Map<String, Value>, key: &str, value: &Value) {
    match (into.get_mut(key), value) {
        (Some(Value::Object(into)), Value::Object(from)) => unite(into, from),
        (Some(_), _) => {}
        (None, _) => {
            into.insert(key.to_owned(), value.clone());
        }
    }
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(metadata: Value) -> Manifest {
        let mut value = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "resourceVersion": "7"}});
        let Value::Object(metadata) = metadata else { unreachable!() };
        value["metadata"].as_object_mut().unwrap().extend(metadata);
        Manifest::new(value).unwrap()
    }

    fn entry(manager: &str, operation: &str, fields: Value) -> Value {
        let mut entry = json!({"manager": manager, "operation": operation, "apiVersion": "apps/v1"});
        entry["fieldsV1"] = fields;
        entry
    }

    fn check_fold(entries: &[Value], expected: Option<&[Value]>) {
        let folded = fold(entries, "kustomize-controller", &["helm".to_owned()]);
        assert_eq!(folded.as_deref(), expected);
    }

    #[test]
    fn fields_of_other_appliers_become_ours() {
        check_fold(
            &[
                entry("kubectl-client-side-apply", "Update", json!({"f:spec": {"f:replicas": {}}})),
                entry("kustomize-controller", "Apply", json!({"f:spec": {"f:paused": {}}})),
                entry("kube-controller-manager", "Update", json!({"f:spec": {"f:x": {}}})),
            ],
            Some(&[
                entry("kube-controller-manager", "Update", json!({"f:spec": {"f:x": {}}})),
                entry("kustomize-controller", "Apply", json!({"f:spec": {"f:paused": {}, "f:replicas": {}}})),
            ]),
        );
    }

    #[test]
    fn without_an_entry_of_ours_the_first_folded_one_becomes_it() {
        check_fold(
            &[
                entry("before-first-apply", "Update", json!({"f:data": {"f:a": {}}})),
                entry("kubectl-edit", "Update", json!({"f:data": {"f:b": {}}})),
                entry("helm", "Apply", json!({"f:data": {"f:c": {}}})),
            ],
            Some(&[entry("kustomize-controller", "Apply", json!({"f:data": {"f:a": {}, "f:b": {}, "f:c": {}}}))]),
        );
    }

    #[test]
    fn other_managers_and_subresources_stay() {
        let mut status = entry("kubectl", "Update", json!({"f:status": {}}));
        status["subresource"] = json!("status");
        check_fold(&[status, entry("before-first-apply", "Apply", json!({})), entry("vpa", "Apply", json!({}))], None);
    }

    #[test]
    fn uniting_keeps_which_fields_are_owned_as_a_whole() {
        let check = |into: Value, from: Value, expected: Value| {
            let (Value::Object(mut into), Value::Object(from)) = (into, from) else { unreachable!() };
            unite(&mut into, &from);
            assert_eq!(Value::Object(into), expected);
        };
        check(json!({"f:a": {}}), json!({"f:a": {}}), json!({"f:a": {}}));
        check(json!({"f:a": {}}), json!({"f:a": {"f:b": {}}}), json!({"f:a": {"f:b": {}, ".": {}}}));
        check(json!({"f:a": {"f:b": {}}}), json!({"f:a": {}}), json!({"f:a": {"f:b": {}, ".": {}}}));
        check(json!({"f:a": {"f:b": {}}}), json!({"f:a": {"f:c": {}}}), json!({"f:a": {"f:b": {}, "f:c": {}}}));
        check(json!({"f:a": {".": {}}}), json!({"f:a": {"f:c": {}}}), json!({"f:a": {".": {}, "f:c": {}}}));
    }

    #[test]
    fn left_over_annotations_and_labels_are_removed_under_the_version_that_was_read() {
        let object = live(json!({
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "1"},
            "labels": {"fluxcd.io/sync-gc-mark": "x"},
        }));
        let patch = take_over(&object, "kustomize-controller", &[]).unwrap();
        let expected = json!([
            {"op": "remove", "path": "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"},
            {"op": "remove", "path": "/metadata/labels/fluxcd.io~1sync-gc-mark"},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
        ]);
        assert_eq!(serde_json::to_value(patch).unwrap(), expected);
        assert!(take_over(&live(json!({"annotations": {"mine": "1"}})), "kustomize-controller", &[]).is_none());
    }

    #[test]
    fn entries_of_an_older_version_are_migrated() {
        let mut old = entry("a", "Apply", json!({}));
        old["apiVersion"] = json!("apps/v1beta1");
        let object = live(json!({"managedFields": [old, entry("b", "Apply", json!({}))]}));
        assert_eq!(migrate(&object, "apps/v1").unwrap().0.len(), 2);
        let object = live(json!({"managedFields": [entry("b", "Apply", json!({}))]}));
        assert!(migrate(&object, "apps/v1").is_none());
    }
}
