//! Texts to one stream of documents that note their files, and back.

use std::collections::BTreeMap;

use flux_yaml::{Content, Limits, Node};

use crate::manifest;

/// The annotation that notes an object's file while it is in the stream.
pub const FILE_ANNOTATION: &str = "postrenderer.helm.sh/postrender-filename";

/// Annotations that upstream's reader puts on objects and takes off again, whoever put them there.
const READER_ANNOTATIONS: [&str; 3] =
    ["internal.config.kubernetes.io/index", "config.kubernetes.io/index", "internal.config.kubernetes.io/seqindent"];

/// Why a text is no stream of objects.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A document is not YAML.
    #[error("parsing {file}")]
    Parse {
        /// The text.
        file: String,
        /// Where and what.
        source: flux_yaml::Error,
    },
    /// A document is no mapping, or its metadata is none.
    #[error("parsing {file}: wrong Node Kind for {place} expected: MappingNode was {found}")]
    NoMapping {
        /// The text.
        file: String,
        /// The field; empty for the document.
        place: &'static str,
        /// What is there.
        found: &'static str,
    },
}

/// The documents of all files as one stream, each with an annotation that notes its file.
pub(super) fn merge(files: &BTreeMap<String, String>) -> Result<String, MergeError> {
    let mut merged = Vec::new();
    for (file, content) in files {
        if file.rsplit('/').next().is_some_and(|base| base.starts_with('_')) {
            continue;
        }
        for document in manifest::split(content) {
            let nodes = flux_yaml::parse_all(document, Limits::default())
                .map_err(|source| MergeError::Parse { file: file.clone(), source })?;
            let first = merged.len();
            unwrap(nodes, &mut merged);
            for node in merged.iter_mut().skip(first) {
                annotate(node, file)?;
            }
        }
    }
    // Not every text reads back to what it was: folded ones may gain empty lines, here as upstream.
    Ok(merged.iter().map(flux_yaml::print_styled).collect::<Vec<_>>().join("---\n"))
}

/// Adds the documents but empty ones. One that is a `List` is its items; kustomize opens other lists later.
fn unwrap(mut nodes: Vec<Node>, into: &mut Vec<Node>) {
    if let [node] = nodes.as_mut_slice()
        && matches!(node.get("kind").and_then(Node::text), Some("List" | "ResourceList"))
        && let Some(items) = node.remove("items")
    {
        if let Content::Sequence(items) = items.content {
            into.extend(items);
        }
        return;
    }
    into.extend(nodes.into_iter().filter(|node| !node.is_null()));
}

/// Notes the file of an object.
fn annotate(object: &mut Node, file: &str) -> Result<(), MergeError> {
    let fault = |place, node: &Node| {
        let found = if node.is_sequence() { "SequenceNode" } else { "ScalarNode" };
        MergeError::NoMapping { file: file.to_owned(), place, found }
    };
    let mut node = object;
    if !node.is_mapping() {
        return Err(fault("", node));
    }
    for (key, place) in [("metadata", "metadata"), ("annotations", "metadata.annotations")] {
        if node.get(key).is_none_or(Node::is_null) {
            node.set(key, Node::mapping(Vec::new()));
        }
        node = match node.get_mut(key) {
            Some(inner) if inner.is_mapping() => inner,
            Some(inner) => return Err(fault(place, inner)),
            None => unreachable!("was set above"),
        };
    }
    for name in READER_ANNOTATIONS {
        node.remove(name);
    }
    node.set(FILE_ANNOTATION, Node::string(file));
    Ok(())
}

/// The printed objects by the files that they note; those that note none are in files named by their place.
pub(super) fn split(printed: &[String], prefix: &str) -> Result<BTreeMap<String, String>, flux_yaml::Error> {
    let mut files = BTreeMap::<String, String>::new();
    for (at, text) in printed.iter().enumerate() {
        let Some(mut object) = flux_yaml::parse(text, Limits::default())? else { continue };
        let file = take_file(&mut object).unwrap_or_else(|| format!("{prefix}{at}.yaml"));
        let content = files.entry(file).or_default();
        if !content.is_empty() {
            content.push_str("---\n");
        }
        content.push_str(&flux_yaml::print_styled(&object));
    }
    Ok(files)
}

/// Takes off what [`annotate`] put on an object. Nothing is left where nothing was.
fn take_file(object: &mut Node) -> Option<String> {
    let metadata = object.get_mut("metadata")?;
    let annotations = metadata.get_mut("annotations")?;
    let file = annotations.remove(FILE_ANNOTATION);
    if annotations.is_empty() {
        metadata.remove("annotations");
    }
    if metadata.is_empty() {
        object.remove("metadata");
    }
    file.as_ref().and_then(Node::text).filter(|file| !file.is_empty()).map(str::to_owned)
}
