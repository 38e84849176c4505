//! Whether an apply would change a live object.

use serde_json::{Map, Value};

use crate::{IgnoreRules, Manifest};

/// Whether the `dry_run` of an apply differs from `live` in labels, annotations or anything but metadata and status.
/// Ignored fields do not count. A dry run that would create always differs.
pub fn drifted(live: &Manifest, dry_run: &Manifest, ignore: &IgnoreRules) -> bool {
    if dry_run.resource_version().is_empty() {
        return true;
    }
    if ignore.is_empty() {
        return differs(live.as_map(), dry_run.as_map());
    }
    let stripped = |object: &Manifest| {
        let mut document = Value::Object(object.as_map().clone());
        ignore.strip(dry_run, &mut document);
        document
    };
    match (stripped(live), stripped(dry_run)) {
        (Value::Object(live), Value::Object(dry_run)) => differs(&live, &dry_run),
        (live, dry_run) => live != dry_run,
    }
}

fn differs(live: &Map<String, Value>, dry_run: &Map<String, Value>) -> bool {
    metadata_differs(live, dry_run) || content(live) != content(dry_run)
}

fn metadata_differs(live: &Map<String, Value>, dry_run: &Map<String, Value>) -> bool {
    let part = |object: &Map<String, Value>, key: &str| {
        let found = object.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Value::as_object);
        found.cloned().unwrap_or_default()
    };
    ["labels", "annotations"].into_iter().any(|key| part(live, key) != part(dry_run, key))
}

/// The fields other than metadata and status; repeated metrics of an autoscaler are left out.
fn content(object: &Map<String, Value>) -> Map<String, Value> {
    let counts = |key: &str| !matches!(key, "metadata" | "status");
    let fields = object.iter().filter(|(key, _)| counts(key.as_str()));
    let mut fields: Map<String, Value> = fields.map(|(key, value)| (key.clone(), value.clone())).collect();
    if fields.get("kind").and_then(Value::as_str) == Some("HorizontalPodAutoscaler")
        && let Some(Value::Array(metrics)) = fields.get_mut("spec").and_then(|spec| spec.get_mut("metrics"))
    {
        keep_distinct_metrics(metrics);
    }
    fields
}

/// API servers below 1.27 repeat the first metric in a dry run and append an empty one.
fn keep_distinct_metrics(metrics: &mut Vec<Value>) {
    let mut kept: Vec<Value> = Vec::with_capacity(metrics.len());
    for metric in std::mem::take(metrics) {
        let typed = metric.get("type").and_then(Value::as_str).is_some_and(|kind| !kind.is_empty());
        if typed && !kept.contains(&metric) {
            kept.push(metric);
        }
    }
    *metrics = kept;
}

#[cfg(test)]
mod tests {
    use flux_api::kustomize::v1::kustomization::IgnoreRule;
    use serde_json::json;

    use super::*;

    fn object(extra: Value) -> Manifest {
        let mut value = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "x", "resourceVersion": "7", "labels": {"a": "1"}, "generation": 1}});
        let Value::Object(extra) = extra else { unreachable!() };
        for (key, field) in extra {
            match (value.get_mut(&key), field) {
                (Some(Value::Object(map)), Value::Object(field)) => map.extend(field),
                (_, field) => value[key] = field,
            }
        }
        Manifest::new(value).unwrap()
    }

    fn check(live: Value, dry_run: Value, expected: bool) {
        let shown = format!("{live} / {dry_run}");
        assert_eq!(drifted(&object(live), &object(dry_run), &IgnoreRules::default()), expected, "{shown}");
    }

    #[test]
    fn labels_annotations_and_content_count_and_nothing_else() {
        check(json!({"data": {"a": "1", "b": "2"}}), json!({"data": {"b": "2", "a": "1"}}), false);
        check(json!({"data": {"a": "1"}}), json!({"data": {"a": "2"}}), true);
        check(json!({}), json!({"data": {"a": "2"}}), true);
        check(json!({"metadata": {"labels": {"a": "2"}}}), json!({}), true);
        check(json!({"metadata": {"annotations": {"a": "2"}}}), json!({}), true);
        check(json!({"metadata": {"annotations": {}}}), json!({}), false);
        check(json!({"metadata": {"generation": 2, "managedFields": []}}), json!({}), false);
        check(json!({"status": {"phase": "A"}}), json!({"status": {"phase": "B"}}), false);
        check(json!({"spec": {"from": [{}]}}), json!({"spec": {"from": []}}), true);
        check(json!({"spec": {"selector": {}}}), json!({"spec": {}}), true);
        check(json!({"spec": {"list": [1, 2]}}), json!({"spec": {"list": [2, 1]}}), true);
    }

    #[test]
    fn a_dry_run_without_a_resource_version_would_create() {
        let mut created = object(json!({}));
        created.metadata_mut().unwrap().shift_remove("resourceVersion");
        assert!(drifted(&object(json!({})), &created, &IgnoreRules::default()));
    }

    #[test]
    fn ignored_fields_do_not_count() {
        let rule = IgnoreRule { paths: vec!["/spec/replicas".into()], target: None };
        let rules = IgnoreRules::compile(&[rule]).unwrap();
        let with = |replicas: u32, image: &str| object(json!({"spec": {"replicas": replicas, "image": image}}));
        assert!(!drifted(&with(5, "a"), &with(1, "a"), &rules));
        assert!(drifted(&with(5, "a"), &with(1, "b"), &rules));
    }

    #[test]
    fn metrics_that_old_api_servers_repeat_do_not_count() {
        let metric = json!({"type": "Resource", "resource": {"name": "cpu"}});
        let with = |metrics: Value| json!({"kind": "HorizontalPodAutoscaler", "spec": {"metrics": metrics}});
        check(with(json!([metric])), with(json!([metric, metric, {"type": ""}])), false);
        check(with(json!([metric])), with(json!([{"type": "Pods"}])), true);
    }
}
