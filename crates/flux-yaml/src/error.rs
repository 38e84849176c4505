//! What can be wrong with a document.

/// Why a text cannot be read, or a value not be printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not YAML.
    #[error("yaml: line {line}: {message}")]
    Syntax {
        /// The line, counted from 1.
        line: u32,
        /// What the parser says.
        message: String,
    },
    /// The text is not UTF-8.
    #[error("yaml: invalid leading UTF-8 octet")]
    NotUtf8,
    /// More nodes, also by aliases, than the limit.
    #[error("yaml: line {line}: document has more than {limit} nodes")]
    TooLarge {
        /// The line at which the limit was passed.
        line: u32,
        /// The limit.
        limit: usize,
    },
    /// A merge key whose value is no mapping.
    #[error("yaml: line {line}: map merge requires map or sequence of maps as the value")]
    Merge {
        /// The line of the value.
        line: u32,
    },
    /// A key that stands twice in one mapping.
    #[error("yaml: line {line}: mapping key \"{key}\" already defined")]
    DuplicateKey {
        /// The line of the second.
        line: u32,
        /// The key.
        key: String,
    },
    /// A key that is no string, which JSON cannot say.
    #[error("json: unsupported type: map[interface {{}}]interface {{}} (line {line}: key \"{key}\" is not a string)")]
    KeyNotString {
        /// The line of the key.
        line: u32,
        /// The key's text.
        key: String,
    },
    /// Infinity or not-a-number, which JSON cannot say.
    #[error("json: unsupported value: {value} (line {line})")]
    NotFinite {
        /// The line of the value.
        line: u32,
        /// The value's text.
        value: String,
    },
    /// A tag that does not fit its value.
    #[error("yaml: line {line}: cannot decode `{value}` as its tag says")]
    Tag {
        /// The line of the value.
        line: u32,
        /// The value's text.
        value: String,
    },
}
