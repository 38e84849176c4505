//! JSON6902 patches as json-patch 4 applies them.

use flux_yaml::{Limits, Node};
use serde_json::Value;

use crate::Error;

/// One step of a patch.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    kind: Kind,
    path: Option<Pointer>,
    from: Option<Pointer>,
    value: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,
    /// None that there is; an error only where the patch is applied.
    Unknown(String),
}

impl Kind {
    fn name(&self) -> &str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
            Self::Move => "move",
            Self::Copy => "copy",
            Self::Test => "test",
            Self::Unknown(name) => name,
        }
    }
}

#[derive(Clone, Debug)]
struct Pointer {
    text: String,
    parts: Vec<String>,
}

impl Pointer {
    fn parse(text: &str) -> Self {
        // A text without a slash names nothing.
        let parts = text.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
        Self { text: text.to_owned(), parts }
    }
}

/// Whether the text is a list, which only a JSON6902 patch is.
pub(crate) fn is_list(node: &Node) -> bool {
    node.is_sequence()
}

/// Reads a patch. What begins with a bracket has to be JSON; everything else may be YAML.
pub(crate) fn parse(text: &str) -> Result<Vec<Operation>, Error> {
    let operations: Value = if text.starts_with('[') {
        serde_json::from_str(text).map_err(|err| Error::invalid(err.to_string()))?
    } else {
        let node = flux_yaml::parse(text, Limits::default()).map_err(|err| Error::invalid(err.to_string()))?;
        let value = node.as_ref().map(flux_yaml::yaml11_to_json).transpose();
        value.map_err(|err| Error::invalid(err.to_string()))?.unwrap_or_default()
    };
    let items = operations.as_array().ok_or_else(|| Error::invalid("a JSON6902 patch is a list"))?;
    items.iter().map(operation).collect()
}

fn operation(item: &Value) -> Result<Operation, Error> {
    let item = item.as_object().ok_or_else(|| Error::invalid("an operation is an object"))?;
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    let kind = match text("op").unwrap_or("unknown") {
        "add" => Kind::Add,
        "remove" => Kind::Remove,
        "replace" => Kind::Replace,
        "move" => Kind::Move,
        "copy" => Kind::Copy,
        "test" => Kind::Test,
        other => Kind::Unknown(other.to_owned()),
    };
    let path = text("path").map(Pointer::parse);
    Ok(Operation { kind, path, from: text("from").map(Pointer::parse), value: item.get("value").cloned() })
}

/// Applies all operations, in order.
pub(crate) fn apply(document: &mut Value, operations: &[Operation]) -> Result<(), Error> {
    operations.iter().try_for_each(|operation| apply_one(document, operation))
}

fn apply_one(document: &mut Value, operation: &Operation) -> Result<(), Error> {
    let Operation { kind, path, from, value } = operation;
    let value = || value.clone().unwrap_or(Value::Null);
    let name = kind.name();
    let path = path.as_ref().ok_or_else(|| match kind {
        Kind::Unknown(name) => Error::invalid(format!("Unexpected kind: {name}")),
        _ => Error::invalid(format!("{name} operation failed to decode path: missing value")),
    })?;
    let from = || {
        from.as_ref().ok_or_else(|| {
            Error::invalid(format!(
                "{name} operation failed to decode from: operation, missing from field: missing value"
            ))
        })
    };
    let text = &path.text;
    match kind {
        Kind::Add => {
            let (container, key) = find(document, path).ok_or_else(|| {
                Error::invalid(format!("add operation does not apply: doc is missing path: \"{text}\": missing value"))
            })?;
            add(container, key, value()).map_err(|err| err.during(format!("error in add for path: '{text}'")))
        }
        Kind::Remove => {
            let (container, key) = find(document, path).ok_or_else(|| {
                Error::invalid(format!(
                    "remove operation does not apply: doc is missing path: \"{text}\": missing value"
                ))
            })?;
            let removed = remove(container, key);
            removed.map(drop).map_err(|err| err.during(format!("error in remove for path: '{text}'")))
        }
        Kind::Replace => replace(document, path, value()),
        Kind::Move => {
            let from = from()?;
            let (container, key) = find(document, from)
                .ok_or_else(|| missing("move operation does not apply: doc is missing from path", from))?;
            let moved = remove(container, key).map_err(|err| err.during(format!("error in move for path: '{key}'")))?;
            let (container, key) = find(document, path)
                .ok_or_else(|| missing("move operation does not apply: doc is missing destination path", path))?;
            add(container, key, moved).map_err(|err| err.during(format!("error in move for path: '{text}'")))
        }
        Kind::Copy => {
            let from = from()?;
            let (container, key) = find(document, from)
                .ok_or_else(|| missing("copy operation does not apply: doc is missing from path", from))?;
            let copied =
                get(container, key).map_err(|err| err.during(format!("error in copy for from: '{}'", from.text)))?;
            let copied = copied.cloned().unwrap_or(Value::Null);
            let (container, key) = find(document, path)
                .ok_or_else(|| missing("copy operation does not apply: doc is missing destination path", path))?;
            add(container, key, copied).map_err(|err| err.during("error while adding value during copy"))
        }
        Kind::Test => test(document, path, &value()),
        Kind::Unknown(name) => Err(Error::invalid(format!("Unexpected kind: {name}"))),
    }
}

fn missing(what: &str, path: &Pointer) -> Error {
    Error::invalid(format!("{what}: {}: missing value", path.text))
}

fn replace(document: &mut Value, path: &Pointer, value: Value) -> Result<(), Error> {
    if path.text.is_empty() {
        if !value.is_object() && !value.is_array() {
            return Err(Error::invalid("replace operation value must be object or array"));
        }
        *document = value;
        return Ok(());
    }
    let (container, key) =
        find(document, path).ok_or_else(|| missing("replace operation does not apply: doc is missing path", path))?;
    let absent = |_| missing("replace operation does not apply: doc is missing key", path);
    match container {
        // Version 4 makes a key that is not there.
        Value::Object(object) => drop(object.insert(key.to_owned(), value)),
        Value::Array(items) => {
            let at = index(key, items.len()).map_err(absent)?;
            items[at] = value;
        }
        _ => {}
    }
    Ok(())
}

fn test(document: &mut Value, path: &Pointer, value: &Value) -> Result<(), Error> {
    let text = &path.text;
    let found = if text.is_empty() {
        document.clone()
    } else {
        let (container, key) =
            find(document, path).ok_or_else(|| missing("test operation does not apply: is missing path", path))?;
        let found = get(container, key).map_err(|err| err.during(format!("error in test for path: '{text}'")))?;
        found.cloned().unwrap_or(Value::Null)
    };
    if same(&found, value) { Ok(()) } else { Err(Error::invalid(format!("testing value {text} failed: test failed"))) }
}

/// Equal as JSON: a whole number may be written as a float.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (left, right) => left == right,
    }
}

/// The object or list that holds what the path names, and the path's last part.
fn find<'d, 'p>(document: &'d mut Value, path: &'p Pointer) -> Option<(&'d mut Value, &'p str)> {
    let (last, parts) = path.parts.split_last()?;
    let container = parts.iter().try_fold(document, |node, part| match node {
        Value::Object(object) => object.get_mut(part),
        Value::Array(items) => {
            let at = index(part, items.len()).ok()?;
            items.get_mut(at)
        }
        _ => None,
    })?;
    (container.is_object() || container.is_array()).then_some((container, last))
}

fn get<'d>(container: &'d Value, key: &str) -> Result<Option<&'d Value>, Error> {
    match container {
        Value::Array(items) => Ok(items.get(index(key, items.len())?)),
        container => Ok(container.get(key)),
    }
}

/// A place in a list; negative ones count from the end.
fn index(key: &str, length: usize) -> Result<usize, Error> {
    let at: i64 = key.parse().map_err(|_| Error::invalid(format!("strconv.Atoi: parsing {key:?}: invalid syntax")))?;
    let invalid = || Error::invalid(format!("Unable to access invalid index: {at}: invalid index referenced"));
    let from_end = i64::try_from(length).map_err(|_| invalid())?;
    let place = if at < 0 { at + from_end } else { at };
    usize::try_from(place).ok().filter(|place| *place < length).ok_or_else(invalid)
}

fn add(container: &mut Value, key: &str, value: Value) -> Result<(), Error> {
    match container {
        Value::Object(object) => drop(object.insert(key.to_owned(), value)),
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => {
            if key.parse::<i64>().is_err() {
                return Err(index(key, 0).err().map_or_else(
                    || Error::invalid("value was not a proper array index"),
                    |err| err.during(format!("value was not a proper array index: '{key}'")),
                ));
            }
            let at = index(key, items.len() + 1)?;
            items.insert(at, value);
        }
        _ => {}
    }
    Ok(())
}

fn remove(container: &mut Value, key: &str) -> Result<Value, Error> {
    match container {
        Value::Array(items) => {
            let at = index(key, items.len())?;
            Ok(items.remove(at))
        }
        container => container
            .as_object_mut()
            .and_then(|object| object.shift_remove(key))
            .ok_or_else(|| Error::invalid(format!("Unable to remove nonexistent key: {key}: missing value"))),
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
        check("- {op: replace, path: /a/new, value: x}", json!({"a": {"b": 1, "new": "x"}, "list": [1, 2]}));
        check("- {op: add, path: /list/-, value: 3}", json!({"a": {"b": 1}, "list": [1, 2, 3]}));
        check("- {op: add, path: /list/-1, value: 3}", json!({"a": {"b": 1}, "list": [1, 2, 3]}));
        check("- {op: remove, path: /list/-1}", json!({"a": {"b": 1}, "list": [1]}));
        check("- {op: add, path: /list/0, value: 3}", json!({"a": {"b": 1}, "list": [3, 1, 2]}));
        check("- {op: remove, path: /a/b}\n- {op: test, path: /list/1, value: 2}", json!({"a": {}, "list": [1, 2]}));
        check("- {op: move, from: /a/b, path: /c~1d}", json!({"a": {}, "list": [1, 2], "c/d": 1}));
    }

    #[test]
    fn what_begins_with_a_bracket_is_json() {
        assert!(parse("[{op: remove, path: /a}]").is_err());
        assert_eq!(parse("[{\"op\": \"remove\", \"path\": \"/a\"}]").unwrap().len(), 1);
        assert_eq!(parse("- op: grow\n").unwrap().len(), 1);
    }

    #[test]
    fn what_is_missing_is_named() {
        let document = json!({"a": {}});
        for (patch, part) in [
            ("- {op: remove, path: /a/b}", "nonexistent key: b"),
            ("- {op: add, path: /x/y, value: 1}", "\"/x/y\""),
            ("- {op: test, path: /a/b, value: 1}", "testing value /a/b failed: test failed"),
            ("- {op: grow, path: /a}", "Unexpected kind: grow"),
            ("- {op: add, value: 1}", "add operation failed to decode path: missing value"),
            ("- {op: add, path: '', value: 1}", "doc is missing path: \"\""),
            ("- {op: replace, path: /x/0, value: 1}", "doc is missing path: /x/0: missing value"),
        ] {
            let err = patched(&document, patch).unwrap_err();
            assert!(err.contains(part), "{err}");
        }
    }
}
