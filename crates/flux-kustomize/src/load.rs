//! Reading kustomization files and the objects of other files.

use std::collections::VecDeque;

use camino::{Utf8Path, Utf8PathBuf};
use flux_files::{Files, FilesError, Kind};
use flux_yaml::{Content, Limits, Node};

use crate::Error;
use crate::kustomization::{FILE_NAMES, Kustomization};
use crate::record::Mode;
use crate::resource::Resource;
use crate::target::shown;

/// The kustomization of a directory, and its file's name.
pub(crate) fn load(files: &dyn Files, directory: &Utf8Path) -> Result<(Kustomization, String), Error> {
    let (path, text) = find(files, directory)?.ok_or_else(|| {
        let names = FILE_NAMES.map(|name| format!("'{name}'"));
        Error::invalid(format!(
            "unable to find one of {}, {} or {} in directory '{}'",
            names[0],
            names[1],
            names[2],
            shown(directory)
        ))
    })?;
    let kustomization = Kustomization::parse(&text, Mode::Strict).map_err(|problem| problem.in_file(&path))?;
    if kustomization.is_empty() && !names_a_list(&text) {
        return Err(Error::invalid(format!("kustomization.yaml is empty: {path}")));
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
                let directory = shown(directory);
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

/// The objects of a file that was read at `place` and is named `name` in the kustomization; those of lists one by one.
pub(crate) fn objects(text: &str, place: &Utf8Path, name: &str) -> Result<Vec<Resource>, Error> {
    let nodes = flux_yaml::parse_all(text, Limits::default())
        .map_err(|problem| Error::Malformed { path: name.into(), problem })?;
    let mut resources = Vec::with_capacity(nodes.len());
    let mut waiting: VecDeque<Node> = nodes.into();
    while let Some(node) = waiting.pop_front() {
        if node.is_null() || node.is_empty() {
            continue;
        }
        check(&node).map_err(|problem| Error::invalid(format!("{problem}: {place}:{}", node.line.max(1))))?;
        match items(node)? {
            // The items of a list come behind the file's other objects.
            Ok(items) => waiting.extend(items),
            Err(node) => resources.push(Resource::new(node, Some(place.to_owned()))),
        }
    }
    Ok(resources)
}

/// The items of a `*List`, or the object back.
pub(crate) fn items(mut node: Node) -> Result<Result<Vec<Node>, Node>, Error> {
    let kind = node.get("kind").and_then(Node::text).unwrap_or_default();
    let Some(items) = node.get("items").filter(|_| kind.ends_with(LIST)) else { return Ok(Err(node)) };
    if items.is_null() {
        return Ok(Ok(Vec::new()));
    }
    if !items.is_sequence() {
        let found = if items.is_mapping() { "map[string]interface {}" } else { "string" };
        return Err(Error::invalid(format!("expected array in {kind}/items, but found {found}")));
    }
    Ok(match node.remove("items").map(|items| items.content) {
        Some(Content::Sequence(items)) => Ok(items),
        _ => Ok(Vec::new()),
    })
}

/// What the names of kinds of lists end with.
const LIST: &str = "List";

/// Why a node is no object: it needs a kind and, unless it is a list, a name.
pub(crate) fn check(node: &Node) -> Result<(), String> {
    let text = |path: &[&str]| node.at(path).and_then(Node::text).unwrap_or_default();
    if !node.is_mapping() || ["apiVersion", "kind", "metadata"].iter().all(|field| node.get(field).is_none()) {
        return Err("missing Resource metadata".to_owned());
    }
    let (kind, name) = (text(&["kind"]), text(&["metadata", "name"]));
    let what = if kind.is_empty() {
        "kind"
    } else if name.is_empty() && !kind.ends_with(LIST) {
        "metadata.name"
    } else {
        return Ok(());
    };
    let pairs = |field: &str| {
        let entries = node.at(&["metadata", field]).and_then(Node::entries).unwrap_or_default();
        let pair = |(key, value): &(Node, Node)| Some(format!("{}:{}", key.text()?, value.text()?));
        let mut pairs: Vec<_> = entries.iter().filter_map(pair).collect();
        pairs.sort();
        pairs.join(" ")
    };
    Err(format!(
        "missing {what} in object {{{{{} {kind}}} {{{{{name} {}}} map[{}] map[{}]}}}}",
        text(&["apiVersion"]),
        text(&["metadata", "namespace"]),
        pairs("labels"),
        pairs("annotations")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, String> {
        let resources = objects(text, "d/x.yaml".into(), "x.yaml").map_err(|err| err.chain())?;
        Ok(resources.iter().map(|resource| resource.name().to_owned()).collect())
    }

    #[test]
    fn lists_are_opened_and_need_no_name() {
        let list =
            "kind: List\napiVersion: v1\nitems: [{kind: A, metadata: {name: a}}]\n---\nkind: B\nmetadata: {name: b}";
        assert_eq!(read(list).unwrap(), ["b", "a"]);
        assert_eq!(read("kind: PodList\napiVersion: v1\n").unwrap(), [""]);
        assert!(read("kind: List\nitems: null\n").unwrap().is_empty());
        assert_eq!(
            read("kind: List\nitems: {}\n").unwrap_err(),
            "expected array in List/items, but found map[string]interface {}"
        );
    }

    #[test]
    fn what_is_no_object_is_told_with_its_line() {
        assert_eq!(read("a: b").unwrap_err(), "missing Resource metadata: d/x.yaml:1");
        assert_eq!(
            read("\napiVersion: v1\nkind: A\nmetadata: {labels: {b: c}}").unwrap_err(),
            "missing metadata.name in object {{v1 A} {{ } map[b:c] map[]}}: d/x.yaml:2"
        );
        assert!(read("kind: [").unwrap_err().ends_with(" in File: x.yaml"));
    }
}
