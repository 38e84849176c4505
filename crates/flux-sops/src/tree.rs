//! The tree that every format is read into and printed from.

use std::fmt;

use zeroize::Zeroize as _;

/// A value of a document.
///
/// Texts are bytes, as a decrypted text need not be UTF-8. Debug tells the shape only: the values are secrets.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// Nothing; never encrypted.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number above the signed range, which cannot be encrypted.
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(Vec<u8>),
    /// A date and time as RFC 3339 with the shortest fraction.
    Time(String),
    /// A comment between the items of a list.
    Comment(Comment),
    /// A list.
    List(Vec<Value>),
    /// A mapping.
    Branch(Branch),
}

/// The entries of a mapping in the order of the source, comments among them.
pub type Branch = Vec<Entry>;

/// A key with its value, or a comment between keys.
#[derive(Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value; null for a comment.
    pub value: Value,
}

/// What stands before a value in a mapping.
#[derive(Clone, PartialEq)]
pub enum Key {
    /// A key.
    Name(String),
    /// A comment in the place of an entry.
    Comment(Comment),
    /// A key that is no text, which no document with encrypted values may have.
    Other {
        /// The type's name.
        kind: &'static str,
        /// The key as written.
        text: String,
    },
}

/// A comment without its mark.
#[derive(Clone, PartialEq, Eq)]
pub struct Comment {
    /// The text after the mark.
    pub text: String,
    /// Whether it stands behind a value on the same line.
    pub inline: bool,
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into().into_bytes())
    }

    /// The type's name as messages tell it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint64",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::Time(_) => "time.Time",
            Self::Comment(_) => "comment",
            Self::List(_) => "list",
            Self::Branch(_) => "mapping",
        }
    }

    /// Whether the value is a list or a mapping.
    pub fn is_collection(&self) -> bool {
        matches!(self, Self::List(_) | Self::Branch(_))
    }
}

impl Entry {
    /// An entry with a text as its key.
    pub fn new(key: impl Into<String>, value: Value) -> Self {
        Self { key: Key::Name(key.into()), value }
    }

    /// A comment in the place of an entry.
    pub fn comment(text: impl Into<String>, inline: bool) -> Self {
        Self { key: Key::Comment(Comment { text: text.into(), inline }), value: Value::Null }
    }

    /// The key, if it is a text.
    pub fn name(&self) -> Option<&str> {
        match &self.key {
            Key::Name(name) => Some(name),
            Key::Comment(_) | Key::Other { .. } => None,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Branch(entries) => f.debug_list().entries(entries).finish(),
            _ => f.write_str(self.kind()),
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.key, self.value)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name:?}"),
            Self::Comment(_) => f.write_str("comment"),
            Self::Other { kind, text } => write!(f, "{kind} {text:?}"),
        }
    }
}

impl fmt::Debug for Comment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("comment")
    }
}

/// Overwrites what a branch holds with zeros before it is given back.
pub(crate) fn wipe(branch: &mut Branch) {
    for entry in branch {
        if let Key::Comment(comment) = &mut entry.key {
            comment.text.zeroize();
        }
        wipe_value(&mut entry.value);
    }
}

/// The same for a value.
pub(crate) fn wipe_value(value: &mut Value) {
    match value {
        Value::Null => {}
        Value::Bool(truth) => truth.zeroize(),
        Value::Int(number) => number.zeroize(),
        Value::Uint(number) => number.zeroize(),
        Value::Float(number) => number.zeroize(),
        Value::Text(text) => text.zeroize(),
        Value::Time(text) => text.zeroize(),
        Value::Comment(comment) => comment.text.zeroize(),
        Value::List(items) => items.iter_mut().for_each(wipe_value),
        Value::Branch(branch) => wipe(branch),
    }
}
