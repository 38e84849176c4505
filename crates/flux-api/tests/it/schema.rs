//! Walks over the schemas of the CRDs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// The schema of each kind, by `<apiVersion>/<kind>`.
pub(crate) fn schemas() -> BTreeMap<String, Value> {
    let mut schemas = BTreeMap::new();
    for crd in flux_api::crd::all().unwrap() {
        let [version] = crd.spec.versions.as_slice() else { panic!("one version each") };
        let schema = version.schema.as_ref().and_then(|schema| schema.open_api_v3_schema.as_ref()).unwrap();
        let name = format!("{}/{}/{}", crd.spec.group, version.name, crd.spec.names.kind);
        schemas.insert(name, serde_json::to_value(schema).unwrap());
    }
    schemas
}

/// The schema of an object's kind, when the kind is one of ours.
pub(crate) fn schema_of(object: &Value) -> Option<Value> {
    let (version, kind) = (object["apiVersion"].as_str()?, object["kind"].as_str()?);
    schemas().remove(&format!("{version}/{kind}"))
}

/// The schema's paths of spec and status, such as `spec.include[].repository.name`.
pub(crate) fn paths(schema: &Value) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for part in ["spec", "status"] {
        collect_paths(&schema["properties"][part], part.to_owned(), &mut paths);
    }
    paths
}

fn collect_paths(schema: &Value, path: String, paths: &mut BTreeSet<String>) {
    if schema.is_null() {
        return;
    }
    for (name, schema) in fields(schema) {
        collect_paths(schema, format!("{path}.{name}"), paths);
    }
    collect_paths(&schema["items"], format!("{path}[]"), paths);
    collect_paths(&schema["additionalProperties"], format!("{path}{{}}"), paths);
    paths.insert(path);
}

/// The paths that a value has, written as the schema's; those that the schema does not know start with `!`.
pub(crate) fn paths_in(schema: &Value, value: &Value, path: &str, paths: &mut BTreeSet<String>) {
    let free = schema["x-kubernetes-preserve-unknown-fields"] == true;
    match value {
        Value::Object(values) if !free => {
            for (name, value) in values {
                let (inner, path) = match (&schema["properties"][name], &schema["additionalProperties"]) {
                    (Value::Null, Value::Null) => {
                        paths.insert(format!("!{path}.{name}"));
                        continue;
                    }
                    (Value::Null, values) => (values, format!("{path}{{}}")),
                    (field, _) => (field, format!("{path}.{name}")),
                };
                paths_in(inner, value, &path, paths);
            }
        }
        Value::Array(values) if !free => {
            for value in values {
                paths_in(&schema["items"], value, &format!("{path}[]"), paths);
            }
        }
        _ => {}
    }
    paths.insert(path.to_owned());
}

/// A rule of a schema: where it holds, and what it says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rule {
    pub(crate) path: String,
    pub(crate) check: String,
}

/// Every rule of spec and status.
pub(crate) fn rules(schema: &Value) -> BTreeSet<Rule> {
    let mut rules = BTreeSet::new();
    for part in ["spec", "status"] {
        collect_rules(&schema["properties"][part], part, &mut rules);
    }
    rules
}

fn collect_rules(schema: &Value, path: &str, rules: &mut BTreeSet<Rule>) {
    let Some(object) = schema.as_object() else { return };
    let mut add = |path: &str, check: &str| rules.insert(Rule { path: path.to_owned(), check: check.to_owned() });
    for check in ["pattern", "enum", "minLength", "maxLength", "minItems", "maxItems", "minimum"] {
        if object.contains_key(check) {
            add(path, check);
        }
    }
    for name in strings(object.get("required")) {
        // The API server fills in a default before it asks whether a field is there.
        if schema["properties"][name]["default"].is_null() {
            add(&format!("{path}.{name}"), "required");
        }
    }
    if schema["x-kubernetes-list-type"] == "map" {
        add(path, "unique");
    }
    for rule in object.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
        add(path, rule["message"].as_str().unwrap());
    }
    for (name, schema) in fields(schema) {
        collect_rules(schema, &format!("{path}.{name}"), rules);
    }
    collect_rules(&schema["items"], &format!("{path}[]"), rules);
    collect_rules(&schema["additionalProperties"], &format!("{path}{{}}"), rules);
}

fn fields(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flat_map(Map::iter)
}

fn strings(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
