//! SOPS documents: read, decrypt, encrypt and print them as SOPS 3.13.2 does.
//!
//! A document is read into a tree that keeps order and comments ([`Document`], [`PlainDocument`]), whose values are
//! encrypted one by one with the document's data key. The data key is nowhere in plain: [`Metadata`] lists what keys
//! outside the document made of it. Which of those keys can be reached is the caller's business:
//!
//! ```
//! use flux_sops::{Document, Error, Format, Integrity, Keyring, Recovery};
//!
//! # fn ask_a_service(_: &flux_sops::MasterKey) -> Result<zeroize::Zeroizing<Vec<u8>>, String> { Err("none".into()) }
//! fn decrypt(path: &str, data: &[u8], keyring: &Keyring) -> Result<Vec<u8>, Error> {
//!     let format = Format::of_path(path);
//!     if !format.is_encrypted(data) {
//!         return Ok(data.to_vec());
//!     }
//!     let document = Document::parse(data, format)?;
//!     let mut recovery = Recovery::new(document.metadata());
//!     while let Some(key) = recovery.next_key() {
//!         // Age and PGP keys are opened by a ring; this is the place to await a key service for the others.
//!         match keyring.decrypt(key).map_err(|err| err.to_string()).or_else(|_| ask_a_service(key)) {
//!             Ok(part) => recovery.resolved(part),
//!             Err(reason) => recovery.failed(reason),
//!         }
//!     }
//!     let key = recovery.finish()?;
//!     Ok(document.decrypt(&key, Integrity::Ignored)?.print(format)?.to_vec())
//! }
//! ```
//!
//! Where the ring is all there is, [`decrypt`] does the same in one call. [`PlainDocument::encrypt`] goes the other
//! way; randomness comes from the caller.
//!
//! Everything here is a function of its input. Documents are bounded in size ([`MAX_DOCUMENT`]), depth and, where
//! aliases repeat nodes, in their number. No message and no Debug output holds a value or a key.
//!
//! Not here: the services of clouds, `.sops.yaml`, passphrases, plugins and post-quantum identities of age.

mod cipher;
mod document;
mod error;
mod format;
mod keyring;
mod keys;
mod metadata;
mod recovery;
mod shamir;
mod stores;
mod tree;
mod walk;

pub use cipher::NONCE;
pub use document::{Document, Integrity, PlainDocument, decrypt};
pub use error::{CipherError, Error, KeyError, MetadataError, Place, ShamirError, ValueError};
pub use format::{Format, MAX_DOCUMENT};
pub use keyring::{Keyring, encrypt_age};
pub use keys::{DataKey, KeyGroup, MasterKey, Random};
pub use metadata::{DEFAULT_UNENCRYPTED_SUFFIX, Metadata, Rule};
pub use recovery::{Recovery, SealError, seal_data_key, split_data_key};
pub use tree::{Branch, Comment, Entry, Key, Value};
