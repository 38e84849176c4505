//! One object on its way through a build.

use camino::{Utf8Path, Utf8PathBuf};
use flux_yaml::{Content, Node, Tag};

use crate::Error;
use crate::id::{Gvk, GvkRef, Id, Key, effective_namespace, key};
use crate::origin::Origin;

/// One built object.
#[derive(Clone, Debug)]
pub struct Resource {
    pub(crate) node: Node,
    pub(crate) origin: Option<Utf8PathBuf>,
    /// The ids that the object had before, the oldest first.
    pub(crate) earlier: Vec<Id>,
    pub(crate) prefixes: Vec<String>,
    pub(crate) suffixes: Vec<String>,
    pub(crate) needs_hash: bool,
    pub(crate) behavior: Behavior,
    /// Where `buildMetadata` says that the object came from; none while nothing is recorded.
    pub(crate) recorded: Option<Origin>,
    /// What changed the object since.
    pub(crate) transformations: Vec<Origin>,
    /// The variables that read the object.
    pub(crate) vars: Vec<String>,
    /// How many links between the object's nodes were made.
    pub(crate) links: u32,
    /// Whether the kustomization's own schemas say that objects of this kind have a namespace.
    pub(crate) namespaced: Option<bool>,
}

/// What a generated object does with one of the same id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Behavior {
    /// There may be none.
    #[default]
    Create,
    /// It takes its place.
    Replace,
    /// It adds to its data.
    Merge,
}

impl Behavior {
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "replace" => Self::Replace,
            "merge" => Self::Merge,
            _ => Self::Create,
        }
    }
}

impl Resource {
    /// An object that was read from `origin` or generated.
    pub(crate) fn new(node: Node, origin: Option<Utf8PathBuf>) -> Self {
        Self {
            node,
            origin,
            earlier: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            needs_hash: false,
            behavior: Behavior::Create,
            recorded: None,
            transformations: Vec::new(),
            vars: Vec::new(),
            links: 0,
            namespaced: None,
        }
    }

    /// The object's `apiVersion`.
    pub fn api_version(&self) -> &str {
        self.text(&["apiVersion"])
    }

    /// The object's kind.
    pub fn kind(&self) -> &str {
        self.text(&["kind"])
    }

    /// The object's name.
    pub fn name(&self) -> &str {
        self.text(&["metadata", "name"])
    }

    /// The object's namespace, where it names one.
    pub fn namespace(&self) -> Option<&str> {
        Some(self.text(&["metadata", "namespace"])).filter(|namespace| !namespace.is_empty())
    }

    /// The file that the object came from, from the root of the files; none for generated objects.
    pub fn origin(&self) -> Option<&Utf8Path> {
        self.origin.as_deref()
    }

    /// The object as JSON.
    pub fn to_json(&self) -> Result<serde_json::Value, Error> {
        flux_yaml::to_json(&flux_yaml::reread(&self.node))
            .map_err(|source| Error::Object { object: self.title(), source })
    }

    /// The object as kustomize prints it.
    pub fn to_yaml(&self) -> Result<String, Error> {
        flux_yaml::print(&flux_yaml::reread(&self.node))
            .map_err(|source| Error::Object { object: self.title(), source })
    }

    /// Replaces the object, as decrypting it does; name, namespace and kind may not change.
    pub fn set_json(&mut self, object: &serde_json::Value) -> Result<(), Error> {
        let changed = Self::new(flux_yaml::from_json(object), None);
        if !changed.id().same(&self.id()) {
            return Err(Error::invalid(format!("{} became {}", self.title(), changed.title())));
        }
        self.node = changed.node;
        Ok(())
    }

    /// `Kind/namespace/name`.
    pub(crate) fn title(&self) -> String {
        match self.namespace() {
            Some(namespace) => format!("{}/{namespace}/{}", self.kind(), self.name()),
            None => format!("{}/{}", self.kind(), self.name()),
        }
    }

    pub(crate) fn text(&self, path: &[&str]) -> &str {
        self.node.at(path).and_then(Node::text).unwrap_or_default()
    }

    pub(crate) fn gvk(&self) -> GvkRef<'_> {
        GvkRef::new(self.api_version(), self.kind())
    }

    /// Whether it is certain that objects of this kind have no namespace.
    pub(crate) fn is_cluster_scoped(&self) -> bool {
        self.gvk().is_namespaced().or(self.namespaced) == Some(false)
    }

    /// The id that the object has now.
    pub(crate) fn id(&self) -> Id {
        let namespace = self.namespace().unwrap_or_default().to_owned();
        let (gvk, name) = (self.gvk().to_owned(), self.name().to_owned());
        Id { gvk, name, namespace, cluster_scoped: self.is_cluster_scoped() }
    }

    /// What the present id has in common with all that name the same object.
    pub(crate) fn key(&self) -> Key {
        key(self.gvk(), self.name(), self.effective_namespace())
    }

    /// Whether the object has the id or had it.
    pub(crate) fn has_or_had(&self, id: &Id) -> bool {
        self.has(id) || self.earlier.iter().any(|earlier| earlier.same(id))
    }

    /// Whether the object has the id.
    fn has(&self, id: &Id) -> bool {
        self.name() == id.name
            && self.gvk() == id.gvk.as_ref()
            && self.effective_namespace() == id.effective_namespace()
    }

    /// The namespace that counts.
    pub(crate) fn effective_namespace(&self) -> &str {
        effective_namespace(self.is_cluster_scoped(), self.namespace().unwrap_or_default())
    }

    /// The group, version and kind that the object was read with.
    pub(crate) fn original_gvk(&self) -> GvkRef<'_> {
        self.earlier.first().map_or_else(|| self.gvk(), |id| id.gvk.as_ref())
    }

    /// Keeps the present id in mind before it changes.
    pub(crate) fn remember_id(&mut self) {
        let id = self.id();
        self.earlier.push(id);
    }

    pub(crate) fn set_name(&mut self, name: &str) {
        self.metadata().set("name", Node::string(name));
    }

    pub(crate) fn set_namespace(&mut self, namespace: &str) {
        if namespace.is_empty() {
            self.metadata().remove("namespace");
        } else {
            self.metadata().set("namespace", Node::string(namespace));
        }
    }

    /// The text of an annotation.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.node.at(&["metadata", "annotations", name]).and_then(Node::text)
    }

    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.node.at(&["metadata", "labels", name]).and_then(Node::text)
    }

    /// Sets an annotation.
    pub(crate) fn annotate(&mut self, name: &str, value: &str) {
        child(self.metadata(), "annotations").set(name, Node::string(value));
    }

    /// Removes an annotation, and the mapping that held it when that is empty then.
    pub(crate) fn remove_annotation(&mut self, name: &str) {
        if let Some(annotations) = self.metadata().get_mut("annotations") {
            annotations.remove(name);
            self.drop_empty_annotations();
        }
    }

    /// Removes the mapping of annotations when it is empty.
    pub(crate) fn drop_empty_annotations(&mut self) {
        let metadata = self.metadata();
        if metadata.get("annotations").is_some_and(Node::is_empty) {
            metadata.remove("annotations");
        }
    }

    /// Whether there is something that upstream would keep in annotations of its own.
    pub(crate) fn is_remembered(&self) -> bool {
        !self.earlier.is_empty() || self.recorded.is_some() || self.origin.is_none() || !self.prefixes.is_empty()
    }

    fn metadata(&mut self) -> &mut Node {
        child(&mut self.node, "metadata")
    }
}

/// The id that a node of an object says, as upstream names objects in errors.
pub(crate) fn id_of(node: &Node) -> Id {
    let text = |path: &[&str]| node.at(path).and_then(Node::text).unwrap_or_default();
    let gvk = Gvk::new(text(&["apiVersion"]), text(&["kind"]));
    let (name, namespace) = (text(&["metadata", "name"]).to_owned(), text(&["metadata", "namespace"]).to_owned());
    let cluster_scoped = gvk.is_cluster_scoped();
    Id { gvk, name, namespace, cluster_scoped }
}

/// The mapping under `key`, made where there is none.
pub(crate) fn child<'n>(node: &'n mut Node, key: &str) -> &'n mut Node {
    if !node.is_mapping() {
        *node = Node::mapping(Vec::new());
    }
    if node.get(key).is_none_or(|value| !value.is_mapping()) {
        node.set(key, Node::mapping(Vec::new()));
    }
    let Content::Mapping(entries) = &mut node.content else { unreachable!("made a mapping above") };
    let at = entries.iter().position(|(name, _)| name.text() == Some(key)).unwrap_or_default();
    &mut entries[at].1
}

/// A key as kustomize sets it: without quotes, so that `y` becomes a boolean as it does upstream.
pub(crate) fn plain_key(key: &str) -> Node {
    Node::scalar(key, Tag::Unset)
}
