//! Lists whose elements merge by keys, such as containers by name and ports by port and protocol.
//!
//! Ports make this hard: the second key may be left out on either side. What is done then is what kyaml 0.21 does,
//! oddities included.

use flux_yaml::{Content, Node};

use crate::Error;
use crate::merge::{DIRECTIVE, Rules, walk};
use crate::schema::Schema;

/// What is known of a list's elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elements<'s> {
    /// What tells them apart; none for scalars.
    pub(crate) keys: &'s [&'s str],
    pub(crate) schema: Option<Schema<'s>>,
    pub(crate) rules: Rules<'s>,
}

/// The patch's elements first, merged with those of the same keys, then those that only the target has; or the
/// target's first.
pub(crate) fn merge(mut target: Vec<Node>, patch: Option<&[Node]>, elements: Elements<'_>) -> Result<Vec<Node>, Error> {
    let Elements { keys: all_keys, schema, rules } = elements;
    let mut sides: Vec<&[Node]> = patch.into_iter().chain([target.as_slice()]).collect();
    if !rules.patch_first {
        sides.reverse();
    }
    if all_keys.is_empty() {
        return scalars(&sides);
    }
    let mut values = key_values(&sides, all_keys);
    if all_keys.len() > 1 {
        fill_in(&mut values);
    }
    let mut merged = Vec::new();
    let mut keys = Vec::new();
    for own in &values {
        let (valid_keys, valid_values) = valid(&values, own, all_keys);
        let (match_keys, match_values) = valid(std::slice::from_ref(&valid_values), &valid_values, &valid_keys);
        let find = |list: &[Node]| list.iter().position(|element| has(element, &match_keys, &match_values));
        let at = find(&target);
        let from_patch = patch.and_then(|patch| Some(patch[find(patch)?].clone()));
        let replaces =
            from_patch.as_ref().is_some_and(|element| element.get(DIRECTIVE).and_then(Node::text) == Some("replace"));
        let element = walk(at.map(|at| target[at].clone()), from_patch, rules, schema)?;
        keys.clone_from(&valid_keys);
        let Some(mut element) = element.filter(|element| !element.is_null() && !is_empty_map(element)) else {
            set(&mut target, None, &valid_keys, &valid_values)?;
            continue;
        };
        for (key, value) in valid_keys.iter().zip(&valid_values) {
            if element.get(key).is_none() && !value.is_empty() {
                element.set(key, Node::scalar(value.as_str(), flux_yaml::Tag::Unset));
            }
        }
        // An element that was merged in place is seen changed below; one that was replaced is not.
        if let Some(at) = at.filter(|_| !replaces) {
            target[at] = element.clone();
        }
        set(&mut merged, Some(&element), &valid_keys, &valid_values)?;
    }
    match (values.is_empty(), rules.patch_first) {
        (true, _) => Ok(target),
        (false, true) => append(merged, &target, &keys),
        (false, false) => append(target, &merged, &keys),
    }
}

/// Each text once, the patch's before the target's.
fn scalars(sides: &[&[Node]]) -> Result<Vec<Node>, Error> {
    let mut merged: Vec<Node> = Vec::new();
    if let Some(odd) = sides.iter().copied().flatten().find(|item| !item.is_scalar() && !item.is_empty()) {
        let kind = if odd.is_mapping() { "MappingNode" } else { "SequenceNode" };
        return Err(Error::invalid(format!("wrong node kind: expected ScalarNode but got {kind}: line {}", odd.line)));
    }
    for item in sides.iter().copied().flatten().filter(|item| !item.is_null() && !is_empty_map(item)) {
        match merged.iter_mut().find(|old| old.text() == item.text()) {
            Some(old) => old.clone_from(item),
            None => merged.push(item.clone()),
        }
    }
    Ok(merged)
}

/// The keys' values of every element, each set once; an empty text stands for a missing one.
fn key_values(sides: &[&[Node]], keys: &[&str]) -> Vec<Vec<String>> {
    let mut known: Vec<Vec<String>> = Vec::new();
    for element in sides.iter().copied().flatten() {
        let value = |key: &&str| element.get(key).filter(|value| !value.is_null()).and_then(Node::text);
        let values: Vec<String> = keys.iter().map(|key| value(key).unwrap_or_default().to_owned()).collect();
        if !known.contains(&values) {
            known.push(values);
        }
    }
    known
}

/// Completes values that differ from others only by what is missing.
fn fill_in(values: &mut [Vec<String>]) {
    for left in 0..values.len() {
        for right in 0..values.len() {
            if let Some(united) = united(&values[left], &values[right]) {
                values[left].clone_from(&united);
                values[right] = united;
            }
        }
    }
}

fn united(left: &[String], right: &[String]) -> Option<Vec<String>> {
    let mut common = false;
    let mut united = Vec::with_capacity(left.len());
    for (left, right) in left.iter().zip(right) {
        match (left.as_str(), right.as_str()) {
            (left, right) if left == right => common = true,
            ("", _) | (_, "") => {}
            _ => return None,
        }
        united.push(if left.is_empty() { right } else { left }.clone());
    }
    common.then_some(united)
}

/// The keys that any element has a value for, with this element's values; all keys when there is none.
fn valid<'k>(all: &[Vec<String>], own: &[String], keys: &[&'k str]) -> (Vec<&'k str>, Vec<String>) {
    let used: Vec<bool> = (0..keys.len())
        .map(|at| all.iter().any(|values| values.get(at).is_some_and(|value| !value.is_empty())))
        .collect();
    if !used.contains(&true) {
        return (keys.to_vec(), own.to_vec());
    }
    let keys = keys.iter().zip(&used).filter(|(_, used)| **used).map(|(key, _)| *key).collect();
    let values =
        own.iter().zip(&used).filter(|(value, used)| **used || !value.is_empty()).map(|(value, _)| value.clone());
    (keys, values.collect())
}

/// Whether an element has these values; an empty one stands for any.
fn has(element: &Node, keys: &[&str], values: &[String]) -> bool {
    element.is_mapping() && keys.iter().zip(values).all(|(key, value)| has_value(element, key, value))
}

fn has_value(element: &Node, key: &str, value: &str) -> bool {
    element.get(key).is_some_and(|found| value.is_empty() || found.text() == Some(value))
}

fn is_empty_map(node: &Node) -> bool {
    matches!(&node.content, Content::Mapping(entries) if entries.is_empty())
}

/// Puts an element in the place of those with these values, or at the end; without an element they are removed.
fn set(list: &mut Vec<Node>, element: Option<&Node>, keys: &[&str], values: &[String]) -> Result<(), Error> {
    let mut found = false;
    let mut kept = Vec::with_capacity(list.len() + 1);
    let by_key =
        keys.first().is_some_and(|key| !key.is_empty()) && values.first().is_some_and(|value| !value.is_empty());
    for old in list.drain(..) {
        if old.is_null() || is_empty_map(&old) {
            continue;
        }
        if !old.is_mapping() {
            if !by_key {
                return Err(Error::invalid(format!("line {}: a list that merges by keys holds a text", old.line)));
            }
            kept.push(old);
            continue;
        }
        let mut holds = None;
        let matches = keys.iter().enumerate().all(|(at, key)| {
            if let Some(value) = values.get(at) {
                holds = Some(has_value(&old, key, value));
            }
            holds == Some(true)
        });
        if matches {
            found = true;
            kept.extend(element.cloned());
        } else if !values.is_empty() {
            kept.push(old);
        }
    }
    if !found {
        kept.extend(element.cloned());
    }
    *list = kept;
    Ok(())
}

/// Adds the target's elements that the patch does not hold.
fn append(mut merged: Vec<Node>, target: &[Node], keys: &[&str]) -> Result<Vec<Node>, Error> {
    for element in target {
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            match element.get(key) {
                Some(value) => values.push(value.text().unwrap_or_default().to_owned()),
                None => merged.push(element.clone()),
            }
        }
        if keys.len() > 1 {
            set(&mut merged, None, keys, &values)?;
        }
        set(&mut merged, Some(element), keys, &values)?;
    }
    Ok(merged)
}
