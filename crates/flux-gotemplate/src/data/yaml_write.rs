//! YAML as sigs.k8s.io/yaml writes it: by way of JSON.

use std::borrow::Cow;

use flux_yaml::{Node, Tag};

use super::json_write::write_float;
use super::{Form, MAX_DEPTH, MarshalError, form, sorted};
use crate::value::{Entries, Value};

/// The value as YAML with a line break at its end.
pub fn write_yaml(value: &Value) -> Result<String, MarshalError> {
    let node = node(value, 0)?;
    flux_yaml::print(&node).map_err(|fault| MarshalError::Value(fault.to_string()))
}

fn node(value: &Value, depth: usize) -> Result<Node, MarshalError> {
    if depth > MAX_DEPTH {
        return Err(MarshalError::Cycle(value.type_name().into_owned()));
    }
    stacker::maybe_grow(64 << 10, 1 << 20, || unchecked_node(value, depth))
}

fn unchecked_node(value: &Value, depth: usize) -> Result<Node, MarshalError> {
    Ok(match value {
        Value::Nil => Node::null(),
        Value::Bool(flag) => Node::scalar(if *flag { "true" } else { "false" }, Tag::Bool),
        Value::Int(number) | Value::Int64(number) | Value::Duration(number) => {
            Node::scalar(number.to_string(), Tag::Int)
        }
        Value::Int32(number) => Node::scalar(number.to_string(), Tag::Int),
        Value::Uint8(number) => Node::scalar(number.to_string(), Tag::Int),
        Value::Uint64(number) => Node::scalar(number.to_string(), Tag::Int),
        Value::Float(number) => float(*number)?,
        Value::Str(text) => Node::string(checked(&text.to_text())?),
        Value::Bytes(bytes) => Node::string(crate::funcs::sprig::encode_base64(bytes.as_bytes())),
        Value::List(list) if list.is_nil() => Node::null(),
        Value::List(list) => {
            Node::sequence(list.items().iter().map(|item| node(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        Value::Map(map) if map.is_nil() => Node::null(),
        Value::Map(map) => mapping(&map.entries(), depth)?,
        Value::Error(_) => Node::mapping(Vec::new()),
        Value::Complex(_) | Value::Func(_) => return Err(MarshalError::Type(value.type_name().into_owned())),
        Value::Object(object) => match form(&**object) {
            Form::Value(inner) => node(&inner, depth + 1)?,
            Form::Fields(fields) => mapping(&sorted(fields), depth)?,
        },
    })
}

fn mapping(entries: &Entries, depth: usize) -> Result<Node, MarshalError> {
    let entry = |(key, value): (&crate::GoStr, &Value)| Ok((key_node(key)?, node(value, depth + 1)?));
    Ok(Node::mapping(entries.iter().map(entry).collect::<Result<_, MarshalError>>()?))
}

/// A number as the one that reading its JSON gives: whole ones that fit are integers.
fn float(number: f64) -> Result<Node, MarshalError> {
    let mut json = Vec::new();
    write_float(&mut json, number)?;
    let text = String::from_utf8_lossy(&json).into_owned();
    if text == "-0" {
        return Ok(Node::scalar("0", Tag::Int));
    }
    if text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() {
        return Ok(Node::scalar(text, Tag::Int));
    }
    Ok(Node::scalar(flux_yaml::format_float(number), Tag::Float))
}

fn key_node(key: &crate::GoStr) -> Result<Node, MarshalError> {
    let text = key.to_text();
    if text.contains('\u{85}') {
        return Err(MarshalError::Value("yaml: could not find expected ':'".to_owned()));
    }
    Ok(Node::string(checked(&text)?))
}

/// What the library's reader makes of a text in JSON: control characters are refused, the line breaks among them folded.
fn checked(text: &str) -> Result<Cow<'_, str>, MarshalError> {
    if text.is_ascii() && !text.contains('\x7f') {
        return Ok(Cow::Borrowed(text));
    }
    if text.contains(|c| matches!(c, '\x7f'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')) {
        return Err(MarshalError::Value("yaml: control characters are not allowed".to_owned()));
    }
    let mut lines = text.split('\u{85}').peekable();
    let mut folded = lines.next().unwrap_or_default().to_owned();
    if lines.peek().is_none() {
        return Ok(Cow::Borrowed(text));
    }
    let mut breaks = 0;
    while let Some(line) = lines.next() {
        breaks += 1;
        folded.truncate(folded.trim_end_matches([' ', '\t']).len());
        let line = line.trim_start_matches([' ', '\t']);
        if !line.is_empty() || lines.peek().is_none() {
            folded.push_str(&if breaks == 1 { " ".to_owned() } else { "\n".repeat(breaks - 1) });
            folded.push_str(line);
            breaks = 0;
        }
    }
    Ok(Cow::Owned(folded))
}
