//! Fields that drift detection and apply leave alone (`spec.ignore`).

use flux_api::kustomize::Selector as TargetSelector;
use flux_api::kustomize::v1::kustomization::IgnoreRule;
use regex::Regex;
use serde_json::{Map, Value};

use crate::Manifest;
use crate::pointer::{Pointer, index};
use crate::selector::Selector;

/// How large a compiled expression of a target may become.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// Why a rule cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IgnoreError {
    /// A path is no JSON pointer to a field.
    #[error("ignore path {0:?} is not a JSON pointer")]
    Path(String),
    /// A field of a target is no regular expression.
    #[error("invalid {field} regex {pattern:?} in an ignore target")]
    Regex {
        /// The target's field.
        field: &'static str,
        /// What it holds.
        pattern: String,
        /// What is wrong with it.
        #[source]
        source: Box<regex::Error>,
    },
    /// A selector cannot be read.
    #[error("invalid {field} in an ignore target: cannot read {part:?}")]
    Selector {
        /// The target's field.
        field: &'static str,
        /// The part that cannot be read.
        part: String,
    },
}

/// Rules, compiled once for a run.
#[derive(Clone, Debug, Default)]
pub struct IgnoreRules {
    rules: Vec<(Option<Target>, Vec<Pointer>)>,
}

#[derive(Clone, Debug)]
struct Target {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
    labels: Selector,
    annotations: Selector,
}

/// What becomes of ignored fields in an object that is applied although they differ.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Adjustment {
    operations: Vec<(Pointer, Option<Value>)>,
}

impl IgnoreRules {
    /// Compiles rules.
    pub fn compile(rules: &[IgnoreRule]) -> Result<Self, IgnoreError> {
        let rules: Result<Vec<_>, IgnoreError> = rules
            .iter()
            .map(|rule| {
                let pointer = |path: &String| Pointer::parse(path).ok_or_else(|| IgnoreError::Path(path.clone()));
                let target = rule.target.as_ref().map(Target::compile).transpose()?;
                Ok((target, rule.paths.iter().map(pointer).collect::<Result<_, _>>()?))
            })
            .collect();
        Ok(Self { rules: rules? })
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    fn pointers<'a>(&'a self, object: &'a Manifest) -> impl Iterator<Item = &'a Pointer> {
        let matching = |(target, _): &&(Option<Target>, Vec<Pointer>)| match target {
            Some(target) => target.matches(object),
            None => true,
        };
        self.rules.iter().filter(matching).flat_map(|(_, pointers)| pointers)
    }

    /// Removes from `document` the fields that are ignored in `object`.
    pub(crate) fn strip(&self, object: &Manifest, document: &mut Value) {
        for pointer in self.pointers(object) {
            pointer.remove(document);
        }
    }

    /// What to do with the ignored fields that differ between `live` and the `dry_run` of an apply by `manager`: a field
    /// that another Apply manager owns is left out of the payload, any other takes the live value.
    pub fn adjustment(&self, live: &Manifest, dry_run: &Manifest, manager: &str) -> Adjustment {
        if self.is_empty() {
            return Adjustment::default();
        }
        let (live_value, dry_run_value) =
            (Value::Object(live.as_map().clone()), Value::Object(dry_run.as_map().clone()));
        let owners = other_apply_managers(live, manager);
        let operations = self
            .pointers(dry_run)
            .filter(|pointer| pointer.get(&live_value) != pointer.get(&dry_run_value))
            .map(|pointer| {
                let foreign = is_owned(&owners, &live_value, pointer);
                let value = if foreign { None } else { pointer.get(&live_value).cloned() };
                (pointer.clone(), value)
            })
            .collect();
        Adjustment { operations }
    }
}

impl Adjustment {
    /// Changes the payload of an apply.
    pub fn apply(self, payload: &mut Manifest) {
        let mut document = Value::Object(std::mem::take(payload.as_map_mut()));
        for (pointer, value) in self.operations {
            match value {
                Some(value) => pointer.replace(&mut document, value),
                None => pointer.remove(&mut document),
            }
        }
        if let Value::Object(map) = document {
            *payload.as_map_mut() = map;
        }
    }
}

impl Target {
    fn compile(target: &TargetSelector) -> Result<Self, IgnoreError> {
        let TargetSelector { group, version, kind, name, namespace, label_selector, annotation_selector } = target;
        let selector = |field, text: &Option<String>| {
            let text = text.as_deref().unwrap_or_default();
            Selector::parse(text).map_err(|part| IgnoreError::Selector { field, part })
        };
        Ok(Self {
            group: anchored("group", group.as_ref())?,
            version: anchored("version", version.as_ref())?,
            kind: anchored("kind", kind.as_ref())?,
            name: anchored("name", name.as_ref())?,
            namespace: anchored("namespace", namespace.as_ref())?,
            labels: selector("labelSelector", label_selector)?,
            annotations: selector("annotationSelector", annotation_selector)?,
        })
    }

    fn matches(&self, object: &Manifest) -> bool {
        let fits = |regex: &Option<Regex>, text: &str| regex.as_ref().is_none_or(|regex| regex.is_match(text));
        fits(&self.group, object.group())
            && fits(&self.version, object.version())
            && fits(&self.kind, object.kind())
            && fits(&self.name, object.name())
            && fits(&self.namespace, object.namespace())
            && self.labels.matches(object.labels())
            && self.annotations.matches(object.annotations())
    }
}

/// Empty patterns match everything.
fn anchored(field: &'static str, pattern: Option<&String>) -> Result<Option<Regex>, IgnoreError> {
    let Some(pattern) = pattern.filter(|pattern| !pattern.is_empty()) else { return Ok(None) };
    let regex = regex::RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(MAX_REGEX_BYTES).build();
    regex.map(Some).map_err(|source| IgnoreError::Regex {
        field,
        pattern: pattern.to_owned(),
        source: Box::new(source),
    })
}

/// The `fieldsV1` of each Apply manager other than `manager`, without subresources.
fn other_apply_managers<'a>(live: &'a Manifest, manager: &str) -> Vec<&'a Map<String, Value>> {
    let entries = live.metadata().and_then(|metadata| metadata.get("managedFields")).and_then(Value::as_array);
    let text = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    entries
        .into_iter()
        .flatten()
        .filter(|entry| {
            text(entry, "operation") == "Apply"
                && text(entry, "subresource").is_empty()
                && text(entry, "manager") != manager
        })
        .filter_map(|entry| entry.get("fieldsV1").and_then(Value::as_object))
        .collect()
}

fn is_owned(owners: &[&Map<String, Value>], live: &Value, pointer: &Pointer) -> bool {
    owners.iter().any(|fields| owns(fields, live, pointer.segments()))
}

/// Follows a pointer through a trie of field names (`f:name`) and list keys (`k:{…}`).
fn owns(fields: &Map<String, Value>, live: &Value, segments: &[String]) -> bool {
    let Some((segment, rest)) = segments.split_first() else { return false };
    let (child, live) = match live {
        Value::Array(items) => {
            let Some(item) = index(segment).and_then(|index| items.get(index)) else { return false };
            let child = fields.iter().find(|(key, _)| identifies(key, item)).map(|(_, child)| child);
            (child, Some(item))
        }
        _ => (fields.get(&format!("f:{segment}")), live.get(segment)),
    };
    match (child.and_then(Value::as_object), live) {
        (Some(_), _) if rest.is_empty() => true,
        (Some(child), Some(live)) => owns(child, live, rest),
        (None, _) | (Some(_), None) => false,
    }
}

/// Whether the list key `k:{"name":"web"}` is that of `item`.
fn identifies(key: &str, item: &Value) -> bool {
    let Some(text) = key.strip_prefix("k:") else { return false };
    let Ok(Value::Object(pairs)) = serde_json::from_str(text) else { return false };
    pairs.iter().all(|(name, value)| item.get(name) == Some(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(replicas: u32, cpu: &str) -> Manifest {
        Manifest::new(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "web", "namespace": "apps", "labels": {"tier": "front"},
                "managedFields": [
                    {"manager": "autoscaler", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
                    {"manager": "vpa", "operation": "Apply", "fieldsV1": {"f:spec": {"f:containers": {
                        "k:{\"name\":\"b\"}": {"f:cpu": {}}}}}},
                    {"manager": "kustomize-controller", "operation": "Apply", "fieldsV1": {"f:spec": {"f:x": {}}}},
                ],
            },
            "spec": {"replicas": replicas, "containers": [{"name": "a", "cpu": cpu}, {"name": "b", "cpu": cpu}]},
        }))
        .unwrap()
    }

    fn rules(paths: &[&str], target: Option<TargetSelector>) -> IgnoreRules {
        let paths = paths.iter().map(ToString::to_string).collect();
        IgnoreRules::compile(&[IgnoreRule { paths, target }]).unwrap()
    }

    #[test]
    fn a_field_of_another_apply_manager_is_left_out_and_any_other_keeps_its_live_value() {
        let (live, dry_run) = (deployment(5, "2"), deployment(1, "1"));
        let rules = rules(&["/spec/replicas", "/spec/containers/0/cpu", "/spec/containers/1/cpu", "/spec/none"], None);
        let mut payload = dry_run.clone();
        rules.adjustment(&live, &dry_run, "kustomize-controller").apply(&mut payload);
        assert_eq!(payload.as_map()["spec"], json!({"containers": [{"name": "a", "cpu": "2"}, {"name": "b"}]}));
    }

    #[test]
    fn equal_ignored_fields_stay_in_the_payload() {
        let rules = rules(&["/spec/replicas"], None);
        let adjustment = rules.adjustment(&deployment(1, "1"), &deployment(1, "2"), "kustomize-controller");
        assert_eq!(adjustment, Adjustment::default());
    }

    #[test]
    fn targets_select_by_anchored_expressions_and_selectors() {
        let matches = |target: TargetSelector| {
            let object = deployment(1, "1");
            rules(&["/spec"], Some(target)).pointers(&object).count() == 1
        };
        assert!(matches(TargetSelector {
            kind: Some("Deploy.*".into()),
            name: Some("web|api".into()),
            ..TargetSelector::default()
        }));
        assert!(!matches(TargetSelector { kind: Some("Deploy".into()), ..TargetSelector::default() }));
        assert!(!matches(TargetSelector { namespace: Some("app".into()), ..TargetSelector::default() }));
        assert!(matches(TargetSelector {
            label_selector: Some("tier in (front)".into()),
            ..TargetSelector::default()
        }));
        assert!(!matches(TargetSelector { annotation_selector: Some("tier".into()), ..TargetSelector::default() }));
    }

    #[test]
    fn unusable_rules_are_named() {
        let error = |paths: &[&str], target: Option<TargetSelector>| {
            let paths = paths.iter().map(ToString::to_string).collect();
            IgnoreRules::compile(&[IgnoreRule { paths, target }]).unwrap_err().to_string()
        };
        assert_eq!(error(&["spec"], None), r#"ignore path "spec" is not a JSON pointer"#);
        let target = TargetSelector { name: Some("(".into()), ..TargetSelector::default() };
        assert_eq!(error(&[], Some(target)), r#"invalid name regex "(" in an ignore target"#);
        let target = TargetSelector { label_selector: Some("a b".into()), ..TargetSelector::default() };
        assert_eq!(error(&[], Some(target)), r#"invalid labelSelector in an ignore target: cannot read "a b""#);
    }
}
