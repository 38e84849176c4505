//! Values as JSON, YAML and TOML, and back, with the rules and texts of the Go libraries that Helm uses.

mod json_read;
mod json_write;
mod toml_read;
mod toml_write;
mod yaml_faults;
mod yaml_pretty;
mod yaml_read;
mod yaml_source;
mod yaml_write;

use crate::value::{Entries, GoStr, List, Map, Object, Shape, Type, Value};

pub use json_read::{JsonError, read_json, read_json_first};
pub use json_write::{JsonStyle, MarshalError, write_json};
pub use toml_read::{TomlError, read_toml};
pub use toml_write::{MarshalTomlError, write_toml};
pub use yaml_pretty::write_yaml_pretty;
pub use yaml_read::{YamlError, read_yaml, read_yaml_entries};
pub use yaml_write::write_yaml;

/// How deep values may be nested that are written.
const MAX_DEPTH: usize = 1000;

/// Runs one level of a recursion, with more stack where little is left.
pub(crate) fn deeper<T>(level: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(128 << 10, 2 << 20, level)
}

/// What a document must be to be read into a map or a list of anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Any value.
    Any,
    /// A map with string keys.
    Map,
    /// A list.
    List,
}

impl Target {
    /// What an empty document is read into.
    fn empty(self) -> Value {
        match self {
            Self::Any => Value::Nil,
            Self::Map => Map::new().into(),
            Self::List => Value::list(Vec::new()),
        }
    }

    /// The value as the target wants it, null as the target's own nil; the error names what is there instead.
    fn check(self, value: Value) -> Result<Value, JsonError> {
        let go_type = match (self, &value) {
            (Self::Any, _) | (Self::Map, Value::Map(_)) | (Self::List, Value::List(_)) => return Ok(value),
            (Self::Map, Value::Nil) => return Ok(Map::nil_plain().into()),
            (Self::List, Value::Nil) => return Ok(List::nil(&Type::Any).into()),
            (Self::Map, _) => "map[string]interface {}",
            (Self::List, _) => "[]interface {}",
        };
        let kind = match value {
            Value::Bool(_) => "bool",
            Value::Float(_) => "number",
            Value::Str(_) => "string",
            Value::List(_) => "array",
            _ => "object",
        };
        Err(JsonError::Mismatch { kind, go_type })
    }
}

/// What a host object is written as.
enum Form {
    Value(Value),
    Fields(Vec<(GoStr, Value)>),
}

/// The form that an object says itself, or that its fields have.
fn form(object: &dyn Object) -> Form {
    if let Some(value) = object.serialized() {
        return Form::Value(value);
    }
    match object.shape() {
        Shape::Value(value) => Form::Value(value),
        Shape::Struct(fields) => {
            Form::Fields(fields.into_iter().map(|(name, value)| (GoStr::from(name), value)).collect())
        }
    }
}

/// A map of the entries, for objects where the order does not show.
fn sorted(fields: Vec<(GoStr, Value)>) -> Entries {
    fields.into_iter().collect()
}
