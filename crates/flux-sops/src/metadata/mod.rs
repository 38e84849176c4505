//! What a document says of its encryption.

mod flat;
mod read;
mod write;

pub(crate) use read::extract;
pub(crate) use write::embed;

use crate::KeyGroup;

/// The suffix of keys whose values stay plain where nothing else is said.
pub const DEFAULT_UNENCRYPTED_SUFFIX: &str = "_unencrypted";

/// What a document says of its encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The groups of keys. One group: each key holds the data key. More: each key holds its group's part.
    pub key_groups: Vec<KeyGroup>,
    /// How many groups give the data key; 0 where there is one group.
    pub shamir_threshold: i64,
    /// When the document was last encrypted, as RFC 3339 with whole seconds.
    pub last_modified: String,
    /// The message authentication code, encrypted like a value.
    pub mac: String,
    /// Which values are encrypted.
    pub rule: Rule,
    /// Whether the authentication code covers encrypted values only.
    pub mac_only_encrypted: bool,
    /// The version of SOPS that wrote the document.
    pub version: String,
}

impl Metadata {
    /// Metadata for a new document of one group of keys, with the default rule.
    pub fn new(keys: KeyGroup, last_modified: impl Into<String>) -> Self {
        Self {
            key_groups: vec![keys],
            shamir_threshold: 0,
            last_modified: last_modified.into(),
            mac: String::new(),
            rule: Rule::default(),
            mac_only_encrypted: false,
            version: "3.13.2".to_owned(),
        }
    }
}

/// Which values are encrypted. A key counts together with the keys above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// All but those below keys with this suffix.
    UnencryptedSuffix(String),
    /// Those below keys with this suffix.
    EncryptedSuffix(String),
    /// All but those below keys that match.
    UnencryptedRegex(String),
    /// Those below keys that match.
    EncryptedRegex(String),
    /// All but those below or behind a comment that matches.
    UnencryptedCommentRegex(String),
    /// Those below or behind a comment that matches.
    EncryptedCommentRegex(String),
}

impl Default for Rule {
    fn default() -> Self {
        Self::UnencryptedSuffix(DEFAULT_UNENCRYPTED_SUFFIX.to_owned())
    }
}

impl Rule {
    /// The field of the metadata that holds the rule.
    pub fn field(&self) -> &'static str {
        match self {
            Self::UnencryptedSuffix(_) => "unencrypted_suffix",
            Self::EncryptedSuffix(_) => "encrypted_suffix",
            Self::UnencryptedRegex(_) => "unencrypted_regex",
            Self::EncryptedRegex(_) => "encrypted_regex",
            Self::UnencryptedCommentRegex(_) => "unencrypted_comment_regex",
            Self::EncryptedCommentRegex(_) => "encrypted_comment_regex",
        }
    }

    /// The rule's text.
    pub fn text(&self) -> &str {
        match self {
            Self::UnencryptedSuffix(text)
            | Self::EncryptedSuffix(text)
            | Self::UnencryptedRegex(text)
            | Self::EncryptedRegex(text)
            | Self::UnencryptedCommentRegex(text)
            | Self::EncryptedCommentRegex(text) => text,
        }
    }
}

/// How the metadata stands in a format.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Layout {
    /// As a tree below the key `sops`.
    Nested,
    /// With flat names below the key `sops`, line breaks written as `\n`.
    Section,
    /// With flat names that begin with `sops_`.
    Flat,
}

/// The key of the metadata.
pub(crate) const KEY: &str = "sops";
/// What flat names begin with.
pub(crate) const PREFIX: &str = "sops_";
