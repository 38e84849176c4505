//! What can go wrong, without a secret in it.

use std::fmt;

use crate::Format;

/// Why a document could not be read, decrypted, encrypted or printed.
///
/// The texts begin as SOPS's do; what SOPS does not say, the place, stands at their end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The document is larger than [`crate::MAX_DOCUMENT`].
    #[error("document has {size} bytes, and {limit} are the most")]
    TooLarge {
        /// The document's size.
        size: usize,
        /// The largest size.
        limit: usize,
    },
    /// The text is not what the format asks for.
    #[error("{}{message}", reading(*format))]
    Syntax {
        /// The format.
        format: Format,
        /// What is wrong, and where.
        message: String,
    },
    /// The document says nothing of its encryption.
    #[error("sops metadata not found")]
    MetadataNotFound,
    /// The metadata cannot be used.
    #[error("{0}")]
    Metadata(#[from] MetadataError),
    /// Too few groups of keys gave their part of the data key.
    #[error("Error getting data key: {required} successful groups required, got {successful}{}", tell(reasons))]
    DataKey {
        /// How many groups the document asks for; 0 where there is one group.
        required: i64,
        /// How many groups gave a part.
        successful: usize,
        /// Why each key that was tried gave none.
        reasons: Vec<String>,
    },
    /// The parts of the data key do not fit together.
    #[error("could not get data key from shamir parts: {0}")]
    Shamir(#[from] ShamirError),
    /// A value could not be decrypted or encrypted.
    #[error("Error walking tree: {cause} ({place})")]
    Value {
        /// Where the value stands.
        place: Place,
        /// What is wrong with it.
        cause: ValueError,
    },
    /// The authentication code could not be decrypted.
    #[error("Failed to decrypt original mac: {0}")]
    Mac(CipherError),
    /// The values are not those that were encrypted together.
    #[error("Failed to verify data integrity: the values do not match the message authentication code")]
    MacMismatch,
    /// The tree cannot be written in the format.
    #[error("{}{message}", writing(*format))]
    Print {
        /// The format.
        format: Format,
        /// What is wrong.
        message: String,
    },
}

fn reading(format: Format) -> &'static str {
    match format {
        // These say it themselves where it is said.
        Format::Yaml | Format::Dotenv => "",
        Format::Json | Format::Binary | Format::Ini => "Could not unmarshal input data: ",
    }
}

fn writing(format: Format) -> &'static str {
    match format {
        Format::Yaml => "Error marshaling to YAML: ",
        Format::Json => "Error marshaling to json: ",
        Format::Ini => "Error marshaling to INI: ",
        Format::Dotenv => "",
        Format::Binary => "error emitting binary store: ",
    }
}

/// How many keys' reasons a message tells.
const MOST_REASONS: usize = 10;

fn tell(reasons: &[String]) -> String {
    if reasons.is_empty() {
        return String::new();
    }
    let shown = reasons[..reasons.len().min(MOST_REASONS)].join("; ");
    match reasons.len().saturating_sub(MOST_REASONS) {
        0 => format!(" ({shown})"),
        more => format!(" ({shown} and {more} more)"),
    }
}

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the document in its stream, counted from 1.
    pub document: usize,
    /// The keys from the top.
    pub path: Vec<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str("at the top")?;
        } else {
            write!(f, "at {:?}", self.path.join("."))?;
        }
        if self.document > 1 {
            write!(f, " of document {}", self.document)?;
        }
        Ok(())
    }
}

/// What is wrong with a value.
#[derive(Debug, thiserror::Error)]
pub enum ValueError {
    /// It could not be decrypted.
    #[error("Could not decrypt value: {0}")]
    Decrypt(CipherError),
    /// It could not be encrypted.
    #[error("Could not encrypt value: {0}")]
    Encrypt(CipherError),
    /// A text was expected, as every encrypted value is one.
    #[error("Expected encrypted value as string, but got {kind}")]
    NotText {
        /// The value's type.
        kind: &'static str,
    },
    /// A comment became another type.
    #[error("walkValue of Comment should be either Comment or string, was {kind}")]
    CommentType {
        /// The type.
        kind: &'static str,
    },
    /// The type cannot be encrypted.
    #[error("Cannot walk value, unknown type: {kind}")]
    Type {
        /// The type.
        kind: &'static str,
    },
    /// A key is no text.
    #[error("Tree contains a non-string key (type {kind}): {text}. Only string keys are supported")]
    Key {
        /// The key's type.
        kind: &'static str,
        /// The key.
        text: String,
    },
    /// An encrypted comment would be taken for one that forbids encryption.
    #[error("an encrypted comment matches the unencrypted comment regex, which must not match encrypted comments")]
    EncryptedCommentMatches,
}

/// What is wrong with an encrypted text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CipherError {
    /// The text has not the form of encrypted values.
    #[error("Input string <redacted> does not match sops' data format")]
    Form,
    /// A part is no Base64.
    #[error("Error base64-decoding {part}: illegal base64 data")]
    Base64 {
        /// The part.
        part: &'static str,
    },
    /// The value was changed, moved, or encrypted with another key.
    #[error("Could not decrypt with AES_GCM: cipher: message authentication failed")]
    Authentication,
    /// The data key has not 32 bytes.
    #[error("data key has {length} bytes, not 32")]
    KeyLength {
        /// Its length.
        length: usize,
    },
    /// The nonce has a length that no version of SOPS wrote.
    #[error("nonce has {length} bytes, not 32, 16 or 12")]
    NonceLength {
        /// Its length.
        length: usize,
    },
    /// The type is unknown.
    #[error("Unknown datatype")]
    Datatype,
    /// The type is known and not supported.
    #[error("values of type bytes are not supported")]
    Bytes,
    /// The decrypted text is no value of its type.
    #[error("decrypted text is no {kind}")]
    Content {
        /// The type.
        kind: &'static str,
    },
}

/// What is wrong with a document's metadata.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// The metadata stands twice in the first document.
    #[error("Found duplicate sops entry")]
    Duplicate,
    /// The metadata is no mapping.
    #[error("Found sops entry that is not a mapping")]
    NotMapping,
    /// A field has a type that cannot be used.
    #[error("metadata field {field:?} expects a {expected}")]
    Type {
        /// The field.
        field: String,
        /// The type that it may have.
        expected: &'static str,
    },
    /// A time is not as RFC 3339 has it.
    #[error("metadata field {field:?} is no time of RFC 3339")]
    Time {
        /// The field.
        field: String,
    },
    /// A rule's expression cannot be read.
    #[error("metadata field {field:?} is no regular expression that can be used")]
    Expression {
        /// The field.
        field: &'static str,
    },
    /// More than one rule says which values are encrypted.
    #[error(
        "Cannot use more than one of encrypted_suffix, unencrypted_suffix, encrypted_regex, unencrypted_regex, \
         encrypted_comment_regex, or unencrypted_comment_regex in the same file"
    )]
    Rules,
    /// The document has more keys than could be tried.
    #[error("document has {count} keys, and {limit} are the most")]
    TooManyKeys {
        /// How many keys there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// No key encrypts the data key.
    #[error("No keys found in file")]
    NoKeys,
    /// Flattened names do not make a tree.
    #[error("Error while unflattening: {0}")]
    Flat(&'static str),
    /// The tree has a key that is the metadata's.
    #[error("Found key {key:?} in encrypted data, which is reserved for SOPS metadata")]
    Reserved {
        /// The key.
        key: String,
    },
}

/// Why parts of a data key do not fit together, or cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShamirError {
    /// One part is too few.
    #[error("less than two parts cannot be used to reconstruct the secret")]
    TooFew,
    /// A part has no content.
    #[error("parts must be at least two bytes")]
    TooShort,
    /// The parts differ in length.
    #[error("all parts must be the same length")]
    Lengths,
    /// A part stands there twice.
    #[error("duplicate part detected")]
    Duplicate,
    /// The threshold or the number of parts is out of range.
    #[error("threshold and number of parts must be between 2 and 255, and the threshold not above the number")]
    Threshold,
    /// There is nothing to split.
    #[error("cannot split an empty secret")]
    Empty,
}

/// Why key material could not be taken, or gave no data key. Says nothing of the material.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text holds no key, or one that cannot be read.
    #[error("{kind} key cannot be read: {message}")]
    Unreadable {
        /// age, PGP.
        kind: &'static str,
        /// What is wrong.
        message: String,
    },
    /// The private key is protected by a passphrase.
    #[error("{kind} key is protected by a passphrase")]
    Protected {
        /// age, PGP.
        kind: &'static str,
    },
    /// No key of the ring opens it.
    #[error("no identity matched any of the recipients")]
    NoMatch,
    /// A passphrase would be needed, and there is none.
    #[error("a passphrase cannot be used here")]
    Passphrase,
    /// The encrypted data key cannot be read.
    #[error("encrypted data key cannot be read: {message}")]
    Encrypted {
        /// What is wrong.
        message: String,
    },
    /// This kind of key is not held by a ring.
    #[error("{kind} keys are resolved by their service")]
    Service {
        /// The kind of key.
        kind: &'static str,
    },
}
