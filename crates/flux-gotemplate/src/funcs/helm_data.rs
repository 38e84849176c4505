//! Helm's own functions for JSON, YAML and TOML.
//!
//! Those without `must` never fail: what cannot be written is an empty text, and a text that cannot be read is a map
//! with the fault at `Error`, or a list of the fault.

use std::fmt::Display;

use crate::call::Call;
use crate::data::{
    JsonStyle, MarshalError, MarshalTomlError, Target, read_json, read_toml, read_yaml, write_json, write_toml,
    write_yaml, write_yaml_pretty,
};
use crate::error::FuncError;
use crate::funcs::sprig::too_long;
use crate::function::{Functions, Plain, Signature};
use crate::value::{GoStr, Map, Type, Value};

const WRITE: Signature = Signature::fixed(&[Type::Any], Type::Str);
const READ_MAP: Signature = Signature::fixed(&[Type::Str], Type::MAP);
const READ_LIST: Signature = Signature::fixed(&[Type::Str], Type::LIST);

const TABLE: &[(&str, Signature, Plain)] = &[
    ("toYaml", WRITE, |call, args| {
        let written = write_yaml(args.get(0), call.memory_left()).map(without_line_break);
        or_empty(call, written)
    }),
    ("mustToYaml", WRITE, |call, args| {
        let written = write_yaml(args.get(0), call.memory_left()).map(without_line_break);
        or_fault(call, written, "error marshaling into JSON: ")
    }),
    ("toYamlPretty", WRITE, |call, args| {
        let written = write_yaml_pretty(args.get(0), call.memory_left()).map(without_line_break);
        or_empty(call, written)
    }),
    ("fromYaml", READ_MAP, |_, args| Ok(read_yaml(args.bytes(0), Target::Map).unwrap_or_else(|fault| map_of(&fault)))),
    ("fromYamlArray", READ_LIST, |_, args| {
        Ok(read_yaml(args.bytes(0), Target::List).unwrap_or_else(|fault| list_of(&fault)))
    }),
    ("toJson", WRITE, |call, args| {
        let written = write_json(args.get(0), JsonStyle::Escaped, call.memory_left());
        or_empty(call, written)
    }),
    ("mustToJson", WRITE, |call, args| {
        let written = write_json(args.get(0), JsonStyle::Escaped, call.memory_left());
        or_fault(call, written, "")
    }),
    ("fromJson", READ_MAP, |_, args| Ok(read_json(args.bytes(0), Target::Map).unwrap_or_else(|fault| map_of(&fault)))),
    ("fromJsonArray", READ_LIST, |_, args| {
        Ok(read_json(args.bytes(0), Target::List).unwrap_or_else(|fault| list_of(&fault)))
    }),
    // The fault is the result, but for nothing at all, on which Go panics.
    ("toToml", WRITE, |call, args| match write_toml(args.get(0), call.memory_left()) {
        Ok(text) => Ok(text.into()),
        Err(MarshalTomlError::TooLong(limit)) => Err(too_long(call, limit)),
        Err(fault @ MarshalTomlError::Nil) => Err(FuncError::new(fault.to_string())),
        Err(fault) => Ok(fault.to_string().into()),
    }),
    ("mustToToml", WRITE, |call, args| match write_toml(args.get(0), call.memory_left()) {
        Ok(text) => Ok(text.into()),
        Err(MarshalTomlError::TooLong(limit)) => Err(too_long(call, limit)),
        Err(fault) => Err(FuncError::new(fault.to_string())),
    }),
    ("fromToml", READ_MAP, |_, args| Ok(read_toml(args.bytes(0)).map_or_else(|fault| map_of(&fault), Value::Map))),
];

/// Adds the functions, over sprig's of the same names.
pub fn add_to(functions: &mut Functions) {
    functions.extend(TABLE);
}

/// The text; what cannot be written is an empty one.
fn or_empty(call: &mut Call<'_, '_>, written: Result<impl Into<GoStr>, MarshalError>) -> Result<Value, FuncError> {
    match written {
        Ok(text) => Ok(Value::Str(text.into())),
        Err(MarshalError::TooLong(limit)) => Err(too_long(call, limit)),
        Err(_) => Ok("".into()),
    }
}

/// The text, or the fault behind `start`.
fn or_fault(
    call: &mut Call<'_, '_>,
    written: Result<impl Into<GoStr>, MarshalError>,
    start: &str,
) -> Result<Value, FuncError> {
    match written {
        Ok(text) => Ok(Value::Str(text.into())),
        Err(MarshalError::TooLong(limit)) => Err(too_long(call, limit)),
        Err(fault) => Err(FuncError::new(format!("{start}{fault}"))),
    }
}

fn without_line_break(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

/// A map that holds a fault.
fn map_of(fault: &dyn Display) -> Value {
    [(GoStr::from("Error"), fault.to_string().into())].into_iter().collect::<Map>().into()
}

/// A list that holds a fault.
fn list_of(fault: &dyn Display) -> Value {
    Value::list(vec![fault.to_string().into()])
}
