//! Helm's own functions for JSON, YAML and TOML.
//!
//! Those without `must` never fail: what cannot be written is an empty text, and a text that cannot be read is a map
//! with the fault at `Error`, or a list of the fault.

use std::fmt::Display;

use crate::data::{
    JsonStyle, Target, read_json, read_toml, read_yaml, write_json, write_toml, write_yaml, write_yaml_pretty,
};
use crate::error::FuncError;
use crate::function::{Functions, Plain, Signature};
use crate::value::{GoStr, Map, Type, Value};

const WRITE: Signature = Signature::fixed(&[Type::Any], Type::Str);
const READ_MAP: Signature = Signature::fixed(&[Type::Str], Type::MAP);
const READ_LIST: Signature = Signature::fixed(&[Type::Str], Type::LIST);

const TABLE: &[(&str, Signature, Plain)] = &[
    ("toYaml", WRITE, |_, args| Ok(yaml(args.get(0)).unwrap_or_default().into())),
    ("mustToYaml", WRITE, |_, args| match yaml(args.get(0)) {
        Ok(text) => Ok(text.into()),
        Err(fault) => Err(FuncError::new(format!("error marshaling into JSON: {fault}"))),
    }),
    ("toYamlPretty", WRITE, |_, args| {
        Ok(write_yaml_pretty(args.get(0)).map(without_line_break).unwrap_or_default().into())
    }),
    ("fromYaml", READ_MAP, |_, args| Ok(read_yaml(args.bytes(0), Target::Map).unwrap_or_else(|fault| map_of(&fault)))),
    ("fromYamlArray", READ_LIST, |_, args| {
        Ok(read_yaml(args.bytes(0), Target::List).unwrap_or_else(|fault| list_of(&fault)))
    }),
    ("toJson", WRITE, |_, args| Ok(json(args.get(0)).unwrap_or_default().into())),
    ("mustToJson", WRITE, |_, args| {
        json(args.get(0)).map(Into::into).map_err(|fault| FuncError::new(fault.to_string()))
    }),
    ("fromJson", READ_MAP, |_, args| Ok(read_json(args.bytes(0), Target::Map).unwrap_or_else(|fault| map_of(&fault)))),
    ("fromJsonArray", READ_LIST, |_, args| {
        Ok(read_json(args.bytes(0), Target::List).unwrap_or_else(|fault| list_of(&fault)))
    }),
    // The fault is the result.
    ("toToml", WRITE, |_, args| match write_toml(args.get(0)) {
        Ok(text) => Ok(Value::str(text)),
        Err(fault @ crate::data::MarshalTomlError::Nil) => Err(FuncError::new(fault.to_string())),
        Err(fault) => Ok(fault.to_string().into()),
    }),
    ("mustToToml", WRITE, |_, args| {
        write_toml(args.get(0)).map(Value::str).map_err(|fault| FuncError::new(fault.to_string()))
    }),
    ("fromToml", READ_MAP, |_, args| Ok(read_toml(args.bytes(0)).map_or_else(|fault| map_of(&fault), Value::Map))),
];

/// Adds the functions, over sprig's of the same names.
pub fn add_to(functions: &mut Functions) {
    functions.extend(TABLE);
}

fn yaml(value: &Value) -> Result<String, crate::data::MarshalError> {
    write_yaml(value).map(without_line_break)
}

fn without_line_break(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

fn json(value: &Value) -> Result<GoStr, crate::data::MarshalError> {
    write_json(value, JsonStyle::Escaped).map(Into::into)
}

/// A map that holds a fault.
fn map_of(fault: &dyn Display) -> Value {
    [(GoStr::from("Error"), fault.to_string().into())].into_iter().collect::<Map>().into()
}

/// A list that holds a fault.
fn list_of(fault: &dyn Display) -> Value {
    Value::list(vec![fault.to_string().into()])
}
