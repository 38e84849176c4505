//! YAML as sigs.k8s.io/yaml writes it: by way of JSON.

use std::borrow::Cow;

use flux_yaml::{Node, Tag};

use super::json_write::write_float;
use super::{Form, MAX_DEPTH, MarshalError, form, sorted};
use crate::value::{Entries, Value};

/// The value as YAML of about `limit` bytes at most, with a line break at its end.
pub fn write_yaml(value: &Value, limit: usize) -> Result<String, MarshalError> {
    let mut nodes = Nodes { left: limit, limit, deepest: 0 };
    let node = nodes.node(value, 0)?;
    // The printer goes down a level at a time on the stack it is given.
    let print = || flux_yaml::print(&node);
    let printed = if nodes.deepest > SHALLOW { stacker::grow(DEEP_STACK, print) } else { print() };
    printed.map_err(|fault| MarshalError::Value(fault.to_string()))
}

/// A depth that needs no stack of its own.
const SHALLOW: usize = 60;
/// The stack for printing the deepest values, in bytes.
const DEEP_STACK: usize = 16 << 20;

/// Makes nodes of values, as long as what they are written as is not too long.
struct Nodes {
    left: usize,
    limit: usize,
    deepest: usize,
}

impl Nodes {
    fn node(&mut self, value: &Value, depth: usize) -> Result<Node, MarshalError> {
        // The indentation counts too: it is most of what deep values are written as.
        let size = 2 * depth
            + match value {
                Value::Str(text) | Value::Bytes(text) => text.len(),
                _ => 2,
            };
        self.left = self.left.checked_sub(size).ok_or(MarshalError::TooLong(self.limit))?;
        self.deepest = self.deepest.max(depth);
        if depth > MAX_DEPTH {
            return Err(MarshalError::Cycle(value.type_name().into_owned()));
        }
        super::deeper(|| self.unchecked_node(value, depth))
    }

    fn unchecked_node(&mut self, value: &Value, depth: usize) -> Result<Node, MarshalError> {
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
                Node::sequence(list.items().iter().map(|item| self.node(item, depth + 1)).collect::<Result<_, _>>()?)
            }
            Value::Map(map) if map.is_nil() => Node::null(),
            Value::Map(map) => self.mapping(&map.entries(), depth)?,
            Value::Error(_) => Node::mapping(Vec::new()),
            Value::Complex(_) | Value::Func(_) => return Err(MarshalError::Type(value.type_name().into_owned())),
            Value::Object(object) => match form(&**object) {
                Form::Value(inner) => self.node(&inner, depth + 1)?,
                Form::Fields(fields) => self.mapping(&sorted(fields), depth)?,
            },
        })
    }

    fn mapping(&mut self, entries: &Entries, depth: usize) -> Result<Node, MarshalError> {
        let entry = |(key, value): (&crate::GoStr, &Value)| Ok((key_node(key)?, self.node(value, depth + 1)?));
        Ok(Node::mapping(entries.iter().map(entry).collect::<Result<_, MarshalError>>()?))
    }
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
