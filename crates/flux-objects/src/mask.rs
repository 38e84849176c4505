//! Secrets' data never leaves this program in a text.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::Manifest;

/// What stands for a value that is not shown.
pub const MASK: &str = "*****";
/// In a difference: the value that was there.
const MASK_BEFORE: &str = "***** (before)";
/// In a difference: the value that would be there.
const MASK_AFTER: &str = "***** (after)";
/// Values shorter than this are common words and numbers; they are masked only where an API server quotes a value.
const SHORTEST: usize = 4;
/// Texts by which API servers introduce a value that they quote.
const QUOTING: [&str; 4] = ["Invalid value: ", "Duplicate value: ", "Unsupported value: ", "Value:"];

/// `text`, which is about `manifest`, without the values of a Secret's data: neither as they are stored nor decoded.
/// Texts about other objects are returned as they are.
pub fn mask_text<'a>(text: &'a str, manifest: &Manifest) -> Cow<'a, str> {
    if !manifest.is_secret() {
        return Cow::Borrowed(text);
    }
    let mut values = Vec::new();
    for field in ["data", "stringData"] {
        if let Some(value) = manifest.as_map().get(field) {
            collect(value, &mut values);
        }
    }
    // The longest first, so that no part of one is left by masking another inside it.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    values.dedup();
    let mut masked = text.to_owned();
    for value in &values {
        masked = masked.replace(value.as_str(), MASK);
    }
    Cow::Owned(mask_quoted(&masked))
}

/// Masks the data of two states of a Secret so that a difference of them shows which keys changed and no value.
/// Other objects stay as they are.
pub fn mask_differences(before: &mut Manifest, after: &mut Manifest) {
    if !before.is_secret() && !after.is_secret() {
        return;
    }
    for field in ["data", "stringData"] {
        let old = before.as_map().get(field).and_then(Value::as_object).cloned().unwrap_or_default();
        let new = after.as_map().get(field).and_then(Value::as_object).cloned().unwrap_or_default();
        mask_field(before, field, |key| if changed(&old, &new, key) { MASK_BEFORE } else { MASK });
        mask_field(after, field, |key| if changed(&old, &new, key) { MASK_AFTER } else { MASK });
    }
}

fn changed(old: &Map<String, Value>, new: &Map<String, Value>, key: &str) -> bool {
    matches!((old.get(key), new.get(key)), (Some(old), Some(new)) if old != new)
}

fn mask_field(manifest: &mut Manifest, field: &str, mask: impl Fn(&str) -> &'static str) {
    match manifest.as_map_mut().get_mut(field) {
        Some(Value::Object(map)) => {
            for (key, value) in map.iter_mut() {
                *value = Value::from(mask(key));
            }
        }
        Some(value) => *value = Value::from(MASK),
        None => {}
    }
}

fn collect(value: &Value, values: &mut Vec<String>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => push(number.to_string(), values),
        Value::String(text) => {
            if let Some(decoded) = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
                push(decoded, values);
            }
            push(text.clone(), values);
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, values)),
        Value::Object(map) => map.values().for_each(|value| collect(value, values)),
    }
}

fn push(value: String, values: &mut Vec<String>) {
    let trimmed = value.trim();
    if trimmed.len() >= SHORTEST && trimmed.len() < value.len() {
        values.push(trimmed.to_owned());
    }
    // API servers print values quoted the way Go and JSON quote them.
    let quoted = Value::from(value.as_str()).to_string();
    let escaped = quoted.trim_matches('"');
    if escaped.len() >= SHORTEST && escaped != value {
        values.push(escaped.to_owned());
    }
    if value.len() >= SHORTEST {
        values.push(value);
    }
}

/// Masks what follows an introduction of a value: a quoted text, or everything up to the next blank or colon.
fn mask_quoted(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((start, introduction)) =
        QUOTING.iter().filter_map(|quoting| rest.find(quoting).map(|start| (start, *quoting))).min()
    {
        let (head, tail) = rest.split_at(start + introduction.len());
        masked.push_str(head);
        masked.push_str(MASK);
        rest = tail.get(value_length(tail)..).unwrap_or_default();
    }
    masked.push_str(rest);
    masked
}

fn value_length(text: &str) -> usize {
    if !text.starts_with('"') {
        return text.find([' ', ':', ',', '}', '\n']).unwrap_or(text.len());
    }
    let mut escaped = false;
    for (position, character) in text.char_indices().skip(1) {
        match character {
            '"' if !escaped => return position + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secret(data: Value) -> Manifest {
        let mut value = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}});
        value["data"] = data;
        Manifest::new(value).unwrap()
    }

    fn check(data: Value, text: &str, expected: &str) {
        assert_eq!(mask_text(text, &secret(data)), expected);
    }

    #[test]
    fn values_are_masked_as_stored_and_decoded() {
        check(json!({"a": "aHVudGVyMjI="}), "got aHVudGVyMjI= for hunter22", "got ***** for *****");
        check(json!({"a": "line\none"}), r#"got "line\none""#, r#"got "*****""#);
        check(
            json!({"a": 12345}),
            "expected string, got &value{Value:12345}",
            "expected string, got &value{Value:*****}",
        );
        check(json!({"a": {"b": ["deep-value"]}}), "got deep-value", "got *****");
    }

    #[test]
    fn values_that_an_api_server_quotes_are_masked_however_short() {
        check(
            json!({"a": "x"}),
            r#"data[a]: Invalid value: "x\"y": must be good, b: Duplicate value: 3: again"#,
            "data[a]: Invalid value: *****: must be good, b: Duplicate value: *****: again",
        );
    }

    #[test]
    fn texts_about_other_objects_are_not_touched() {
        let object = Manifest::new(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "value"}}),
        );
        assert_eq!(mask_text(r#"Invalid value: "value""#, &object.unwrap()), r#"Invalid value: "value""#);
    }

    #[test]
    fn a_difference_shows_which_keys_changed_and_no_value() {
        let mut before = secret(json!({"same": "MQ==", "changed": "Mg==", "removed": "Mw=="}));
        let mut after = secret(json!({"same": "MQ==", "changed": "NA==", "added": "NQ=="}));
        mask_differences(&mut before, &mut after);
        assert_eq!(before.as_map()["data"], json!({"same": MASK, "changed": MASK_BEFORE, "removed": MASK}));
        assert_eq!(after.as_map()["data"], json!({"same": MASK, "changed": MASK_AFTER, "added": MASK}));
    }
}
