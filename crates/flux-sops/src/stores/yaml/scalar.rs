//! What scalars mean, and what the first document may not have.

use std::collections::HashMap;

use base64::Engine as _;
use flux_yaml::{Resolved, yaml3};

use super::parse::{Content, Node};
use super::scan::Style;
use crate::Value;

/// The value of a scalar. What its tag does not fit is an error.
pub(super) fn value(text: &str, style: Style, tag: Option<&str>) -> Result<Value, String> {
    let misfit = |tag: &str| Err(format!("cannot decode a scalar as a {tag}"));
    match tag {
        None | Some("!") if style != Style::Plain => Ok(Value::text(text)),
        None | Some("!") => Ok(known(text)),
        Some("!!binary") => {
            let compact: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
            let bytes = base64::engine::general_purpose::STANDARD.decode(compact);
            bytes.map(Value::Text).map_err(|_| "!!binary value contains invalid base64 data".to_owned())
        }
        Some(tag @ ("!!bool" | "!!int" | "!!float" | "!!null" | "!!timestamp")) => match (tag, known(text)) {
            ("!!bool", value @ Value::Bool(_))
            | ("!!int", value @ (Value::Int(_) | Value::Uint(_)))
            | ("!!float", value @ Value::Float(_))
            | ("!!null", value @ Value::Null)
            | ("!!timestamp", value @ Value::Time(_)) => Ok(value),
            #[expect(clippy::cast_precision_loss, reason = "a number with this tag is meant to be a float")]
            ("!!float", Value::Int(number)) => Ok(Value::Float(number as f64)),
            _ => misfit(tag),
        },
        // Strings, and what an application's own tag stands before.
        Some(_) => Ok(Value::text(text)),
    }
}

fn known(text: &str) -> Value {
    match yaml3(text) {
        Resolved::Null => Value::Null,
        Resolved::Bool(truth) => Value::Bool(truth),
        Resolved::Int(number) => Value::Int(number),
        Resolved::Uint(number) => Value::Uint(number),
        Resolved::Float(number) => Value::Float(number),
        Resolved::Timestamp(time) => Value::Time(time),
        Resolved::Merge | Resolved::Str => Value::text(text),
    }
}

/// SOPS decodes the first document once to find keys that repeat; other faults come out on the way.
pub(super) fn check(node: &Node) -> Result<(), String> {
    let cannot = |tag: &str| {
        let line = node.line;
        Err(format!("yaml: unmarshal errors:\n  line {line}: cannot unmarshal {tag} into map[string]interface {{}}"))
    };
    match &node.content {
        Content::Sequence(_) => cannot("!!seq"),
        Content::Scalar { text, style, tag } => match value(text, *style, tag.as_deref()) {
            Ok(Value::Null) => Ok(()),
            _ => cannot("a scalar"),
        },
        Content::Mapping(_) | Content::Alias(_) => {
            let mut errors = Vec::new();
            below(node, &mut errors)?;
            if errors.is_empty() { Ok(()) } else { Err(format!("yaml: unmarshal errors:\n  {}", errors.join("\n  "))) }
        }
    }
}

/// How many faults are told.
const MOST: usize = 10;

fn below(node: &Node, errors: &mut Vec<String>) -> Result<(), String> {
    match &node.content {
        Content::Scalar { text, style, tag } => {
            value(text, *style, tag.as_deref()).map_err(|message| format!("yaml: {message} (line {})", node.line))?;
        }
        Content::Sequence(items) => {
            for item in items {
                below(item, errors)?;
            }
        }
        Content::Mapping(entries) => {
            let mut seen = HashMap::new();
            for (key, value) in entries {
                if let Content::Scalar { text, style, tag } = &key.content {
                    if let Some(line) = seen.insert(text.as_str(), key.line)
                        && errors.len() < MOST
                    {
                        errors.push(format!("line {}: mapping key {text:?} already defined at line {line}", key.line));
                    }
                    if text == "<<" && *style == Style::Plain && tag.is_none() && !merges(value) {
                        return Err("yaml: map merge requires map or sequence of maps as the value".to_owned());
                    }
                }
                below(value, errors)?;
            }
        }
        // The node that an alias means has been looked at where it stands.
        Content::Alias(_) => {}
    }
    Ok(())
}

fn merges(value: &Node) -> bool {
    let is_mapping = |node: &Node| match &node.content {
        Content::Mapping(_) => true,
        Content::Alias(target) => matches!(target.content, Content::Mapping(_)),
        Content::Scalar { .. } | Content::Sequence(_) => false,
    };
    match &value.content {
        Content::Sequence(items) => items.iter().all(is_mapping),
        _ => is_mapping(value),
    }
}
