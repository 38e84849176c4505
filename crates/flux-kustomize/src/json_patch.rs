//! JSON6902 patches as json-patch 4 applies them.

use flux_yaml::{Limits, Node};
use serde_json::Value;

use crate::Error;

/// One step of a patch.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    kind: Kind,
    path: Pointer,
    from: Option<Pointer>,
    value: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,
}

#[derive(Clone, Debug)]
struct Pointer {
    text: String,
    parts: Vec<String>,
}

impl Pointer {
    fn parse(text: &str) -> Self {
        let parts = text.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
        Self { text: text.to_owned(), parts }
    }
}

/// Whether the text is a list, which only a JSON6902 patch is.
pub(crate) fn is_list(node: &Node) -> bool {
    node.is_sequence()
}

/// Reads a patch, JSON or YAML.
pub(crate) fn parse(text: &str) -> Result<Vec<Operation>, Error> {
    let node = flux_yaml::parse(text, Limits::default()).map_err(|err| Error::invalid(err.to_string()))?;
    let items = node.as_ref().and_then(Node::items).ok_or_else(|| Error::invalid("a JSON6902 patch is a list"))?;
    items
        .iter()
        .enumerate()
        .map(|(at, item)| operation(item).map_err(|err| err.during(format!("operation {at}"))))
        .collect()
}

fn operation(node: &Node) -> Result<Operation, Error> {
    let text = |name: &str| node.get(name).and_then(Node::text);
    let kind = match text("op") {
        Some("add") => Kind::Add,
        Some("remove") => Kind::Remove,
        Some("replace") => Kind::Replace,
        Some("move") => Kind::Move,
        Some("copy") => Kind::Copy,
        Some("test") => Kind::Test,
        Some(other) => return Err(Error::invalid(format!("unexpected kind: {other}"))),
        None => return Err(Error::invalid("missing field op")),
    };
    let path = text("path").ok_or_else(|| Error::invalid("missing field path"))?;
    let value = match node.get("value") {
        Some(value) => Some(flux_yaml::yaml11_to_json(value).map_err(|err| Error::invalid(err.to_string()))?),
        None => None,
    };
    Ok(Operation { kind, path: Pointer::parse(path), from: text("from").map(Pointer::parse), value })
}

/// Applies all operations, in order.
pub(crate) fn apply(document: &mut Value, operations: &[Operation]) -> Result<(), Error> {
    operations.iter().try_for_each(|operation| apply_one(document, operation))
}

fn apply_one(document: &mut Value, operation: &Operation) -> Result<(), Error> {
    let Operation { kind, path, from, value } = operation;
    let value = || value.clone().unwrap_or(Value::Null);
    let from = || from.as_ref().ok_or_else(|| Error::invalid("missing field from"));
    match kind {
        Kind::Add => add(document, path, value()),
        Kind::Remove => remove(document, path).map(drop),
        Kind::Replace => replace(document, path, value()),
        Kind::Move => {
            let moved = remove(document, from()?)?;
            add(document, path, moved)
        }
        Kind::Copy => {
            let copied = get(document, from()?).cloned().ok_or_else(|| missing("copy", from().ok()))?;
            add(document, path, copied)
        }
        Kind::Test => {
            let found = get(document, path).cloned().unwrap_or(Value::Null);
            let same = same(&found, &value());
            if same { Ok(()) } else { Err(Error::invalid(format!("testing path {} failed", path.text))) }
        }
    }
}

/// Equal as JSON: a whole number may be written as a float.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (left, right) => left == right,
    }
}

fn missing(what: &str, path: Option<&Pointer>) -> Error {
    let path = path.map_or("", |path| path.text.as_str());
    Error::invalid(format!("{what} operation does not apply: doc is missing path: \"{path}\": missing value"))
}

fn get<'d>(document: &'d Value, path: &Pointer) -> Option<&'d Value> {
    path.parts.iter().try_fold(document, |node, part| match node {
        Value::Object(object) => object.get(part),
        Value::Array(items) => items.get(index(part, items.len())?),
        _ => None,
    })
}

/// The container of what the path names, and the last part.
fn parent<'d, 'p>(document: &'d mut Value, path: &'p Pointer, what: &str) -> Result<(&'d mut Value, &'p str), Error> {
    let (last, parts) = path.parts.split_last().ok_or_else(|| missing(what, Some(path)))?;
    let container = parts.iter().try_fold(document, |node, part| match node {
        Value::Object(object) => object.get_mut(part),
        Value::Array(items) => {
            let at = index(part, items.len())?;
            items.get_mut(at)
        }
        _ => None,
    });
    Ok((container.ok_or_else(|| missing(what, Some(path)))?, last))
}

/// A place in a list; negative ones count from the end.
fn index(part: &str, length: usize) -> Option<usize> {
    let at: i64 = part.parse().ok()?;
    let length = i64::try_from(length).ok()?;
    let at = if at < 0 { at + length } else { at };
    usize::try_from(at).ok()
}

fn add(document: &mut Value, path: &Pointer, value: Value) -> Result<(), Error> {
    if path.parts.is_empty() {
        *document = value;
        return Ok(());
    }
    let (container, last) = parent(document, path, "add")?;
    match container {
        Value::Object(object) => {
            object.insert(last.to_owned(), value);
            Ok(())
        }
        Value::Array(items) if last == "-" => {
            items.push(value);
            Ok(())
        }
        Value::Array(items) => {
            let at = index(last, items.len()).filter(|at| *at <= items.len());
            let at = at.ok_or_else(|| {
                Error::invalid(format!("add operation does not apply: index {last} is out of bounds"))
            })?;
            items.insert(at, value);
            Ok(())
        }
        _ => Err(missing("add", Some(path))),
    }
}

fn remove(document: &mut Value, path: &Pointer) -> Result<Value, Error> {
    let (container, last) = parent(document, path, "remove")?;
    let removed = match container {
        Value::Object(object) => object.shift_remove(last),
        Value::Array(items) => index(last, items.len()).filter(|at| *at < items.len()).map(|at| items.remove(at)),
        _ => None,
    };
    removed.ok_or_else(|| {
        Error::invalid(format!(
            "remove operation does not apply: Unable to remove nonexistent key: {last}: missing value"
        ))
    })
}

fn replace(document: &mut Value, path: &Pointer, value: Value) -> Result<(), Error> {
    if path.parts.is_empty() {
        *document = value;
        return Ok(());
    }
    let (container, last) = parent(document, path, "replace")?;
    match container {
        // Version 4 makes a key that is not there.
        Value::Object(object) => {
            object.insert(last.to_owned(), value);
            Ok(())
        }
        Value::Array(items) => {
            let at = index(last, items.len()).filter(|at| *at < items.len());
            let at = at.ok_or_else(|| missing("replace", Some(path)))?;
            items[at] = value;
            Ok(())
        }
        _ => Err(missing("replace", Some(path))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(document: &Value, patch: &str) -> Result<Value, String> {
        let mut document = document.clone();
        let operations = parse(patch).map_err(|err| err.chain())?;
        apply(&mut document, &operations).map_err(|err| err.chain())?;
        Ok(document)
    }

    #[test]
    fn operations_apply_as_in_version_four() {
        let document = json!({"a": {"b": 1}, "list": [1, 2]});
        let check = |patch: &str, expected: Value| assert_eq!(patched(&document, patch), Ok(expected), "{patch}");
        check("[{op: replace, path: /a/new, value: x}]", json!({"a": {"b": 1, "new": "x"}, "list": [1, 2]}));
        check("[{op: add, path: /list/-, value: 3}]", json!({"a": {"b": 1}, "list": [1, 2, 3]}));
        check("[{op: add, path: /list/0, value: 3}]", json!({"a": {"b": 1}, "list": [3, 1, 2]}));
        check("[{op: remove, path: /a/b}, {op: test, path: /list/1, value: 2}]", json!({"a": {}, "list": [1, 2]}));
        check("[{op: move, from: /a/b, path: /c~1d}]", json!({"a": {}, "list": [1, 2], "c/d": 1}));
    }

    #[test]
    fn what_is_missing_is_named() {
        let document = json!({"a": {}});
        for (patch, part) in [
            ("[{op: remove, path: /a/b}]", "nonexistent key: b"),
            ("[{op: add, path: /x/y, value: 1}]", "\"/x/y\""),
            ("[{op: test, path: /a/b, value: 1}]", "testing path /a/b failed"),
            ("[{op: grow, path: /a}]", "unexpected kind: grow"),
        ] {
            let err = patched(&document, patch).unwrap_err();
            assert!(err.contains(part), "{err}");
        }
    }
}
