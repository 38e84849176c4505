//! Whether an apply would change a live object.

use std::collections::BTreeSet;

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

/// The fields in which the `dry_run` of an apply differs from `live`, as JSON pointers in order, at most `limit`; what an object as
/// a whole is ignored in does not count. No value is told.
pub fn differences(live: &Manifest, dry_run: &Manifest, ignore: &IgnoreRules, limit: usize) -> Vec<String> {
    let compared = |object: &Manifest| {
        let mut document = Value::Object(object.as_map().clone());
        ignore.strip(dry_run, &mut document);
        let Value::Object(document) = document else { return Value::Null };
        let mut fields = content(&document);
        let metadata = document.get("metadata").and_then(Value::as_object);
        let kept = ["labels", "annotations"].into_iter().filter_map(|key| {
            let found = metadata?.get(key)?.as_object().filter(|map| !map.is_empty())?;
            Some((key.to_owned(), Value::Object(found.clone())))
        });
        fields.insert("metadata".to_owned(), Value::Object(kept.collect()));
        Value::Object(fields)
    };
    let mut found = Vec::new();
    collect(&mut String::new(), &compared(live), &compared(dry_run), limit, &mut found);
    found
}

fn collect(path: &mut String, live: &Value, dry_run: &Value, limit: usize, found: &mut Vec<String>) {
    if live == dry_run || found.len() >= limit {
        return;
    }
    let mut step = |token: &str, live: Option<&Value>, dry_run: Option<&Value>| {
        let length = path.len();
        path.push('/');
        path.push_str(&token.replace('~', "~0").replace('/', "~1"));
        match (live, dry_run) {
            (Some(live), Some(dry_run)) => collect(path, live, dry_run, limit, found),
            _ if found.len() < limit => found.push(path.clone()),
            _ => {}
        }
        path.truncate(length);
    };
    match (live, dry_run) {
        (Value::Object(live), Value::Object(dry_run)) => {
            let keys: BTreeSet<&String> = live.keys().chain(dry_run.keys()).collect();
            for key in keys {
                step(key, live.get(key), dry_run.get(key));
            }
        }
        (Value::Array(live), Value::Array(dry_run)) if live.len() == dry_run.len() => {
            let items = live.iter().zip(dry_run).enumerate();
            items.for_each(|(index, (live, dry_run))| step(&index.to_string(), Some(live), Some(dry_run)));
        }
        _ => found.push(path.clone()),
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
    fn differing_fields_are_named_without_their_values() {
        let rule = IgnoreRule { paths: vec!["/spec/replicas".into()], target: None };
        let rules = IgnoreRules::compile(&[rule]).unwrap();
        let check = |live: Value, dry_run: Value, expected: &[&str]| {
            assert_eq!(differences(&object(live), &object(dry_run), &rules, 3), expected);
        };
        check(json!({"data": {"a": "1"}}), json!({"data": {"a": "1"}}), &[]);
        check(json!({"data": {"a/b": "1", "gone": "x"}}), json!({"data": {"a/b": "2"}}), &["/data/a~1b", "/data/gone"]);
        let with = |image: &str, replicas: u32| json!({"spec": {"list": [{"image": image}], "replicas": replicas}});
        check(with("a", 1), with("b", 2), &["/spec/list/0/image"]);
        check(json!({"spec": {"list": [1]}}), json!({"spec": {"list": [1, 2]}}), &["/spec/list"]);
        check(json!({"metadata": {"labels": {"a": "1", "b": "x"}}}), json!({}), &["/metadata/labels/b"]);
        check(json!({"metadata": {"generation": 2, "annotations": {}}, "status": {}}), json!({}), &[]);
        let many = json!({"data": {"a": "1", "b": "1", "c": "1", "d": "1"}});
        check(many, json!({"data": {}}), &["/data/a", "/data/b", "/data/c"]);
    }

    #[test]
    fn metrics_that_old_api_servers_repeat_do_not_count() {
        let metric = json!({"type": "Resource", "resource": {"name": "cpu"}});
        let with = |metrics: Value| json!({"kind": "HorizontalPodAutoscaler", "spec": {"metrics": metrics}});
        check(with(json!([metric])), with(json!([metric, metric, {"type": ""}])), false);
        check(with(json!([metric])), with(json!([{"type": "Pods"}])), true);
    }
}
