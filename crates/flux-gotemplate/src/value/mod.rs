//! The values that templates work on: Go's kinds as charts meet them.
//!
//! Maps are shared by reference, as in Go: [`Map`] clones see each other's changes. Lists never change, their maps
//! may. A [`Value`] is small and cheap to clone.

mod list;
mod map;
mod object;
mod release;
mod scope;
mod string;
mod types;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pub use list::List;
pub use map::{Entries, Map, MapType};
pub use object::{Object, Shape, downcast};
pub use scope::Scope;
pub use string::{GoStr, REPLACEMENT, Runes, decode_rune, runes, to_text};
pub use types::{Kind, Type};

use crate::function::Function;

/// A Go value.
///
/// The layout keeps all payloads at one place: it is copied a lot.
#[derive(Clone, Default)]
#[repr(C, u8)]
pub enum Value {
    /// nil without a type.
    #[default]
    Nil,
    /// `bool`.
    Bool(bool),
    /// `int`.
    Int(i64),
    /// `int32`.
    Int32(i32),
    /// `int64`.
    Int64(i64),
    /// `uint8`.
    Uint8(u8),
    /// `uint64`.
    Uint64(u64),
    /// `float64`.
    Float(f64),
    /// `complex128`: real and imaginary part.
    Complex(Arc<(f64, f64)>),
    /// `string`.
    Str(GoStr),
    /// `[]uint8`.
    Bytes(GoStr),
    /// Any other slice.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// `time.Duration`, in nanoseconds.
    Duration(i64),
    /// An `error`, by its text.
    Error(GoStr),
    /// A function or a bound method.
    Func(Arc<Function>),
    /// A value of the host's own.
    Object(Arc<dyn Object>),
}

impl Value {
    /// A string.
    pub fn str(text: impl Into<GoStr>) -> Self {
        Self::Str(text.into())
    }

    /// A `[]interface {}`.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List::new(items))
    }

    /// A `map[string]interface {}`.
    pub fn map(entries: impl IntoIterator<Item = (GoStr, Self)>) -> Self {
        Self::Map(entries.into_iter().collect())
    }

    /// A host object.
    pub fn object(object: impl Object) -> Self {
        Self::Object(Arc::new(object))
    }

    /// The Go type's name, as `%T` prints it; `<nil>` for nil.
    pub fn type_name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Int32(_) => "int32",
            Self::Int64(_) => "int64",
            Self::Uint8(_) => "uint8",
            Self::Uint64(_) => "uint64",
            Self::Float(_) => "float64",
            Self::Complex(_) => "complex128",
            Self::Str(_) => "string",
            Self::Bytes(_) => "[]uint8",
            Self::Duration(_) => "time.Duration",
            Self::Error(_) => "*errors.errorString",
            Self::List(list) => return Cow::Owned(format!("[]{}", list.elem())),
            Self::Map(map) => match map.map_type().name {
                Some(name) => name,
                None => return Cow::Owned(format!("map[string]{}", map.map_type().elem)),
            },
            Self::Func(function) => return Cow::Owned(function.signature.to_string()),
            Self::Object(object) => object.type_name(),
        })
    }

    /// Go's kind of the value.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Nil => Kind::Invalid,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Int32(_) => Kind::Int32,
            Self::Int64(_) | Self::Duration(_) => Kind::Int64,
            Self::Uint8(_) => Kind::Uint8,
            Self::Uint64(_) => Kind::Uint64,
            Self::Float(_) => Kind::Float64,
            Self::Complex(_) => Kind::Complex128,
            Self::Str(_) => Kind::Str,
            Self::Bytes(_) | Self::List(_) => Kind::Slice,
            Self::Map(_) => Kind::Map,
            Self::Func(_) => Kind::Func,
            Self::Error(_) => Kind::Pointer,
            Self::Object(object) if object.is_pointer() => Kind::Pointer,
            Self::Object(object) => match object.shape() {
                Shape::Struct(_) => Kind::Struct,
                Shape::Value(value) => value.kind(),
            },
        }
    }

    /// Whether `if` takes the value for true: not the zero value of its type, not empty.
    pub fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) | Self::Int64(value) | Self::Duration(value) => *value != 0,
            Self::Int32(value) => *value != 0,
            Self::Uint8(value) => *value != 0,
            Self::Uint64(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Complex(value) => value.0 != 0.0 || value.1 != 0.0,
            Self::Str(text) | Self::Bytes(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Error(_) | Self::Func(_) => true,
            Self::Object(object) => match object.shape() {
                _ if object.is_pointer() => true,
                Shape::Struct(_) => true,
                Shape::Value(value) => value.truth(),
            },
        }
    }

    /// The value of a signed integer of any width.
    pub fn as_signed(&self) -> Option<i64> {
        match self {
            Self::Int(value) | Self::Int64(value) | Self::Duration(value) => Some(*value),
            Self::Int32(value) => Some(i64::from(*value)),
            Self::Object(object) if !object.is_pointer() => match object.shape() {
                Shape::Value(value) => value.as_signed(),
                Shape::Struct(_) => None,
            },
            Self::Nil
            | Self::Bool(_)
            | Self::Uint8(_)
            | Self::Uint64(_)
            | Self::Float(_)
            | Self::Complex(_)
            | Self::Str(_)
            | Self::Bytes(_)
            | Self::List(_)
            | Self::Map(_)
            | Self::Error(_)
            | Self::Func(_)
            | Self::Object(_) => None,
        }
    }

    /// The value of an unsigned integer of any width.
    pub fn as_unsigned(&self) -> Option<u64> {
        if let Self::Uint8(value) = self {
            return Some(u64::from(*value));
        }
        if let Self::Uint64(value) = self { Some(*value) } else { None }
    }

    /// The list, when it is one that is not bytes.
    pub fn as_list(&self) -> Option<&List> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    /// The map, when it is one.
    pub fn as_map(&self) -> Option<&Map> {
        if let Self::Map(map) = self { Some(map) } else { None }
    }

    /// The string, when it is one.
    pub fn as_string(&self) -> Option<&GoStr> {
        if let Self::Str(text) = self { Some(text) } else { None }
    }

    /// Whether it is nil, or the nil of a map or slice type.
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil) || self.as_list().is_some_and(List::is_nil) || self.as_map().is_some_and(Map::is_nil)
    }

    /// The plain value under a named host type, else the value itself.
    pub fn underlying(&self) -> Cow<'_, Self> {
        if let Self::Object(object) = self
            && let Shape::Value(value) = object.shape()
        {
            return Cow::Owned(value);
        }
        Cow::Borrowed(self)
    }

    pub(crate) fn is_container(&self) -> bool {
        matches!(self, Self::List(_) | Self::Map(_))
    }
}

impl fmt::Debug for Value {
    /// The type only: values may be secret, and may contain themselves.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({})", self.type_name())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<Vec<u8>> for Value {
    /// A string of these bytes.
    fn from(text: Vec<u8>) -> Self {
        Self::Str(text.into())
    }
}

impl From<&[u8]> for Value {
    /// A string of these bytes.
    fn from(text: &[u8]) -> Self {
        Self::Str(text.into())
    }
}

impl From<GoStr> for Value {
    fn from(text: GoStr) -> Self {
        Self::Str(text)
    }
}

impl From<List> for Value {
    fn from(list: List) -> Self {
        Self::List(list)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}
