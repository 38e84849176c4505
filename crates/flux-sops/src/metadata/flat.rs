//! Trees as flat names: `age__list_0__map_enc`.

use std::collections::BTreeMap;

use crate::stores::DEPTH;
use crate::{Branch, Entry, Key, MetadataError, Value};

const MAP: &str = "__map_";
const LIST: &str = "__list_";

/// One step from a name's start to its value.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Key(String),
    /// A number that could not be read is 0, as in SOPS.
    Index(usize),
}

#[derive(Default)]
struct Node {
    value: Option<Value>,
    below: BTreeMap<Step, Node>,
}

/// The tree that flat names make. Keys are sorted.
pub(super) fn unflatten(branch: Branch) -> Result<Branch, MetadataError> {
    let mut root = Node::default();
    for entry in branch {
        let name = match entry.key {
            Key::Name(name) => name,
            Key::Comment(_) => continue,
            Key::Other { .. } => return Err(MetadataError::Flat("a name is no text")),
        };
        let steps = steps(&name).ok_or(MetadataError::Flat("a name is nested too deep"))?;
        let node = steps.into_iter().fold(&mut root, |node, step| node.below.entry(step).or_default());
        if node.value.replace(entry.value).is_some() {
            return Err(MetadataError::Flat("Duplicate value"));
        }
    }
    match convert(root)? {
        Value::Branch(branch) => Ok(branch),
        _ => Err(MetadataError::Flat("cannot find root")),
    }
}

/// None for a name of too many steps: it could have one every six bytes, and each costs stack when the tree is made and
/// dropped.
fn steps(name: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = name;
    let mut index = false;
    loop {
        let next = [MAP, LIST].iter().filter_map(|mark| Some((rest.find(mark)?, *mark))).min();
        let part = next.map_or(rest, |(at, _)| &rest[..at]);
        steps.push(if index { Step::Index(part.parse().unwrap_or(0)) } else { Step::Key(part.to_owned()) });
        let Some((at, mark)) = next else { return Some(steps) };
        if steps.len() == DEPTH {
            return None;
        }
        index = mark == LIST;
        rest = &rest[at + mark.len()..];
    }
}

fn convert(node: Node) -> Result<Value, MetadataError> {
    let keys = node.below.keys().filter(|step| matches!(step, Step::Key(_))).count();
    let indexes = node.below.len() - keys;
    let kinds = [node.value.is_some(), keys > 0, indexes > 0];
    if kinds.iter().filter(|kind| **kind).count() > 1 {
        return Err(MetadataError::Flat("Type mismatch"));
    }
    if let Some(value) = node.value {
        return Ok(value);
    }
    if indexes == 0 {
        let entry = |(step, node): (Step, Node)| match step {
            Step::Key(key) => Some(convert(node).map(|value| Entry::new(key, value))),
            Step::Index(_) => None,
        };
        return node.below.into_iter().filter_map(entry).collect::<Result<_, _>>().map(Value::Branch);
    }
    // The steps are sorted, so a whole list counts up from 0.
    let mut items = Vec::with_capacity(indexes);
    for (step, node) in node.below {
        if step != Step::Index(items.len()) {
            return Err(MetadataError::Flat("Incomplete list"));
        }
        items.push(convert(node)?);
    }
    Ok(Value::List(items))
}

/// The flat names of a tree, in its order.
pub(super) fn flatten(branch: Branch, prefix: &str) -> Branch {
    let mut flat = Branch::new();
    descend(branch, prefix, &mut flat);
    flat
}

fn descend(branch: Branch, prefix: &str, flat: &mut Branch) {
    for entry in branch {
        if let Key::Name(name) = entry.key {
            place(entry.value, format!("{prefix}{name}"), flat);
        }
    }
}

fn place(value: Value, name: String, flat: &mut Branch) {
    match value {
        Value::Branch(branch) => descend(branch, &format!("{name}{MAP}"), flat),
        Value::List(items) => {
            for (index, item) in items.into_iter().enumerate() {
                place(item, format!("{name}{LIST}{index}"), flat);
            }
        }
        value => flat.push(Entry::new(name, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_names_and_trees_turn_into_each_other() {
        let key = |text: &str| Value::Branch(vec![Entry::new("enc", Value::text(text))]);
        let tree = vec![
            Entry::new("age", Value::List(vec![key("a"), key("b")])),
            Entry::new("context", Value::Branch(vec![Entry::new("x", Value::Null)])),
            Entry::new("mac", Value::text("m")),
        ];
        let flat = flatten(tree.clone(), "");
        let names: Vec<_> = flat.iter().filter_map(Entry::name).collect();
        assert_eq!(names, ["age__list_0__map_enc", "age__list_1__map_enc", "context__map_x", "mac"]);
        assert!(unflatten(flat).unwrap() == tree);
    }

    #[test]
    fn names_that_make_no_tree_are_refused() {
        let check = |names: &[&str]| {
            let branch = names.iter().map(|name| Entry::new(*name, Value::Null)).collect();
            unflatten(branch).err().unwrap().to_string()
        };
        assert_eq!(check(&["a", "a"]), "Error while unflattening: Duplicate value");
        assert_eq!(check(&["a", "a__map_b"]), "Error while unflattening: Type mismatch");
        assert_eq!(check(&["a__list_0", "a__list_2"]), "Error while unflattening: Incomplete list");
        let deep = "a__map_".repeat(500_000);
        assert_eq!(check(&[&deep]), "Error while unflattening: a name is nested too deep");
    }
}
