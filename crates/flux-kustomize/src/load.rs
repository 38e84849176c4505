//! Reading kustomization files and the objects of other files.

use std::collections::VecDeque;

use camino::{Utf8Path, Utf8PathBuf};
use flux_files::{Files, FilesError, Kind};
use flux_yaml::{Content, Limits, Node};

use crate::Error;
use crate::kustomization::{FILE_NAMES, Kustomization};
use crate::record::Mode;
use crate::resource::Resource;

/// The kustomization file of a directory.
pub(crate) fn load(files: &dyn Files, directory: &Utf8Path) -> Result<(Kustomization, String), Error> {
    let (path, text) = find(files, directory)?.ok_or_else(|| {
        let names = FILE_NAMES.map(|name| format!("'{name}'"));
        Error::invalid(format!(
            "unable to find one of {}, {} or {} in directory '{directory}'",
            names[0], names[1], names[2]
        ))
    })?;
    let mut kustomization = Kustomization::parse(&text, Mode::Strict).map_err(|problem| Error::Kustomization {
        path: path.clone(),
        line: problem.line,
        message: problem.message,
    })?;
    let empty = kustomization.is_empty() && !names_a_list(&text);
    if kustomization.kind.is_empty() {
        crate::kustomization::KIND.clone_into(&mut kustomization.kind);
    }
    if empty {
        return Err(Error::invalid(format!("{path}: kustomization.yaml is empty")));
    }
    Ok((kustomization, path.file_name().unwrap_or_default().to_owned()))
}

/// Whether a file without content at least names a list or a mapping, which upstream does not count as empty.
fn names_a_list(text: &str) -> bool {
    let node = flux_yaml::parse(text, Limits::default()).ok().flatten();
    let entries = node.as_ref().and_then(Node::entries).unwrap_or_default();
    entries.iter().any(|(key, value)| {
        !value.is_scalar() && !matches!(key.text(), Some("bases" | "imageTags" | "helmChartInflationGenerator"))
    })
}

/// The kustomization file of a directory, if it has one; more than one is an error.
pub(crate) fn find(files: &dyn Files, directory: &Utf8Path) -> Result<Option<(Utf8PathBuf, String)>, Error> {
    let mut found = None;
    for name in FILE_NAMES {
        let path = directory.join(name);
        match files.kind(&path) {
            Ok(Kind::File) if found.is_some() => {
                return Err(Error::invalid(format!("Found multiple kustomization files under: {directory}")));
            }
            Ok(Kind::File) => found = Some(path),
            Ok(Kind::Directory) | Err(FilesError::NotFound(_)) => {}
            Err(err) => return Err(err.into()),
        }
    }
    let Some(path) = found else { return Ok(None) };
    let text = String::from_utf8(files.read(&path)?).map_err(|_| Error::invalid(format!("{path} is not UTF-8")))?;
    Ok(Some((path, text)))
}

/// The objects of a file, those of lists one by one.
pub(crate) fn read_objects(files: &dyn Files, path: &Utf8Path) -> Result<Vec<Resource>, Error> {
    let text = String::from_utf8(files.read(path)?).map_err(|_| Error::invalid(format!("{path} is not UTF-8")))?;
    let nodes = flux_yaml::parse_all(&text, Limits::default())
        .map_err(|source| Error::Malformed { path: path.to_owned(), source })?;
    let mut resources = Vec::new();
    let mut waiting: VecDeque<Node> = nodes.into();
    while let Some(node) = waiting.pop_front() {
        if node.is_null() || node.is_empty() {
            continue;
        }
        match items(node) {
            // The items of a list come behind the file's other objects.
            Ok(items) => waiting.extend(items),
            Err(node) => {
                check(&node).map_err(|err| err.during(format!("{path}:{}", node.line.max(1))))?;
                resources.push(Resource::new(node, Some(path.to_owned())));
            }
        }
    }
    Ok(resources)
}

/// The items of a `*List`, or the object back.
fn items(mut node: Node) -> Result<Vec<Node>, Node> {
    let is_list = node.get("kind").and_then(Node::text).is_some_and(|kind| kind.ends_with("List"));
    match node.get("items") {
        Some(items) if is_list && items.is_null() => Ok(Vec::new()),
        Some(items) if is_list && items.is_sequence() => match node.remove("items").map(|items| items.content) {
            Some(Content::Sequence(items)) => Ok(items),
            _ => Ok(Vec::new()),
        },
        _ => Err(node),
    }
}

/// Whether a node is an object: it has a kind and a name.
pub(crate) fn check(node: &Node) -> Result<(), Error> {
    let text = |path: &[&str]| node.at(path).and_then(Node::text).unwrap_or_default();
    if !node.is_mapping() {
        return Err(Error::invalid("not an object: expected a mapping"));
    }
    match (text(&["kind"]), text(&["metadata", "name"])) {
        ("", _) => Err(Error::invalid("missing Resource metadata: kind is not set")),
        (kind, "") => {
            Err(Error::invalid(format!("missing metadata.name in object {{{} {kind}}}", text(&["apiVersion"]))))
        }
        _ => Ok(()),
    }
}
