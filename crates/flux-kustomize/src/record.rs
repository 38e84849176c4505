//! Reading and writing the fields of a kustomization file as Go's JSON library does: names in any case, null for
//! nothing, and no conversions between types unless the reader is lenient.

use std::collections::BTreeMap;

use flux_yaml::{Node, Scalar, format_float};
use serde_json::{Map, Value};

/// How unknown fields and wrong types are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As errors. This is how kustomize reads.
    Strict,
    /// Unknown fields are dropped, numbers and booleans become strings where strings belong. This is how Flux reads
    /// before it rewrites a file.
    Lenient,
}

/// What is wrong in a file.
#[derive(Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) line: u32,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(node: &Node, message: impl Into<String>) -> Self {
        Self { line: node.line, message: message.into() }
    }

    /// The problem as that of a kustomization file.
    pub(crate) fn in_file(self, path: &camino::Utf8Path) -> crate::Error {
        crate::Error::Kustomization { path: path.to_owned(), line: self.line, message: self.message }
    }

    /// The problem of a value, with the name of the field that holds it.
    pub(crate) fn within(self, field: &str) -> Self {
        Self { line: self.line, message: format!("{field}: {}", self.message) }
    }

    fn mismatch(node: &Node, expected: &str) -> Self {
        let found = match node.value_yaml11() {
            _ if node.is_mapping() => "object",
            _ if node.is_sequence() => "array",
            Ok(Scalar::String(_)) => "string",
            Ok(Scalar::Bool(_)) => "bool",
            _ => "number",
        };
        Self::new(node, format!("json: cannot unmarshal {found} into a field of type {expected}"))
    }
}

/// A value that a field may have.
pub(crate) trait Field: Default {
    fn read(node: &Node, mode: Mode) -> Result<Self, Problem>;
    fn write(&self) -> Value;
    /// Whether the field is left out when written.
    fn is_absent(&self) -> bool;
}

fn is_null(node: &Node) -> bool {
    node.is_scalar() && matches!(node.value_yaml11(), Ok(Scalar::Null))
}

impl Field for String {
    fn read(node: &Node, mode: Mode) -> Result<Self, Problem> {
        if !node.is_scalar() {
            return Err(Problem::mismatch(node, "string"));
        }
        let value = node.value_yaml11().map_err(|err| Problem::new(node, err.to_string()))?;
        match (value, mode) {
            (Scalar::String(text), _) => Ok(text.into_owned()),
            (Scalar::Null, _) => Ok(String::new()),
            (Scalar::Bool(value), Mode::Lenient) => Ok(value.to_string()),
            (Scalar::Int(value), Mode::Lenient) => Ok(value.to_string()),
            (Scalar::Uint(value), Mode::Lenient) => Ok(value.to_string()),
            (Scalar::Float(value), Mode::Lenient) => Ok(format_float(value)),
            (_, Mode::Strict) => Err(Problem::mismatch(node, "string")),
        }
    }

    fn write(&self) -> Value {
        Value::String(self.clone())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Field for bool {
    fn read(node: &Node, _mode: Mode) -> Result<Self, Problem> {
        match node.value_yaml11() {
            Ok(Scalar::Bool(value)) => Ok(value),
            Ok(Scalar::Null) if node.is_scalar() => Ok(false),
            _ => Err(Problem::mismatch(node, "bool")),
        }
    }

    fn write(&self) -> Value {
        Value::Bool(*self)
    }

    fn is_absent(&self) -> bool {
        !*self
    }
}

impl Field for i64 {
    fn read(node: &Node, _mode: Mode) -> Result<Self, Problem> {
        match node.value_yaml11() {
            Ok(Scalar::Int(value)) => Ok(value),
            Ok(Scalar::Float(value)) if value.fract() == 0.0 && value.abs() < 9e15 => format_float(value)
                .parse()
                .or_else(|_| format!("{value:.0}").parse())
                .map_err(|_| Problem::mismatch(node, "int64")),
            Ok(Scalar::Null) if node.is_scalar() => Ok(0),
            _ => Err(Problem::mismatch(node, "int64")),
        }
    }

    fn write(&self) -> Value {
        Value::from(*self)
    }

    fn is_absent(&self) -> bool {
        *self == 0
    }
}

impl<T: Field> Field for Option<T> {
    fn read(node: &Node, mode: Mode) -> Result<Self, Problem> {
        if is_null(node) { Ok(None) } else { T::read(node, mode).map(Some) }
    }

    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, Field::write)
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Field> Field for Vec<T> {
    fn read(node: &Node, mode: Mode) -> Result<Self, Problem> {
        if is_null(node) {
            return Ok(Self::new());
        }
        let items = node.items().ok_or_else(|| Problem::mismatch(node, "array"))?;
        items.iter().map(|item| if is_null(item) { Ok(T::default()) } else { T::read(item, mode) }).collect()
    }

    fn write(&self) -> Value {
        Value::Array(self.iter().map(Field::write).collect())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Field for BTreeMap<String, String> {
    fn read(node: &Node, mode: Mode) -> Result<Self, Problem> {
        if is_null(node) {
            return Ok(Self::new());
        }
        let entries = node.entries().ok_or_else(|| Problem::mismatch(node, "map"))?;
        entries
            .iter()
            // Keys are strings in JSON, whatever they were.
            .map(|(key, value)| Ok((String::read(key, Mode::Lenient)?, String::read(value, mode)?)))
            .collect()
    }

    fn write(&self) -> Value {
        Value::Object(self.iter().map(|(key, value)| (key.clone(), Value::String(value.clone()))).collect())
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

/// Fields that are only passed on.
impl Field for Value {
    fn read(node: &Node, _mode: Mode) -> Result<Self, Problem> {
        flux_yaml::yaml11_to_json(node).map_err(|err| Problem::new(node, err.to_string()))
    }

    fn write(&self) -> Value {
        self.clone()
    }

    fn is_absent(&self) -> bool {
        self.is_null()
    }
}

/// Adds a field to what is written.
pub(crate) fn put(object: &mut Map<String, Value>, name: &str, value: &impl Field, always: bool) {
    if always || !value.is_absent() {
        object.insert(name.to_owned(), value.write());
    }
}

/// Reads each entry of a mapping by `field`, which says whether it knows the name.
pub(crate) fn read_entries(
    node: &Node,
    mode: Mode,
    mut field: impl FnMut(&str, &Node) -> Result<bool, Problem>,
) -> Result<(), Problem> {
    if is_null(node) {
        return Ok(());
    }
    let entries = node.entries().ok_or_else(|| Problem::mismatch(node, "object"))?;
    for (key, value) in entries {
        let name = String::read(key, Mode::Lenient)?;
        if is_null(value) && mode == Mode::Lenient {
            continue;
        }
        if !field(&name, value)? && mode == Mode::Strict {
            return Err(Problem::new(key, format!("json: unknown field \"{name}\"")));
        }
    }
    Ok(())
}

/// Structs whose fields are read and written by name. A name followed by `!` is written even when empty.
macro_rules! record {
    ($(#[doc = $doc:literal] struct $record:ident { $($field:ident: $type:ty = $name:literal $(! $always:literal)?,)* })*) => {$(
        #[doc = $doc]
        #[derive(Clone, Debug, Default, PartialEq)]
        pub(crate) struct $record {
            $(pub(crate) $field: $type,)*
        }

        impl $crate::record::Field for $record {
            fn read(node: &flux_yaml::Node, mode: $crate::record::Mode) -> Result<Self, $crate::record::Problem> {
                let mut record = Self::default();
                $crate::record::read_entries(node, mode, |name, value| {
                    $(if name.eq_ignore_ascii_case($name) {
                        record.$field = $crate::record::Field::read(value, mode).map_err(|problem| problem.within($name))?;
                        return Ok(true);
                    })*
                    Ok(false)
                })?;
                Ok(record)
            }

            fn write(&self) -> serde_json::Value {
                let mut object = serde_json::Map::new();
                $($crate::record::put(&mut object, $name, &self.$field, false $(|| $always)?);)*
                serde_json::Value::Object(object)
            }

            fn is_absent(&self) -> bool {
                false
            }
        }
    )*};
}

pub(crate) use record;
