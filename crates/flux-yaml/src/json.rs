//! Between nodes and JSON.

use serde_json::{Map, Number, Value};

use crate::{Content, Error, Node, Scalar, Tag};

/// The node as JSON, scalars read as yaml.v3 reads them.
///
/// Repeated keys and keys that are no strings are errors, as they are when kustomize prints an object. The keys of the
/// outermost mapping may be anything.
pub fn to_json(node: &Node) -> Result<Value, Error> {
    convert(node, true)
}

fn convert(node: &Node, outermost: bool) -> Result<Value, Error> {
    Ok(match &node.content {
        Content::Scalar(_) => scalar(node.value()?),
        Content::Sequence(items) => {
            Value::Array(items.iter().map(|item| convert(item, false)).collect::<Result<_, _>>()?)
        }
        Content::Mapping(entries) => {
            let mut object = Map::with_capacity(entries.len());
            for (key, value) in entries {
                let name = key_text(key, outermost)?;
                if object.insert(name.to_owned(), convert(value, false)?).is_some() {
                    return Err(Error::DuplicateKey { line: key.line, key: name.to_owned() });
                }
            }
            Value::Object(object)
        }
    })
}

/// The text of a key that JSON can say.
pub(crate) fn key_text(key: &Node, outermost: bool) -> Result<&str, Error> {
    let not_string = || Error::KeyNotString { line: key.line, key: key.text().unwrap_or("{}").to_owned() };
    let text = key.text().ok_or_else(not_string)?;
    let is_string = outermost
        || match key.tag {
            Tag::Str | Tag::Merge | Tag::Custom => true,
            _ => matches!(key.value()?, Scalar::String(_)) && key.tag != Tag::Timestamp,
        };
    if is_string { Ok(text) } else { Err(not_string()) }
}

/// The node as JSON, scalars and keys read as sigs.k8s.io/yaml reads them: the last of repeated keys wins.
pub fn yaml11_to_json(node: &Node) -> Result<Value, Error> {
    Ok(match &node.content {
        Content::Scalar(_) => scalar(node.value_yaml11()?),
        Content::Sequence(items) => Value::Array(items.iter().map(yaml11_to_json).collect::<Result<_, _>>()?),
        Content::Mapping(entries) => {
            let mut object = Map::with_capacity(entries.len());
            for (key, value) in entries {
                let name = match key.value_yaml11()? {
                    Scalar::String(text) => text.into_owned(),
                    Scalar::Bool(value) => value.to_string(),
                    Scalar::Int(value) => value.to_string(),
                    Scalar::Uint(value) => value.to_string(),
                    Scalar::Float(value) => crate::format_float(value),
                    Scalar::Null => {
                        return Err(Error::KeyNotString { line: key.line, key: key.text().unwrap_or("{}").to_owned() });
                    }
                };
                object.insert(name, yaml11_to_json(value)?);
            }
            Value::Object(object)
        }
    })
}

fn scalar(value: Scalar<'_>) -> Value {
    match value {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Int(value) => Value::from(value),
        Scalar::Uint(value) => Value::from(value),
        Scalar::Float(value) => number(value),
        Scalar::String(text) => Value::String(text.into_owned()),
    }
}

/// A float as the number that reading Go's JSON gives: whole ones are integers.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e21 {
        let text = format!("{value:.0}");
        if let Ok(whole) = text.parse::<i64>() {
            return Value::from(whole);
        }
        if let Ok(whole) = text.parse::<u64>() {
            return Value::from(whole);
        }
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// JSON as nodes, in the order that the value has.
pub fn from_json(value: &Value) -> Node {
    match value {
        Value::Null => Node::null(),
        Value::Bool(value) => Node::scalar(value.to_string(), Tag::Bool),
        Value::Number(value) => match value.as_f64() {
            Some(float) if !value.is_i64() && !value.is_u64() => Node::scalar(crate::format_float(float), Tag::Float),
            _ => Node::scalar(value.to_string(), Tag::Int),
        },
        Value::String(text) => Node::string(text.as_str()),
        Value::Array(items) => Node::sequence(items.iter().map(from_json).collect()),
        Value::Object(object) => {
            let entry = |(key, value): (&String, &Value)| (Node::string(key.as_str()), from_json(value));
            Node::mapping(object.iter().map(entry).collect())
        }
    }
}
