//! Reads what objects may or may not hold.

use serde_json::{Map, Value};

/// One condition of an object; what is missing is empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition<'a> {
    pub(super) kind: &'a str,
    pub(super) status: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

fn find<'a>(object: &'a Map<String, Value>, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(object.get(*first)?, |value, key| value.get(*key))
}

/// The text at `path`; empty when there is none.
pub(super) fn text<'a>(object: &'a Map<String, Value>, path: &[&str]) -> &'a str {
    find(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// The integer at `path`.
pub(super) fn integer(object: &Map<String, Value>, path: &[&str]) -> Option<i64> {
    find(object, path).and_then(Value::as_i64)
}

/// Whether `path` holds true.
pub(super) fn is_true(object: &Map<String, Value>, path: &[&str]) -> bool {
    find(object, path).and_then(Value::as_bool).unwrap_or_default()
}

/// The items of the list at `path`.
pub(super) fn items<'a>(object: &'a Map<String, Value>, path: &[&str]) -> impl Iterator<Item = &'a Map<String, Value>> {
    let list = find(object, path).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_object)
}

/// `status.conditions`.
pub(super) fn conditions(object: &Map<String, Value>) -> impl Iterator<Item = Condition<'_>> {
    items(object, &["status", "conditions"]).map(|condition| Condition {
        kind: text(condition, &["type"]),
        status: text(condition, &["status"]),
        reason: text(condition, &["reason"]),
        message: text(condition, &["message"]),
    })
}
