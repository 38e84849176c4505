//! JSON as Go's library writes it: sorted keys, and some characters of HTML escaped.

use std::collections::BTreeMap;

use serde_json::Value;

/// In one line without blanks.
pub(crate) fn compact(value: &Value) -> String {
    let mut out = String::new();
    write(value, None, &mut out);
    out
}

/// In lines, two columns of indentation.
pub(crate) fn pretty(value: &Value) -> String {
    let mut out = String::new();
    write(value, Some(0), &mut out);
    out
}

fn write(value: &Value, indent: Option<usize>, out: &mut String) {
    match value {
        Value::Object(object) => {
            let sorted: BTreeMap<_, _> = object.iter().collect();
            list(('{', '}'), sorted.into_iter(), indent, out, |(key, value), inner, out| {
                string(key, out);
                out.push_str(if inner.is_some() { ": " } else { ":" });
                write(value, inner, out);
            });
        }
        Value::Array(items) => list(('[', ']'), items.iter(), indent, out, write),
        Value::String(text) => string(text, out),
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
    }
}

fn list<T>(
    (open, close): (char, char),
    items: impl ExactSizeIterator<Item = T>,
    indent: Option<usize>,
    out: &mut String,
    item: impl Fn(T, Option<usize>, &mut String),
) {
    let inner = indent.map(|indent| indent + 2);
    let line = |indent: Option<usize>, out: &mut String| {
        if let Some(indent) = indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
        }
    };
    let empty = items.len() == 0;
    out.push(open);
    for (at, one) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        line(inner, out);
        item(one, inner, out);
    }
    if !empty {
        line(indent, out);
    }
    out.push(close);
}

fn string(text: &str, out: &mut String) {
    let quoted = Value::String(text.to_owned()).to_string();
    for c in quoted.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_sorted_and_angles_escaped() {
        let value = json!({"b": [1, {}], "a": "<&>"});
        assert_eq!(compact(&value), r#"{"a":"\u003c\u0026\u003e","b":[1,{}]}"#);
        assert_eq!(pretty(&json!({"b": [1], "a": []})), "{\n  \"a\": [],\n  \"b\": [\n    1\n  ]\n}");
    }
}
