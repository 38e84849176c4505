//! The way through a tree's values, in the order in which the authentication code takes them.

mod rules;

use sha2::{Digest as _, Sha512};
use zeroize::Zeroizing;

use self::rules::{Marks, Matcher};
use crate::cipher::{self, NONCE};
use crate::tree;
use crate::{Branch, CipherError, Comment, DataKey, Error, Key, Metadata, Place, Random, Rule, Value, ValueError};

/// What the code over encrypted values alone begins with, so that it never equals the one over all values.
const ONLY_ENCRYPTED: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b, 0x0b, 0x97, 0x5b,
    0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// Decrypts all values in place; gives the code over the plain ones.
pub(crate) fn decrypt(branches: &mut [Branch], metadata: &Metadata, key: &DataKey) -> Result<String, Error> {
    let open = |value: &Value, path: &str| match value {
        Value::Comment(comment) => match cipher::decrypt(comment.text.as_bytes(), key, path) {
            Ok(value) => Ok(value),
            Err(CipherError::Bytes) => Err(ValueError::Decrypt(CipherError::Bytes)),
            // Older versions left comments as they were.
            Err(_) => Ok(Value::Comment(comment.clone())),
        },
        Value::Text(text) => cipher::decrypt(text, key, path).map_err(ValueError::Decrypt),
        other => Err(ValueError::NotText { kind: other.kind() }),
    };
    run(branches, metadata, Code::OfResult, open)
}

/// Encrypts all values in place; gives the code over the plain ones.
pub(crate) fn encrypt(
    branches: &mut [Branch],
    metadata: &Metadata,
    key: &DataKey,
    random: &mut Random<'_>,
) -> Result<String, Error> {
    let matcher = Matcher::new(&metadata.rule)?;
    let seal = |value: &Value, path: &str| {
        let mut nonce = [0; NONCE];
        random(&mut nonce);
        let text = cipher::encrypt(value, key, path, &nonce).map_err(ValueError::Encrypt)?;
        let comment = matches!(value, Value::Comment(_));
        if comment && matches!(metadata.rule, Rule::UnencryptedCommentRegex(_)) && matcher.matches(&text) {
            return Err(ValueError::EncryptedCommentMatches);
        }
        Ok(Value::Text(text.into_bytes()))
    };
    run(branches, metadata, Code::OfInput, seal)
}

/// Which side of the change the authentication code covers.
#[derive(Clone, Copy, PartialEq)]
enum Code {
    OfInput,
    OfResult,
}

fn run(
    branches: &mut [Branch],
    metadata: &Metadata,
    code: Code,
    change: impl FnMut(&Value, &str) -> Result<Value, ValueError>,
) -> Result<String, Error> {
    let mut walk = Walk {
        marks: Marks::new(Matcher::new(&metadata.rule)?),
        only_encrypted: metadata.mac_only_encrypted,
        code,
        change,
        hash: Sha512::new(),
        path: Vec::new(),
    };
    if metadata.mac_only_encrypted {
        walk.hash.update(ONLY_ENCRYPTED);
    }
    for (index, branch) in branches.iter_mut().enumerate() {
        walk.path.clear();
        walk.marks.clear();
        if let Err(cause) = walk.branch(branch) {
            return Err(Error::Value { place: Place { document: index + 1, path: walk.path }, cause });
        }
    }
    Ok(hex::encode_upper(walk.hash.finalize()))
}

struct Walk<F> {
    marks: Marks,
    only_encrypted: bool,
    code: Code,
    change: F,
    hash: Sha512,
    /// The keys above the present value. After an error it says where that was.
    path: Vec<String>,
}

impl<F: FnMut(&Value, &str) -> Result<Value, ValueError>> Walk<F> {
    fn branch(&mut self, branch: &mut Branch) -> Result<(), ValueError> {
        self.marks.open();
        for entry in branch {
            match &mut entry.key {
                Key::Comment(comment) => {
                    self.marks.note(&comment.text);
                    match self.leaf(&Value::Comment(comment.clone()))? {
                        Value::Comment(changed) => *comment = changed,
                        Value::Text(text) => {
                            let text = String::from_utf8_lossy(&text).into_owned();
                            *comment = Comment { text, inline: comment.inline };
                        }
                        other => return Err(ValueError::CommentType { kind: other.kind() }),
                    }
                }
                Key::Name(name) => {
                    self.path.push(name.clone());
                    self.marks.enter(name);
                    self.value(&mut entry.value)?;
                    self.marks.leave();
                    self.path.pop();
                    self.marks.forget();
                }
                Key::Other { kind, text } => return Err(ValueError::Key { kind, text: text.clone() }),
            }
        }
        self.marks.close();
        Ok(())
    }

    fn list(&mut self, items: &mut [Value]) -> Result<(), ValueError> {
        self.marks.open();
        for item in items {
            if let Value::Comment(comment) = item {
                self.marks.note(&comment.text);
                self.value(item)?;
            } else {
                self.value(item)?;
                self.marks.forget();
            }
        }
        self.marks.close();
        Ok(())
    }

    fn value(&mut self, value: &mut Value) -> Result<(), ValueError> {
        match value {
            Value::Branch(branch) => self.branch(branch),
            Value::List(items) => self.list(items),
            Value::Null => Ok(()),
            Value::Uint(_) => Err(ValueError::Type { kind: value.kind() }),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::Time(_) | Value::Comment(_) => {
                let changed = self.leaf(value)?;
                tree::wipe_value(value);
                *value = changed;
                Ok(())
            }
        }
    }

    fn leaf(&mut self, value: &Value) -> Result<Value, ValueError> {
        let comment = matches!(value, Value::Comment(_));
        let encrypted = self.marks.encrypts(comment);
        let covered = !comment && (encrypted || !self.only_encrypted);
        if covered && self.code == Code::OfInput {
            self.hash.update(Zeroizing::new(cipher::bytes(value)).as_slice());
        }
        let result = if encrypted {
            let mut additional = self.path.join(":");
            additional.push(':');
            (self.change)(value, &additional)?
        } else {
            value.clone()
        };
        if covered && self.code == Code::OfResult {
            self.hash.update(Zeroizing::new(cipher::bytes(&result)).as_slice());
        }
        Ok(result)
    }
}
