//! Paths of fields as replacements and variables write them: `spec.containers.[name=app].image`, `a.0.b`, `a.*.b`.

use flux_yaml::{Content, Limits, Node, Tag, parse};
use regex::Regex;

use crate::Error;

/// The parts of a path. A dot after a backslash or in brackets does not part.
pub(crate) fn split(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let text = path.strip_prefix('.').unwrap_or(path);
    for part in text.split('.') {
        match parts.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push('.');
                last.push_str(part);
            }
            _ => parts.push(part.to_owned()),
        }
    }
    let mut joined = Vec::with_capacity(parts.len());
    let mut parts = parts.into_iter();
    while let Some(mut part) = parts.next() {
        let bracketed = part.starts_with('[') && !part.ends_with(']');
        while bracketed && !part.ends_with(']') {
            let Some(next) = parts.next() else { break };
            part.push('.');
            part.push_str(&next);
        }
        if bracketed && !part.contains('=') {
            joined.push(part.trim_matches(['[', ']']).to_owned());
        } else {
            joined.push(part);
        }
    }
    joined
}

/// What a missing field is made as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Make {
    Nothing,
    Scalar,
    Sequence,
    Mapping,
}

impl Make {
    /// What holds a value of this node's kind.
    pub(crate) fn like(node: &Node) -> Self {
        match node.content {
            Content::Scalar(_) => Self::Scalar,
            Content::Sequence(_) => Self::Sequence,
            Content::Mapping(_) => Self::Mapping,
        }
    }

    /// The node for a part that is followed by `rest`.
    fn node(self, rest: &[String]) -> Node {
        let kind = match rest.first() {
            None => self,
            Some(next) if is_entry(next) || next.parse::<usize>().is_ok() => Self::Sequence,
            Some(_) => Self::Mapping,
        };
        match kind {
            Self::Nothing | Self::Scalar => Node::scalar("", Tag::Unset),
            Self::Sequence => Node::sequence(Vec::new()),
            Self::Mapping => Node::mapping(Vec::new()),
        }
    }
}

fn is_entry(part: &str) -> bool {
    part.starts_with('[') && part.ends_with(']')
}

/// The key and the value of `[key=value]`.
fn entry(part: &str) -> Result<(&str, &str), Error> {
    let inner = part.trim_start_matches('[').strip_suffix(']').unwrap_or(part);
    inner
        .split_once('=')
        .ok_or_else(|| Error::invalid("list path element must contain fieldName=fieldValue for element to match"))
}

/// The one field at a path, if there is one.
pub(crate) fn get<'n>(node: &'n Node, path: &[String]) -> Result<Option<&'n Node>, Error> {
    let mut found = node;
    for part in path.iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
        let next = match part {
            "*" => return Err(Error::invalid("wildcard is not supported here")),
            "-" => items(found)?.last(),
            part if part.parse::<usize>().is_ok() => items(found)?.get(part.parse::<usize>().unwrap_or_default()),
            part if is_entry(part) => {
                let (key, value) = entry(part)?;
                items(found)?.iter().find(|item| match key {
                    "" => item.text() == Some(value),
                    key => item.get(key).is_some_and(|field| field.text() == Some(value)),
                })
            }
            part if found.is_mapping() => found.get(part),
            _ if found.is_null() => None,
            part => return Err(Error::invalid(format!("{part:?} is looked for in what is no mapping"))),
        };
        match next {
            Some(next) => found = next,
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

/// The same, to change.
pub(crate) fn get_mut<'n>(node: &'n mut Node, path: &[String]) -> Option<&'n mut Node> {
    let mut found = node;
    for part in path.iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
        found = match part {
            "-" => found.items_mut()?.last_mut()?,
            part if part.parse::<usize>().is_ok() => found.items_mut()?.get_mut(part.parse::<usize>().ok()?)?,
            part if is_entry(part) => {
                let (key, value) = entry(part).ok()?;
                found.items_mut()?.iter_mut().find(|item| match key {
                    "" => item.text() == Some(value),
                    key => item.get(key).is_some_and(|field| field.text() == Some(value)),
                })?
            }
            part => found.get_mut(part)?,
        };
    }
    Some(found)
}

fn items(node: &Node) -> Result<&[Node], Error> {
    node.items().ok_or_else(|| Error::invalid("an element is looked for in what is no list"))
}

type Change<'c> = &'c mut dyn FnMut(&mut Node) -> Result<(), Error>;

/// Calls `change` on every field that the path matches, and says how many they are.
pub(crate) fn visit(node: &mut Node, path: &[String], make: Make, change: Change<'_>) -> Result<usize, Error> {
    let Some((part, rest)) = path.split_first() else {
        change(node)?;
        return Ok(1);
    };
    if let Ok(index) = part.parse::<usize>() {
        return visit_index(node, index, rest, make, change);
    }
    if is_entry(part) {
        return visit_entries(node, part, rest, make, change);
    }
    if part == "*" {
        items(node)?;
        let mut count = 0;
        for item in node.items_mut().into_iter().flatten() {
            count += visit(item, rest, make, change)?;
        }
        return Ok(count);
    }
    visit_field(node, part, rest, make, change)
}

fn visit_field(node: &mut Node, name: &str, rest: &[String], make: Make, change: Change<'_>) -> Result<usize, Error> {
    if node.is_null() && make != Make::Nothing {
        *node = Node::mapping(Vec::new());
    }
    if node.is_null() {
        return Ok(0);
    }
    if !node.is_mapping() {
        return Err(Error::invalid(format!("{name:?} is looked for in what is no mapping")));
    }
    if node.get(name).is_none() {
        if make == Make::Nothing {
            return Ok(0);
        }
        node.set(name, make.node(rest));
    }
    let Some(field) = node.get_mut(name) else { return Ok(0) };
    if !rest.is_empty()
        && let Some(text) = field.text().filter(|_| !field.is_null())
    {
        // What is found in a text here is changed in a copy only, as upstream does.
        let mut copy = structured(text)?;
        return visit(&mut copy, rest, make, change);
    }
    visit(field, rest, make, change)
}

/// A text read as YAML or JSON.
pub(crate) fn structured(text: &str) -> Result<Node, Error> {
    let node = parse(text, Limits::default()).map_err(|err| Error::invalid(err.to_string()))?;
    Ok(node.unwrap_or_else(Node::null))
}

fn visit_index(node: &mut Node, index: usize, rest: &[String], make: Make, change: Change<'_>) -> Result<usize, Error> {
    let count = items(node)?.len();
    let Some(list) = node.items_mut() else { return Ok(0) };
    if index == count && make != Make::Nothing {
        list.push(make.node(rest));
    }
    let item = list
        .get_mut(index)
        .ok_or_else(|| Error::invalid(format!("index {index} specified but only {count} elements found")))?;
    visit(item, rest, make, change)
}

fn visit_entries(node: &mut Node, part: &str, rest: &[String], make: Make, change: Change<'_>) -> Result<usize, Error> {
    let (key, value) = entry(part)?;
    // Upstream takes the value for a pattern that may match anywhere.
    let pattern = Regex::new(value).map_err(|err| Error::invalid(format!("path element {part:?}: {err}")))?;
    items(node)?;
    for made in [false, true] {
        let mut count = 0;
        for item in node.items_mut().into_iter().flatten() {
            if key.is_empty() {
                if item.text().is_some_and(|text| pattern.is_match(text)) {
                    change(item)?;
                    count += 1;
                }
            } else if item.get(key).and_then(Node::text).is_some_and(|text| pattern.is_match(text)) {
                count += visit(item, rest, make, change)?;
            }
        }
        if count > 0 || make == Make::Nothing || made {
            return Ok(count);
        }
        let text = Node::scalar(value, Tag::Unset);
        let item = if key.is_empty() { text } else { Node::mapping(vec![(Node::scalar(key, Tag::Unset), text)]) };
        node.items_mut().into_iter().for_each(|list| list.push(item.clone()));
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_parted_at_dots_that_are_not_escaped() {
        for (path, expected) in [
            ("a.b", vec!["a", "b"]),
            (".a", vec!["a"]),
            (r"a.b\.c.d", vec!["a", "b.c", "d"]),
            ("a.[b.c/d].e", vec!["a", "b.c/d", "e"]),
            ("a.[n=b.c].e", vec!["a", "[n=b.c]", "e"]),
        ] {
            assert_eq!(split(path), expected, "{path}");
        }
    }

    #[test]
    fn missing_fields_are_made_where_that_is_asked_for() {
        let mut node = parse("a: [{n: x}]", Limits::default()).unwrap().unwrap();
        let mut set = |path: &str, make| {
            visit(&mut node, &split(path), make, &mut |field| {
                *field = Node::string("v");
                Ok(())
            })
        };
        assert_eq!(set("a.[n=y].b.c", Make::Nothing).unwrap(), 0);
        assert_eq!(set("a.[n=y].b.c", Make::Scalar).unwrap(), 1);
        assert_eq!(set("a.*.n", Make::Nothing).unwrap(), 2);
        assert!(set("a.5", Make::Scalar).is_err());
        let expected = "a:\n- \"n\": v\n- b:\n    c: v\n  \"n\": v\n";
        assert_eq!(flux_yaml::print(&node).unwrap(), expected);
    }
}
