//! Strategic merge: a patch laid over an object.

use std::collections::BTreeSet;

use flux_yaml::{Content, Node};

use crate::Error;
use crate::schema::Schema;

/// The field of a patch that says what to do instead of merging.
const DIRECTIVE: &str = "$patch";

/// `target` with `patch` laid over it; none when the patch deletes it.
pub(crate) fn merge(target: Node, patch: &Node, schema: Option<&'static Schema>) -> Result<Option<Node>, Error> {
    match (&target.content, &patch.content) {
        (_, _) if patch.is_null() => Ok(None),
        (Content::Mapping(_), Content::Mapping(_)) => merge_mappings(target, patch, schema),
        (Content::Sequence(_), Content::Sequence(_)) => merge_sequences(target, patch, schema),
        (_, Content::Mapping(_)) if directive(patch)?.is_some_and(|directive| directive == Directive::Delete) => {
            Ok(None)
        }
        (Content::Scalar(_), _) | (_, Content::Scalar(_)) | (Content::Mapping(_), _) | (Content::Sequence(_), _) => {
            let mut node = without_nulls(patch);
            if node.is_scalar() && target.is_scalar() {
                node.line = target.line;
            }
            Ok(Some(node))
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

fn directive(patch: &Node) -> Result<Option<Directive>, Error> {
    match patch.get(DIRECTIVE).and_then(Node::text) {
        None => Ok(None),
        Some("merge") => Ok(Some(Directive::Merge)),
        Some("replace") => Ok(Some(Directive::Replace)),
        Some("delete") => Ok(Some(Directive::Delete)),
        Some(other) => Err(Error::invalid(format!("unknown patch strategy '{other}'"))),
    }
}

fn merge_mappings(mut target: Node, patch: &Node, schema: Option<&'static Schema>) -> Result<Option<Node>, Error> {
    match directive(patch)? {
        Some(Directive::Delete) => return Ok(None),
        Some(Directive::Replace) => return Ok(Some(without_nulls(patch))),
        Some(Directive::Merge) | None => {}
    }
    for (key, value) in patch.entries().unwrap_or_default() {
        let Some(name) = key.text().filter(|name| *name != DIRECTIVE) else { continue };
        let field = schema.and_then(|schema| schema.field(name));
        match target.get_mut(name).map(|old| std::mem::replace(old, Node::null())) {
            Some(old) => match merge(old, value, field)? {
                Some(merged) => target.set(name, merged),
                None => drop(target.remove(name)),
            },
            None if value.is_null() => {}
            None => {
                if let Some(added) = added(value)? {
                    push(&mut target, key.clone(), added);
                }
            }
        }
    }
    Ok(Some(target))
}

fn push(target: &mut Node, key: Node, value: Node) {
    if let Some(entries) = target.entries_mut() {
        entries.push((key, value));
    }
}

/// What a value that had no counterpart adds: itself without nulls and directives.
fn added(value: &Node) -> Result<Option<Node>, Error> {
    let deletes = value.is_mapping() && directive(value)? == Some(Directive::Delete);
    Ok((!deletes).then(|| without_nulls(value)))
}

fn merge_sequences(target: Node, patch: &Node, schema: Option<&'static Schema>) -> Result<Option<Node>, Error> {
    let items = patch.items().unwrap_or_default();
    let replaces = items.iter().any(|item| {
        item.entries().is_some_and(|entries| entries.len() == 1)
            && matches!(directive(item), Ok(Some(Directive::Replace)))
    });
    let merged = schema.filter(|schema| schema.merge && !replaces);
    let Some(schema) = merged else {
        let rest: Vec<Node> = items.iter().filter(|item| item.get(DIRECTIVE).is_none()).map(without_nulls).collect();
        return Ok(Some(Node { content: Content::Sequence(rest), ..patch.clone() }));
    };
    if schema.keys.is_empty() {
        return Ok(Some(merge_scalars(target, items)));
    }
    merge_elements(target, items, schema).map(Some)
}

/// The patch's scalars first, then those that only the target has.
fn merge_scalars(mut target: Node, items: &[Node]) -> Node {
    let patched: BTreeSet<&str> = items.iter().filter_map(Node::text).collect();
    let mut merged: Vec<Node> = Vec::new();
    for item in items {
        if !merged.iter().any(|old| old.text() == item.text()) {
            merged.push(item.clone());
        }
    }
    if let Some(old) = target.items_mut() {
        merged.extend(old.drain(..).filter(|item| item.text().is_none_or(|text| !patched.contains(text))));
        *old = merged;
    }
    target
}

/// The patch's elements first, merged with those of the same keys, then those that only the target has.
fn merge_elements(mut target: Node, items: &[Node], schema: &'static Schema) -> Result<Node, Error> {
    let Some(old) = target.items_mut() else { return Ok(target) };
    let mut rest: Vec<Option<Node>> = std::mem::take(old).into_iter().map(Some).collect();
    let mut merged = Vec::new();
    for item in items {
        let keys: Vec<_> = schema.keys.iter().filter_map(|key| Some((*key, item.get(key)?.text()?))).collect();
        let same = |element: &Option<Node>| {
            let element = element.as_ref();
            !keys.is_empty()
                && keys.iter().all(|(key, value)| {
                    element.and_then(|element| element.get(key)).and_then(Node::text) == Some(*value)
                })
        };
        match rest.iter().position(same) {
            Some(at) => {
                let element = rest[at].take().unwrap_or_else(Node::null);
                merged.extend(merge(element, item, schema.element())?);
            }
            None => merged.extend(added(item)?),
        }
    }
    merged.extend(rest.into_iter().flatten());
    *old = merged;
    Ok(target)
}

/// The node without entries that are null, and without directives that have nothing to act on.
fn without_nulls(node: &Node) -> Node {
    let mut node = node.clone();
    match &mut node.content {
        Content::Scalar(_) => {}
        Content::Sequence(items) => items.iter_mut().for_each(|item| *item = without_nulls(item)),
        Content::Mapping(entries) => {
            entries.retain(|(key, value)| !value.is_null() && key.text() != Some(DIRECTIVE));
            entries.iter_mut().for_each(|(_, value)| *value = without_nulls(value));
        }
    }
    node
}
