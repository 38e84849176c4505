//! Go's types, as far as templates can tell them apart.

use std::fmt;

/// A Go type: what a parameter expects, what a list holds, what `%T` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`: any value.
    Any,
    /// `reflect.Value`: any value, nil and its static type included. Only builtin functions take it.
    Reflect,
    /// `bool`.
    Bool,
    /// `int`, 64 bits.
    Int,
    /// `int32`, also `rune`.
    Int32,
    /// `int64`.
    Int64,
    /// `uint8`, also `byte`.
    Uint8,
    /// `uint64`.
    Uint64,
    /// `float64`.
    Float64,
    /// `complex128`.
    Complex128,
    /// `string`.
    Str,
    /// A slice of the type; `[]uint8` is that of bytes.
    List(&'static Type),
    /// A map from strings to the type.
    Map(&'static Type),
    /// A named map from strings to any value.
    NamedMap(&'static str),
    /// `time.Duration`.
    Duration,
    /// `error`.
    Error,
    /// A function, by the text of its type.
    Func(&'static str),
    /// A host object, by its type's name.
    Object(&'static str),
}

impl Type {
    /// `[]interface {}`.
    pub const LIST: Self = Self::List(&Self::Any);
    /// `[]string`.
    pub const STRINGS: Self = Self::List(&Self::Str);
    /// `[]uint8`.
    pub const BYTES: Self = Self::List(&Self::Uint8);
    /// `map[string]interface {}`.
    pub const MAP: Self = Self::Map(&Self::Any);

    /// Whether Go lets nil stand for a value of the type.
    pub(crate) fn can_be_nil(self) -> bool {
        match self {
            Self::Any
            | Self::Reflect
            | Self::List(_)
            | Self::Map(_)
            | Self::NamedMap(_)
            | Self::Error
            | Self::Func(_) => true,
            Self::Object(name) => name.starts_with('*'),
            Self::Bool
            | Self::Int
            | Self::Int32
            | Self::Int64
            | Self::Uint8
            | Self::Uint64
            | Self::Float64
            | Self::Complex128
            | Self::Str
            | Self::Duration => false,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("interface {}"),
            Self::Reflect => f.write_str("reflect.Value"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Int32 => f.write_str("int32"),
            Self::Int64 => f.write_str("int64"),
            Self::Uint8 => f.write_str("uint8"),
            Self::Uint64 => f.write_str("uint64"),
            Self::Float64 => f.write_str("float64"),
            Self::Complex128 => f.write_str("complex128"),
            Self::Str => f.write_str("string"),
            Self::List(elem) => write!(f, "[]{elem}"),
            Self::Map(elem) => write!(f, "map[string]{elem}"),
            Self::NamedMap(name) | Self::Func(name) | Self::Object(name) => f.write_str(name),
            Self::Duration => f.write_str("time.Duration"),
            Self::Error => f.write_str("error"),
        }
    }
}

/// Go's `reflect.Kind`, as far as templates can tell kinds apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No value at all.
    Invalid,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `int32`.
    Int32,
    /// `int64`, and durations.
    Int64,
    /// `uint8`.
    Uint8,
    /// `uint64`.
    Uint64,
    /// `float64`.
    Float64,
    /// `complex128`.
    Complex128,
    /// `string`.
    Str,
    /// Any slice.
    Slice,
    /// Any map.
    Map,
    /// A function.
    Func,
    /// A pointer.
    Pointer,
    /// A struct.
    Struct,
}

impl Kind {
    /// The kind's name, as sprig's `kindOf` prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Uint64 => "uint64",
            Self::Float64 => "float64",
            Self::Complex128 => "complex128",
            Self::Str => "string",
            Self::Slice => "slice",
            Self::Map => "map",
            Self::Func => "func",
            Self::Pointer => "ptr",
            Self::Struct => "struct",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
