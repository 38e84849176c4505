//! Walking the fields that a table names.

use std::collections::HashMap;

use flux_yaml::{Content, Node};

use crate::Error;
use crate::config::Spec;
use crate::id::{Gvk, GvkRef};
use crate::resource::{id_of, plain_key};

/// What is made where a field is missing and its spec says that it is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaf {
    /// Nothing: the transformer only changes what is there, whatever the spec says.
    Nothing,
    Scalar,
    Mapping,
}

/// A field, with its path in parts.
#[derive(Debug)]
pub(crate) struct Place<'s> {
    pub(crate) spec: &'s Spec,
    /// The place of the spec among those that were given.
    pub(crate) index: usize,
    parts: Vec<String>,
}

/// The fields that specs name. Which of them a kind has is found once a kind.
#[derive(Debug)]
pub(crate) struct Places<'s> {
    places: Vec<Place<'s>>,
    by_kind: HashMap<String, Vec<(Gvk, Vec<usize>)>>,
}

impl<'s> Places<'s> {
    pub(crate) fn new(specs: impl IntoIterator<Item = &'s Spec>) -> Self {
        let place = |(index, spec): (usize, &'s Spec)| Place { spec, index, parts: split(&spec.path) };
        Self { places: specs.into_iter().enumerate().map(place).collect(), by_kind: HashMap::new() }
    }

    /// The fields of objects of a kind, in the order of the specs.
    pub(crate) fn of<'p>(&'p mut self, gvk: GvkRef<'_>) -> impl Iterator<Item = &'p Place<'s>> + use<'p, 's> {
        let Self { places, by_kind } = self;
        if !by_kind.contains_key(gvk.kind) {
            by_kind.insert(gvk.kind.to_owned(), Vec::new());
        }
        let known = by_kind.get_mut(gvk.kind).expect("the kind was inserted above");
        let at = known.iter().position(|(known, _)| known.as_ref() == gvk).unwrap_or_else(|| {
            let selected = |spec: &Spec| gvk.is_selected(&spec.group, &spec.version, &spec.kind);
            known.push((gvk.to_owned(), (0..places.len()).filter(|at| selected(places[*at].spec)).collect()));
            known.len() - 1
        });
        known[at].1.iter().map(|at| &places[*at])
    }
}

impl Place<'_> {
    /// Calls `change` on the field of an object, or on all fields where a list stands on the way.
    pub(crate) fn visit(
        &self,
        object: &mut Node,
        leaf: Leaf,
        change: &mut dyn FnMut(&mut Node) -> Result<(), Error>,
    ) -> Result<(), Error> {
        walk(object, &self.parts, self.spec.create, leaf, change)
            .map_err(|err| err.during(format!("considering field '{}' of object {}", self.spec.path, id_of(object))))
    }
}

/// The parts of a path; `\/` is a slash in a part.
pub(crate) fn split(path: &str) -> Vec<String> {
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
    parts: &[String],
    create: bool,
    leaf: Leaf,
    change: &mut dyn FnMut(&mut Node) -> Result<(), Error>,
) -> Result<(), Error> {
    let Some((part, rest)) = parts.split_first() else { return change(node) };
    if node.is_null() {
        return Ok(());
    }
    let name = part.strip_suffix("[]").unwrap_or(part);
    let is_list = name.len() < part.len();
    match &mut node.content {
        Content::Sequence(items) => items.iter_mut().try_for_each(|item| walk(item, parts, create, leaf, change)),
        Content::Scalar(_) => Err(Error::invalid("expected sequence or mapping node")),
        Content::Mapping(_) => {
            let missing = match node.get_mut(name) {
                Some(field) if !field.is_null() => return walk(field, rest, create, leaf, change),
                Some(field) if is_list => {
                    *field = Node::sequence(Vec::new());
                    return Ok(());
                }
                missing => missing.is_some(),
            };
            if !create || leaf == Leaf::Nothing || is_list {
                return Ok(());
            }
            if missing {
                node.remove(name);
            }
            let mut made =
                if rest.is_empty() && leaf == Leaf::Scalar { Node::string("") } else { Node::mapping(Vec::new()) };
            let walked = walk(&mut made, rest, create, leaf, change);
            if let Some(entries) = node.entries_mut() {
                entries.push((plain_key(name), made));
            }
            walked
        }
    }
}
