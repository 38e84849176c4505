//! Signatures of commits and tags: PGP and SSH.
//!
//! Not covered: PGP keys on Brainpool curves, and PGP's web of trust: a key counts because it is given.

mod pgp;
mod ssh;

use std::fmt;

use ::pgp::composed::SignedPublicKey;
use ssh_key::PublicKey;

use crate::commit::Signed;
use crate::error::sanitize;

/// Bytes of one entry of a Secret that are read.
const MAX_ENTRY: usize = 1 << 20;
/// Trusted keys that an error names.
const MAX_NAMED: usize = 10;

/// The public keys that are trusted.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    pgp: Vec<Entry<SignedPublicKey>>,
    ssh: Vec<Entry<PublicKey>>,
}

/// The keys of one entry of a Secret, or why it cannot be read.
#[derive(Clone, Debug)]
struct Entry<K> {
    name: String,
    keys: Result<Vec<K>, String>,
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// A PGP key, by the id of its primary key.
    Pgp {
        /// 16 hexadecimal digits, upper case.
        key_id: String,
    },
    /// An SSH key, by its SHA-256 fingerprint.
    Ssh {
        /// `SHA256:…`.
        fingerprint: String,
    },
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pgp { key_id: id } | Self::Ssh { fingerprint: id } => f.write_str(id),
        }
    }
}

/// Why a signature does not count.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The signature is of no known kind.
    #[error("unknown signature format")]
    UnknownFormat,
    /// An entry of the Secret cannot be read, and no key of another one fits.
    #[error("unable to read public key \"{name}\": {reason}")]
    InvalidKey {
        /// The name of the entry.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// The signature cannot be read.
    #[error("unable to read signature: {0}")]
    InvalidSignature(String),
    /// No trusted key of the signature's kind.
    #[error("signed with {0}, but no {0} public key is given")]
    NoKeys(&'static str),
    /// No trusted key made the signature.
    #[error("signed with key {signer}, which is not among the given keys: {trusted}")]
    Untrusted {
        /// The key id or fingerprint in the signature.
        signer: String,
        /// The trusted ones.
        trusted: String,
    },
    /// A trusted key is named, but the signature does not fit what it covers, or the key may not be used.
    #[error("signature of key {signer} is not valid: {reason}")]
    Bad {
        /// The key id or fingerprint.
        signer: String,
        /// What is wrong.
        reason: String,
    },
}

impl Keys {
    /// Reads the entries of a Secret: names ending in `.sshpub` hold authorized-keys lines, all others armored PGP keys.
    /// When none of them can be read, the first is told of; else an unreadable one is told of when a signature of its
    /// kind fits no other.
    pub fn parse<'a>(entries: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, VerifyError> {
        let mut keys = Self::default();
        for (name, content) in entries {
            let text = if content.len() > MAX_ENTRY {
                Err(format!("it is larger than {MAX_ENTRY} bytes"))
            } else {
                std::str::from_utf8(content).map_err(|_| "it is not text".to_owned())
            };
            let name = name.to_owned();
            if name.ends_with(".sshpub") {
                keys.ssh.push(Entry { name, keys: text.and_then(ssh::parse) });
            } else {
                keys.pgp.push(Entry { name, keys: text.and_then(pgp::parse) });
            }
        }
        let usable = readable(&keys.pgp).next().is_some() || readable(&keys.ssh).next().is_some();
        match unreadable(&keys.pgp).or_else(|| unreadable(&keys.ssh)) {
            Some(err) if !usable => Err(err),
            Some(_) | None => Ok(keys),
        }
    }

    /// Who of the trusted keys made the signature; a key must not be expired at `now`, in seconds since 1970.
    pub fn verify(&self, signed: &Signed, now: i64) -> Result<Signer, VerifyError> {
        if signed.signature.starts_with(b"-----BEGIN SSH SIGNATURE-----") {
            return ssh::verify(&self.ssh, signed);
        }
        if signed.signature.starts_with(b"-----BEGIN PGP ") {
            return pgp::verify(&self.pgp, signed, now);
        }
        Err(VerifyError::UnknownFormat)
    }
}

/// All keys that could be read.
fn readable<K>(entries: &[Entry<K>]) -> impl Iterator<Item = &K> {
    entries.iter().filter_map(|entry| entry.keys.as_ref().ok()).flatten()
}

/// The first entry that could not be read.
fn unreadable<K>(entries: &[Entry<K>]) -> Option<VerifyError> {
    entries.iter().find_map(|entry| {
        let reason = entry.keys.as_ref().err()?;
        Some(VerifyError::InvalidKey { name: entry.name.clone(), reason: sanitize(reason) })
    })
}

/// No key fits: because one could not be read, or there is none, or it is another's signature.
fn untrusted<K>(
    kind: &'static str,
    signer: String,
    entries: &[Entry<K>],
    describe: impl Fn(&K) -> String,
) -> VerifyError {
    if let Some(err) = unreadable(entries) {
        return err;
    }
    let mut trusted: Vec<_> = readable(entries).map(describe).collect();
    if trusted.is_empty() {
        return VerifyError::NoKeys(kind);
    }
    trusted.sort_unstable();
    trusted.dedup();
    let more = trusted.len().saturating_sub(MAX_NAMED);
    trusted.truncate(MAX_NAMED);
    let listed = trusted.join(", ");
    let trusted = if more > 0 { format!("{listed} and {more} more") } else { listed };
    VerifyError::Untrusted { signer, trusted }
}
