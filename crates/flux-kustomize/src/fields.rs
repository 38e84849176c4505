//! Walking the fields that a table names.

use flux_yaml::{Content, Node};

use crate::Error;
use crate::config::Spec;
use crate::id::Gvk;
use crate::resource::plain_key;

/// What is made where a field is missing and its spec says that it is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaf {
    /// Nothing: the transformer only changes what is there, whatever the spec says.
    Nothing,
    Scalar,
    Mapping,
}

/// Calls `change` on every field of the object that `spec` names.
pub(crate) fn visit(
    object: &mut Node,
    gvk: &Gvk,
    spec: &Spec,
    leaf: Leaf,
    change: &mut dyn FnMut(&mut Node) -> Result<(), Error>,
) -> Result<(), Error> {
    if !gvk.is_selected(&spec.group, &spec.version, &spec.kind) {
        return Ok(());
    }
    let parts = split(&spec.path);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    walk(object, &parts, spec.create, leaf, change)
        .map_err(|err| err.during(format!("considering field '{}'", spec.path)))
}

/// The parts of a path; `\/` is a slash in a part.
fn split(path: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in path.chars() {
        match c {
            '\\' if !escaped => escaped = true,
            '/' if !escaped => parts.push(String::new()),
            c => {
                if let Some(last) = parts.last_mut() {
                    if escaped && c != '/' {
                        last.push('\\');
                    }
                    last.push(c);
                }
                escaped = false;
            }
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn walk(
    node: &mut Node,
    parts: &[&str],
    create: bool,
    leaf: Leaf,
    change: &mut dyn FnMut(&mut Node) -> Result<(), Error>,
) -> Result<(), Error> {
    let Some((part, rest)) = parts.split_first() else { return change(node) };
    if node.is_null() {
        return Ok(());
    }
    let name = part.strip_suffix("[]").unwrap_or(part);
    match &mut node.content {
        Content::Sequence(items) => items.iter_mut().try_for_each(|item| walk(item, parts, create, leaf, change)),
        Content::Scalar(_) => Err(Error::invalid("expected sequence or mapping node")),
        Content::Mapping(_) => {
            if let Some(list) = node.get_mut(name).filter(|field| field.is_null() && part.ends_with("[]")) {
                *list = Node::sequence(Vec::new());
            }
            let missing = node.get(name).is_none_or(Node::is_null);
            if missing {
                if !create || leaf == Leaf::Nothing || part.ends_with("[]") {
                    return Ok(());
                }
                let made =
                    if rest.is_empty() && leaf == Leaf::Scalar { Node::string("") } else { Node::mapping(Vec::new()) };
                node.remove(name);
                if let Some(entries) = node.entries_mut() {
                    entries.push((plain_key(name), made));
                }
            }
            match node.get_mut(name) {
                Some(field) => walk(field, rest, create, leaf, change),
                None => Ok(()),
            }
        }
    }
}
