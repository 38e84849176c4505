//! Where objects come from and what changed them, as `buildMetadata` writes it into annotations.

use flux_yaml::Node;

use crate::remote::Repository;
use crate::resource::{Resource, child, plain_key};

const ORIGIN: &str = "config.kubernetes.io/origin";
const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kustomize-v5.8.1");
const INTERNAL: &str = "internal.config.kubernetes.io/";
/// What upstream keeps in annotations of objects.
const RESERVED: [&str; 16] = [
    "allowKindChange",
    "allowNameChange",
    "annotations-migration-resource-id",
    "generatorBehavior",
    "helm-generated",
    "id",
    "index",
    "needsHashSuffix",
    "path",
    "prefixes",
    "previousKinds",
    "previousNames",
    "previousNamespaces",
    "refBy",
    "seqindent",
    "suffixes",
];
/// The same by older names.
const RESERVED_BEFORE: [&str; 3] = ["config.k8s.io/id", "config.kubernetes.io/index", "config.kubernetes.io/path"];
/// The apiVersion of what kustomize does by itself.
pub(crate) const BUILTIN: &str = "builtin";

/// A path from the root's directory, or from that of a repository.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Base {
    path: String,
    /// The repository's address; empty for the build's own files.
    repository: String,
    reference: String,
}

impl Base {
    /// The directory in a repository that holds a kustomization.
    pub(crate) fn of(repository: &Repository) -> Self {
        let Repository { url, path, reference, submodules: _ } = repository.clone();
        Self { path: join("", &path), repository: url, reference: reference.unwrap_or_default() }
    }

    /// What `path` names from here.
    pub(crate) fn join(&self, path: &str) -> Self {
        match Repository::parse(path) {
            Some(repository) => Self::of(&repository),
            None => Self { path: join(&self.path, path), ..self.clone() },
        }
    }

    fn repository_lines(&self) -> Vec<String> {
        let given = [("repo", &self.repository), ("ref", &self.reference)];
        let lines = given.into_iter().filter(|(_, value)| !value.is_empty());
        lines.map(|(field, value)| format!("{field}: {}", scalar(value))).collect()
    }
}

/// A file, or what a kustomization file configures.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    /// An object read from a file.
    File(Base),
    /// An object made or changed by something that a file configures.
    Configured { file: Base, api_version: String, kind: String, name: String, namespace: String },
}

impl Origin {
    /// Something that kustomize does for a field of `file`.
    pub(crate) fn builtin(file: Base, kind: &str) -> Self {
        Self::Configured {
            file,
            api_version: BUILTIN.to_owned(),
            kind: kind.to_owned(),
            name: String::new(),
            namespace: String::new(),
        }
    }

    /// Something configured by an object of its own.
    pub(crate) fn configured(file: Base, by: &Resource) -> Self {
        Self::Configured {
            file,
            api_version: by.api_version().to_owned(),
            kind: by.kind().to_owned(),
            name: by.name().to_owned(),
            namespace: by.namespace().unwrap_or_default().to_owned(),
        }
    }

    fn lines(&self) -> Vec<String> {
        match self {
            Self::File(base) => {
                let mut lines = vec![format!("path: {}", scalar(&base.path))];
                lines.extend(base.repository_lines());
                lines
            }
            Self::Configured { file, api_version, kind, name, namespace } => {
                let mut lines = file.repository_lines();
                lines.extend([format!("configuredIn: {}", scalar(&file.path)), "configuredBy:".to_owned()]);
                for (field, value) in
                    [("apiVersion", api_version), ("kind", kind), ("name", name), ("namespace", namespace)]
                {
                    if !value.is_empty() {
                        lines.push(format!("  {field}: {}", scalar(value)));
                    }
                }
                lines
            }
        }
    }
}

/// A text as YAML writes it in one line.
fn scalar(text: &str) -> String {
    flux_yaml::print(&Node::string(text)).map_or_else(|_| text.to_owned(), |text| text.trim_end().to_owned())
}

/// Two paths as one, without dots where that is possible.
fn join(base: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')).filter(|part| !part.is_empty() && *part != ".") {
        match parts.last() {
            Some(last) if part == ".." && *last != ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// Notes that something changed all objects, or made those that have no origin yet.
pub(crate) fn record(resources: &mut [Resource], origin: &Origin) {
    for resource in resources {
        match resource.recorded {
            None => resource.recorded = Some(origin.clone()),
            Some(_) => resource.transformations.push(origin.clone()),
        }
    }
}

/// Puts annotations where upstream keeps what is recorded, so that operations on annotations find them.
pub(crate) fn show(resource: &mut Resource) {
    if resource.recorded.is_some() {
        resource.annotate(ORIGIN, "");
    }
    if !resource.transformations.is_empty() {
        resource.annotate(TRANSFORMATIONS, "");
    }
}

/// Takes these annotations away; what was recorded is forgotten where they are gone.
pub(crate) fn hide(resource: &mut Resource) {
    if resource.annotation(ORIGIN).is_none() {
        resource.recorded = None;
    }
    if resource.annotation(TRANSFORMATIONS).is_none() {
        resource.transformations.clear();
    }
    resource.remove_annotation(ORIGIN);
    resource.remove_annotation(TRANSFORMATIONS);
}

/// Writes what `buildMetadata` asks for into the objects.
pub(crate) fn annotate(resources: &mut [Resource], build_metadata: &[String]) {
    let asked = |what: &str| build_metadata.iter().any(|asked| asked == what);
    for resource in resources {
        if asked("originAnnotations")
            && let Some(origin) = resource.recorded.take()
        {
            resource.annotate(ORIGIN, &(origin.lines().join("\n") + "\n"));
        }
        if asked("transformerAnnotations") && !resource.transformations.is_empty() {
            let entries = std::mem::take(&mut resource.transformations);
            let entry = |origin: &Origin| format!("- {}\n", origin.lines().join("\n  "));
            resource.annotate(TRANSFORMATIONS, &entries.iter().map(entry).collect::<String>());
        }
        if asked("managedByLabel") {
            let (key, value) = MANAGED_BY;
            child(child(&mut resource.node, "metadata"), "labels").set(key, Node::string(value));
        }
        settle(resource, &asked);
    }
}

/// Writes all annotations anew, as upstream does at last: values become texts and keys lose their quotes, what upstream
/// keeps for itself while it builds is dropped, and so is the mapping when nothing is left.
fn settle(resource: &mut Resource, asked: &impl Fn(&str) -> bool) {
    let Some(metadata) = resource.node.get_mut("metadata") else { return };
    let Some(annotations) = metadata.get_mut("annotations") else { return };
    let reserved = |name: &str| match name {
        ORIGIN => !asked("originAnnotations"),
        TRANSFORMATIONS => !asked("transformerAnnotations"),
        name => {
            let inner = name.strip_prefix(INTERNAL);
            inner.is_some_and(|name| RESERVED.contains(&name)) || RESERVED_BEFORE.contains(&name)
        }
    };
    let mut settled: Vec<(Node, Node)> = Vec::new();
    for (key, value) in annotations.entries_mut().map(std::mem::take).unwrap_or_default() {
        let Some(name) = key.text().filter(|name| !reserved(name)) else { continue };
        let value = Node::string(value.text().unwrap_or_default());
        match settled.iter_mut().find(|(known, _)| known.text() == Some(name)) {
            Some((_, old)) => *old = value,
            None => settled.push((plain_key(name), value)),
        }
    }
    if settled.is_empty() {
        metadata.remove("annotations");
    } else {
        *annotations = Node::mapping(settled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_without_dots() {
        for (base, path, expected) in [
            ("", "a.yaml", "a.yaml"),
            ("../base", "r.yaml", "../base/r.yaml"),
            ("a/b", "../../../c", "../c"),
            ("", "./x", "x"),
        ] {
            assert_eq!(join(base, path), expected);
        }
    }

    #[test]
    fn annotations_that_files_may_not_set_are_dropped() {
        let mut resources = vec![Resource::new(Node::mapping(Vec::new()), None)];
        for name in [ORIGIN, "internal.config.kubernetes.io/refBy", "internal.config.kubernetes.io/other"] {
            resources[0].annotate(name, "x");
        }
        annotate(&mut resources, &[]);
        let left = resources[0].node.at(&["metadata", "annotations"]).and_then(Node::entries).unwrap();
        assert_eq!(left.len(), 1);
    }

    #[test]
    fn annotations_become_texts_with_plain_keys() {
        let built = |annotations: &str| {
            let text = format!("metadata: {{annotations: {annotations}}}");
            let node = flux_yaml::parse(&text, flux_yaml::Limits::default()).unwrap().unwrap();
            let mut resources = vec![Resource::new(node, None)];
            annotate(&mut resources, &[]);
            resources[0].to_yaml()
        };
        let expected =
            "metadata:\n  annotations:\n    a: \"1\"\n    b: \"null\"\n    c: \"1.50\"\n    d: \"\"\n    \"on\": x\n";
        assert_eq!(built("{a: 1, b: null, c: 1.50, d: {}, 'on': x}").unwrap(), expected);
        assert_eq!(built("{}").unwrap(), "metadata: {}\n");
        assert!(built("{'1': a}").is_err());
    }

    #[test]
    fn what_is_recorded_goes_with_the_annotations_that_stand_for_it() {
        let mut resource = Resource::new(Node::mapping(Vec::new()), None);
        resource.recorded = Some(Origin::File(Base::default()));
        show(&mut resource);
        hide(&mut resource);
        assert!(resource.recorded.is_some() && resource.annotation(ORIGIN).is_none());
        show(&mut resource);
        resource.remove_annotation(ORIGIN);
        hide(&mut resource);
        assert!(resource.recorded.is_none());
    }

    #[test]
    fn what_changed_an_object_is_listed_in_order() {
        let mut resources = vec![Resource::new(Node::mapping(Vec::new()), None)];
        for kind in ["ConfigMapGenerator", "PrefixTransformer", "LabelTransformer"] {
            let file = Base::default().join("../base/kustomization.yaml");
            record(&mut resources, &Origin::builtin(file, kind));
        }
        annotate(&mut resources, &["transformerAnnotations".to_owned()]);
        let entry = |kind: &str| {
            format!(
                "- configuredIn: ../base/kustomization.yaml\n  configuredBy:\n    apiVersion: builtin\n    kind: {kind}\n"
            )
        };
        let expected = entry("PrefixTransformer") + &entry("LabelTransformer");
        assert_eq!(resources[0].annotation(TRANSFORMATIONS), Some(expected.as_str()));
    }
}
