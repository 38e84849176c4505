//! A Kubernetes object as JSON whose identity was checked once.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::inventory::Entry;
use crate::{GroupKind, ObjectId};

/// How deep lists may nest inside lists.
const MAX_LIST_DEPTH: usize = 8;

/// A desired or live object: a JSON object with `apiVersion`, `kind` and `metadata.name`.
///
/// It prints as its identity only, since it may be a Secret; serialising it gives the whole object.
#[derive(Clone, PartialEq)]
pub struct Manifest {
    value: Map<String, Value>,
    /// Not part of the object.
    file: Option<Arc<str>>,
}

/// Why JSON is not an object that can be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The document is a scalar or a list.
    #[error("document is not an object")]
    NotAnObject,
    /// A field that identifies the object is missing, empty or not a string.
    #[error("{subject} has no {field}")]
    Missing {
        /// What is known of the object.
        subject: String,
        /// The field's path.
        field: &'static str,
    },
    /// `metadata`, its labels or its annotations are of another type, or a label's value is not a string.
    #[error("{subject} has a malformed {field}")]
    Malformed {
        /// The object.
        subject: String,
        /// The field's path.
        field: &'static str,
    },
    /// Lists inside lists inside lists.
    #[error("lists are nested too deeply")]
    ListTooDeep,
}

impl Manifest {
    /// Checks what identifies the object. `null` labels and annotations count as absent.
    pub fn new(value: Value) -> Result<Self, ManifestError> {
        let Value::Object(mut value) = value else { return Err(ManifestError::NotAnObject) };
        let subject = subject(&value);
        for field in ["apiVersion", "kind"] {
            if text(&value, field).is_empty() {
                return Err(ManifestError::Missing { subject, field });
            }
        }
        match value.get_mut("metadata") {
            Some(Value::Object(metadata)) => check_metadata(metadata, subject)?,
            Some(Value::Null) | None => return Err(ManifestError::Missing { subject, field: "metadata.name" }),
            Some(_) => return Err(ManifestError::Malformed { subject, field: "metadata" }),
        }
        Ok(Self { value, file: None })
    }

    /// The same object, which came from `file` of its source.
    #[must_use]
    pub fn from_file(self, file: Option<Arc<str>>) -> Self {
        Self { file, ..self }
    }

    /// The file of its source that the object came from, where that is known.
    pub fn file(&self) -> Option<&Arc<str>> {
        self.file.as_ref()
    }

    /// `apiVersion`.
    pub fn api_version(&self) -> &str {
        text(&self.value, "apiVersion")
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version().rsplit_once('/').map_or("", |(group, _)| group)
    }

    /// The API version without the group.
    pub fn version(&self) -> &str {
        self.api_version().rsplit_once('/').map_or(self.api_version(), |(_, version)| version)
    }

    /// `kind`.
    pub fn kind(&self) -> &str {
        text(&self.value, "kind")
    }

    /// Group and kind.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind::new(self.group(), self.kind())
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.metadata().map_or("", |metadata| text(metadata, "name"))
    }

    /// `metadata.namespace`; empty when there is none.
    pub fn namespace(&self) -> &str {
        self.metadata().map_or("", |metadata| text(metadata, "namespace"))
    }

    /// `metadata.uid`; empty on a desired object.
    pub fn uid(&self) -> &str {
        self.metadata().map_or("", |metadata| text(metadata, "uid"))
    }

    /// `metadata.resourceVersion`; empty on a desired object and on a dry run that would create.
    pub fn resource_version(&self) -> &str {
        self.metadata().map_or("", |metadata| text(metadata, "resourceVersion"))
    }

    /// Whether deletion was asked for and finalizers hold the object.
    pub fn is_terminating(&self) -> bool {
        self.metadata().is_some_and(|metadata| !text(metadata, "deletionTimestamp").is_empty())
    }

    /// The object's identity.
    pub fn id(&self) -> ObjectId {
        ObjectId {
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
            group: self.group().to_owned(),
            kind: self.kind().to_owned(),
        }
    }

    /// The object's line in an inventory.
    pub fn entry(&self) -> Entry {
        Entry { id: self.id(), version: self.version().to_owned() }
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels()?.get(key)?.as_str()
    }

    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations()?.get(key)?.as_str()
    }

    /// `metadata.labels`.
    pub fn labels(&self) -> Option<&Map<String, Value>> {
        self.metadata()?.get("labels")?.as_object()
    }

    /// `metadata.annotations`.
    pub fn annotations(&self) -> Option<&Map<String, Value>> {
        self.metadata()?.get("annotations")?.as_object()
    }

    /// Sets a label.
    pub fn set_label(&mut self, key: &str, value: &str) {
        self.set_in("labels", key, value);
    }

    /// Sets an annotation.
    pub fn set_annotation(&mut self, key: &str, value: &str) {
        self.set_in("annotations", key, value);
    }

    /// Sets `metadata.namespace`.
    pub fn set_namespace(&mut self, namespace: &str) {
        if let Some(metadata) = self.metadata_mut() {
            metadata.insert("namespace".to_owned(), Value::from(namespace));
        }
    }

    /// Removes `metadata.namespace`, for kinds that have none.
    pub fn clear_namespace(&mut self) {
        if let Some(metadata) = self.metadata_mut() {
            metadata.shift_remove("namespace");
        }
    }

    /// Whether a label or an annotation `key` has `value`, in whatever case.
    pub fn is_marked(&self, key: &str, value: &str) -> bool {
        let equal = |found: Option<&str>| found.is_some_and(|found| found.eq_ignore_ascii_case(value));
        equal(self.label(key)) || equal(self.annotation(key))
    }

    /// Whether this is a core Secret, whose data no text may show.
    pub fn is_secret(&self) -> bool {
        self.kind().eq_ignore_ascii_case("Secret") && self.api_version() == "v1"
    }

    /// Whether this is a CustomResourceDefinition.
    pub fn is_custom_resource_definition(&self) -> bool {
        self.kind().eq_ignore_ascii_case("CustomResourceDefinition") && self.group() == "apiextensions.k8s.io"
    }

    /// The whole object.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.value
    }

    /// The whole object.
    pub fn into_value(self) -> Value {
        Value::Object(self.value)
    }

    pub(crate) fn as_map_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.value
    }

    pub(crate) fn metadata(&self) -> Option<&Map<String, Value>> {
        self.value.get("metadata")?.as_object()
    }

    pub(crate) fn metadata_mut(&mut self) -> Option<&mut Map<String, Value>> {
        self.value.get_mut("metadata")?.as_object_mut()
    }

    fn set_in(&mut self, map: &str, key: &str, value: &str) {
        let Some(metadata) = self.metadata_mut() else { return };
        let map = metadata.entry(map).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(map) = map {
            map.insert(key.to_owned(), Value::from(value));
        }
    }
}

impl fmt::Debug for Manifest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Manifest({})", self.id())
    }
}

impl Serialize for Manifest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

/// The objects of parsed documents: lists are flattened, kustomize's own Kustomizations, null documents and documents
/// without a name, kind or API version are dropped.
pub fn manifests(documents: impl IntoIterator<Item = Value>) -> Result<Vec<Manifest>, ManifestError> {
    let mut found = Vec::new();
    for document in documents {
        collect(document, 0, &mut found)?;
    }
    Ok(found)
}

fn collect(document: Value, depth: usize, found: &mut Vec<Manifest>) -> Result<(), ManifestError> {
    if depth > MAX_LIST_DEPTH {
        return Err(ManifestError::ListTooDeep);
    }
    let Value::Object(mut map) = document else {
        return if document.is_null() { Ok(()) } else { Err(ManifestError::NotAnObject) };
    };
    if text(&map, "kind").ends_with("List") && map.get("items").is_some_and(Value::is_array) {
        if let Some(Value::Array(items)) = map.shift_remove("items") {
            for item in items {
                collect(item, depth + 1, found)?;
            }
        }
        return Ok(());
    }
    match Manifest::new(Value::Object(map)) {
        Ok(manifest) if is_kustomize_configuration(&manifest) => {}
        Ok(manifest) => found.push(manifest),
        Err(ManifestError::Missing { .. }) => {}
        Err(err) => return Err(err),
    }
    Ok(())
}

fn is_kustomize_configuration(manifest: &Manifest) -> bool {
    manifest.kind().eq_ignore_ascii_case("Kustomization") && manifest.group() == "kustomize.config.k8s.io"
}

fn check_metadata(metadata: &mut Map<String, Value>, subject: String) -> Result<(), ManifestError> {
    if text(metadata, "name").is_empty() {
        return Err(ManifestError::Missing { subject, field: "metadata.name" });
    }
    for (key, field) in [("labels", "metadata.labels"), ("annotations", "metadata.annotations")] {
        match metadata.get(key) {
            None => {}
            Some(Value::Null) => {
                metadata.shift_remove(key);
            }
            Some(Value::Object(map)) if map.values().all(Value::is_string) => {}
            Some(_) => return Err(ManifestError::Malformed { subject, field }),
        }
    }
    Ok(())
}

fn text<'a>(map: &'a Map<String, Value>, key: &str) -> &'a str {
    map.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// As much of `Kind/namespace/name` as there is.
fn subject(value: &Map<String, Value>) -> String {
    let metadata = value.get("metadata").and_then(Value::as_object);
    let part = |key| metadata.map_or("", |metadata| text(metadata, key));
    let parts = [text(value, "kind"), part("namespace"), part("name")];
    let known: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if known.is_empty() { "object".to_owned() } else { known.join("/") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secret() -> Manifest {
        Manifest::new(json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "login", "namespace": "apps", "labels": {"team": "A"}, "annotations": {"on": "Yes"}},
            "stringData": {"password": "hunter22"},
        }))
        .unwrap()
    }

    #[test]
    fn a_manifest_knows_its_identity() {
        let deployment =
            Manifest::new(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}})).unwrap();
        assert_eq!((deployment.group(), deployment.version(), deployment.namespace()), ("apps", "v1", ""));
        assert_eq!(secret().id().to_inventory(), "apps_login__Secret");
        assert_eq!((secret().group(), secret().version()), ("", "v1"));
    }

    #[test]
    fn printing_a_manifest_shows_only_its_identity() {
        assert_eq!(format!("{:?}", secret()), "Manifest(Secret/apps/login)");
    }

    #[test]
    fn marks_are_labels_or_annotations_in_any_case() {
        assert!(secret().is_marked("team", "a"));
        assert!(secret().is_marked("on", "yes"));
        assert!(!secret().is_marked("on", "no"));
        assert!(!secret().is_marked("off", ""));
    }

    #[test]
    fn documents_that_identify_no_object_are_named() {
        let check = |value: Value, expected: &str| assert_eq!(Manifest::new(value).unwrap_err().to_string(), expected);
        check(json!([]), "document is not an object");
        check(json!({"kind": "Thing"}), "Thing has no apiVersion");
        check(json!({"apiVersion": "v1", "kind": "Thing", "metadata": {}}), "Thing has no metadata.name");
        check(
            json!({"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "x", "labels": {"a": 1}}}),
            "Thing/x has a malformed metadata.labels",
        );
    }

    #[test]
    fn lists_are_flattened_and_what_is_no_object_is_dropped() {
        let thing = |name: &str| json!({"apiVersion": "v1", "kind": "Thing", "metadata": {"name": name}});
        let found = manifests([
            json!({"apiVersion": "v1", "kind": "List", "items": [thing("a"), {"apiVersion": "v1", "kind": "ThingList", "items": [thing("b")]}]}),
            Value::Null,
            json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "metadata": {"name": "k"}}),
            json!({"apiVersion": "v1", "kind": "Thing"}),
            thing("c"),
        ])
        .unwrap();
        let names: Vec<&str> = found.iter().map(Manifest::name).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }
}
