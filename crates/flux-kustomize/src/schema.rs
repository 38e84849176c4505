//! How fields merge: what the built-in kinds say, and what a kustomization's own OpenAPI document adds.

use std::sync::Arc;

use flux_yaml::Limits;
use serde_json::{Map, Value};

use crate::Error;
use crate::id::{Gvk, GvkRef};
use crate::tables::openapi::{DEFINITIONS, KINDS, SCHEMAS};

const GVK: &str = "x-kubernetes-group-version-kind";
const MERGE_KEY: &str = "x-kubernetes-patch-merge-key";
const MERGE_KEYS: &str = "x-kubernetes-list-map-keys";
const STRATEGY: &str = "x-kubernetes-patch-strategy";
/// How many references may lead to a schema.
const REFERENCES: usize = 32;

/// What is known of a built-in field for merging. Numbers are places in the table of schemas.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) fields: &'static [(&'static str, usize)],
    pub(crate) values: Option<usize>,
    pub(crate) items: Option<usize>,
    /// Whether a list is merged rather than replaced.
    pub(crate) merge: bool,
    /// What tells a merged list's elements apart; none for lists of scalars.
    pub(crate) keys: &'static [&'static str],
}

/// What is known of a field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Schema<'s> {
    BuiltIn(&'static Row),
    Own { schemas: &'s Schemas, node: &'s Value },
}

impl<'s> Schema<'s> {
    /// The schema of a field.
    pub(crate) fn field(self, name: &str) -> Option<Self> {
        match self {
            Self::BuiltIn(row) => {
                let own = row.fields.iter().find(|(field, _)| *field == name).map(|(_, at)| *at);
                SCHEMAS.get(own.or(row.values)?).map(Self::BuiltIn)
            }
            Self::Own { schemas, node } => {
                let own = node.get("properties").and_then(|properties| properties.get(name));
                schemas.resolve(own.or_else(|| node.get("additionalProperties").filter(|values| values.is_object()))?)
            }
        }
    }

    /// The schema of a list's elements.
    pub(crate) fn element(self) -> Option<Self> {
        match self {
            Self::BuiltIn(row) => SCHEMAS.get(row.items?).map(Self::BuiltIn),
            Self::Own { schemas, node } => {
                let is_list = match node.get("type") {
                    Some(Value::Array(kinds)) => kinds.len() == 1 && kinds[0] == "array",
                    kind => kind.is_some_and(|kind| kind == "array"),
                };
                schemas.resolve(node.get("items").filter(|_| is_list)?)
            }
        }
    }

    /// Whether a list is merged rather than replaced.
    pub(crate) fn merges(self) -> bool {
        match self {
            Self::BuiltIn(row) => row.merge,
            Self::Own { node, .. } => {
                let strategy = node.get(STRATEGY).and_then(Value::as_str).unwrap_or_default();
                strategy.split(',').any(|part| part == "merge")
            }
        }
    }

    /// What tells a merged list's elements apart; none for lists of scalars.
    pub(crate) fn keys(self) -> Vec<&'s str> {
        match self {
            Self::BuiltIn(row) => row.keys.to_vec(),
            Self::Own { node, .. } => match (node.get(MERGE_KEYS), node.get(MERGE_KEY)) {
                (Some(Value::Array(keys)), _) => keys.iter().filter_map(Value::as_str).collect(),
                (_, key) => key.and_then(Value::as_str).into_iter().collect(),
            },
        }
    }
}

/// All schemas of a build.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schemas {
    own: Option<Arc<Document>>,
    built_in: BuiltIn,
}

/// What becomes of the built-in schemas where a kustomization brings its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BuiltIn {
    /// They are not used.
    Absent,
    /// They hold where the own ones are silent.
    #[default]
    Below,
    /// They hold before the own ones.
    Above,
}

/// A kustomization's own OpenAPI document.
#[derive(Debug)]
struct Document {
    definitions: Map<String, Value>,
    /// The definition of each kind.
    kinds: Vec<(Gvk, String)>,
    /// Whether objects of a kind have a namespace.
    scopes: Vec<(Gvk, bool)>,
}

impl Schemas {
    /// The schemas of an OpenAPI document, JSON or YAML.
    pub(crate) fn parse(text: &str, built_in: BuiltIn) -> Result<Self, Error> {
        let invalid = |err: flux_yaml::Error| Error::invalid(format!("invalid schema file: {err}"));
        let node = flux_yaml::parse(text, Limits::default()).map_err(invalid)?;
        let document = node.as_ref().map(flux_yaml::yaml11_to_json).transpose().map_err(invalid)?;
        let Some(Value::Object(mut document)) = document else {
            return Err(Error::invalid("invalid schema file: it is no OpenAPI document"));
        };
        let mut object = |field: &str| match document.remove(field) {
            Some(Value::Object(object)) => object,
            _ => Map::new(),
        };
        let definitions = object("definitions");
        let scopes = scopes(&object("paths"));
        let kinds = definitions
            .iter()
            .flat_map(|(name, definition)| {
                let kinds = definition.get(GVK).and_then(Value::as_array).into_iter().flatten();
                kinds.filter_map(gvk).map(|gvk| (gvk, name.clone()))
            })
            .collect();
        Ok(Self { own: Some(Arc::new(Document { definitions, kinds, scopes })), built_in })
    }

    /// Whether a kustomization brought its own.
    pub(crate) fn are_own(&self) -> bool {
        self.own.is_some()
    }

    /// The schema of a kind, where it is known.
    pub(crate) fn of(&self, api_version: &str, kind: &str) -> Option<Schema<'_>> {
        let gvk = GvkRef::new(api_version, kind);
        let own = || {
            let document = self.own.as_ref()?;
            let (_, name) = document.kinds.iter().rfind(|(known, _)| known.as_ref() == gvk)?;
            document.definitions.get(name).map(|node| Schema::Own { schemas: self, node })
        };
        let built_in = || {
            let at = KINDS.binary_search_by(|((version, name), _)| (*version, *name).cmp(&(api_version, kind))).ok()?;
            SCHEMAS.get(KINDS[at].1).map(Schema::BuiltIn)
        };
        self.either(own, built_in)
    }

    /// Whether objects of a kind have a namespace, as far as the own schemas say.
    pub(crate) fn is_namespaced(&self, gvk: GvkRef<'_>) -> Option<bool> {
        let scopes = &self.own.as_ref()?.scopes;
        scopes
            .iter()
            .filter(|(known, _)| known.as_ref() == gvk)
            .map(|(_, namespaced)| *namespaced)
            .reduce(|a, b| a || b)
    }

    /// The schema that a node of the own document holds or refers to.
    fn resolve<'s>(&'s self, mut node: &'s Value) -> Option<Schema<'s>> {
        for _ in 0..REFERENCES {
            let Some(reference) = node.get("$ref").and_then(Value::as_str) else {
                return Some(Schema::Own { schemas: self, node });
            };
            let name = reference.strip_prefix("#/definitions/")?;
            let own = || {
                let node = self.own.as_ref()?.definitions.get(name)?;
                Some(Schema::Own { schemas: self, node })
            };
            let built_in = || {
                let at = DEFINITIONS.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
                SCHEMAS.get(DEFINITIONS[at].1).map(Schema::BuiltIn)
            };
            match self.either(own, built_in)? {
                Schema::Own { node: next, .. } => node = next,
                found @ Schema::BuiltIn(_) => return Some(found),
            }
        }
        None
    }

    fn either<T>(&self, own: impl FnOnce() -> Option<T>, built_in: impl FnOnce() -> Option<T>) -> Option<T> {
        match (&self.own, self.built_in) {
            (None, _) => built_in(),
            (Some(_), BuiltIn::Absent) => own(),
            (Some(_), BuiltIn::Below) => own().or_else(built_in),
            (Some(_), BuiltIn::Above) => built_in().or_else(own),
        }
    }
}

fn gvk(value: &Value) -> Option<Gvk> {
    let text = |field: &str| value.get(field).and_then(Value::as_str);
    let (version, kind) = (text("version")?.to_owned(), text("kind")?.to_owned());
    Some(Gvk { group: text("group").unwrap_or_default().to_owned(), version, kind })
}

/// What the paths say: objects below `namespaces/{namespace}` have one.
fn scopes(paths: &Map<String, Value>) -> Vec<(Gvk, bool)> {
    let scope = |(path, item): (&String, &Value)| {
        let kind = item.get("get")?.get(GVK).and_then(gvk)?;
        Some((kind, path.contains("namespaces/{namespace}")))
    };
    paths.iter().filter_map(scope).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "
definitions:
  v1.W:
    properties:
      spec: {$ref: '#/definitions/v1.WSpec'}
      template: {$ref: '#/definitions/io.k8s.api.core.v1.PodTemplateSpec'}
    x-kubernetes-group-version-kind: [{group: example.com, version: v1, kind: W}]
  v1.WSpec:
    properties:
      items: {type: array, items: {type: object}, x-kubernetes-patch-merge-key: id, x-kubernetes-patch-strategy: merge}
paths:
  /apis/example.com/v1/ws:
    get: {x-kubernetes-group-version-kind: {group: example.com, version: v1, kind: W}}
";

    fn field<'s>(schema: Schema<'s>, path: &[&str]) -> Option<Schema<'s>> {
        path.iter().try_fold(schema, |schema, name| schema.field(name))
    }

    #[test]
    fn containers_merge_by_name_and_ports_by_two_keys() {
        let schemas = Schemas::default();
        let deployment = schemas.of("apps/v1", "Deployment").unwrap();
        let containers = field(deployment, &["spec", "template", "spec", "containers"]).unwrap();
        assert!(containers.merges());
        assert_eq!(containers.keys(), ["name"]);
        assert_eq!(containers.element().unwrap().field("ports").unwrap().keys(), ["containerPort", "protocol"]);
        assert!(schemas.of("example.com/v1", "Deployment").is_none());
    }

    #[test]
    fn own_schemas_stand_before_the_built_in_ones_or_instead_of_them() {
        let schemas = Schemas::parse(OWN, BuiltIn::Below).unwrap();
        let own = schemas.of("example.com/v1", "W").unwrap();
        let items = field(own, &["spec", "items"]).unwrap();
        assert!(items.merges() && items.element().is_some());
        assert_eq!(items.keys(), ["id"]);
        assert_eq!(field(own, &["template", "spec", "containers"]).unwrap().keys(), ["name"]);
        assert!(schemas.of("apps/v1", "Deployment").is_some());
        let alone = Schemas::parse(OWN, BuiltIn::Absent).unwrap();
        assert!(alone.of("apps/v1", "Deployment").is_none());
        assert!(alone.of("example.com/v1", "W").unwrap().field("template").is_none());
    }

    #[test]
    fn own_paths_tell_kinds_without_namespaces() {
        let schemas = Schemas::parse(OWN, BuiltIn::Below).unwrap();
        assert_eq!(schemas.is_namespaced(GvkRef::new("example.com/v1", "W")), Some(false));
        assert_eq!(schemas.is_namespaced(GvkRef::new("example.com/v1", "X")), None);
    }

    #[test]
    fn references_in_a_circle_end() {
        let circle = "definitions: {a: {$ref: '#/definitions/b'}, b: {$ref: '#/definitions/a'}, \
                      c: {properties: {x: {$ref: '#/definitions/a'}}, \
                      x-kubernetes-group-version-kind: [{group: g, version: v1, kind: C}]}}";
        let schemas = Schemas::parse(circle, BuiltIn::Below).unwrap();
        assert!(schemas.of("g/v1", "C").unwrap().field("x").is_none());
    }
}
