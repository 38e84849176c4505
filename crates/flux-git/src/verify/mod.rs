//! Signatures of commits and tags: PGP and SSH.

use crate::commit::Signed;

/// The public keys that are trusted.
#[derive(Clone, Debug, Default)]
pub struct Keys {}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// A PGP key, by the hexadecimal id of the key that made the signature.
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

/// Why a signature does not count.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The signature is of no known kind.
    #[error("unknown signature format")]
    UnknownFormat,
    /// The key material cannot be read.
    #[error("unable to read public key \"{name}\": {reason}")]
    InvalidKey {
        /// The name of the key in its Secret.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// The signature cannot be read.
    #[error("unable to read signature: {0}")]
    InvalidSignature(String),
    /// No trusted key of the signature's kind.
    #[error("no {0} public keys are given")]
    NoKeys(&'static str),
    /// No trusted key made the signature.
    #[error("signed with {signer}, which is not among the given keys: {trusted}")]
    Untrusted {
        /// The key id or fingerprint in the signature.
        signer: String,
        /// The trusted ones.
        trusted: String,
    },
    /// A trusted key is named, but the signature does not fit what it covers, or the key may not be used.
    #[error("signature of {signer} is not valid: {reason}")]
    Bad {
        /// The key id or fingerprint.
        signer: String,
        /// What is wrong.
        reason: String,
    },
}

impl Keys {
    /// Reads the entries of a Secret: names ending in `.sshpub` hold authorized-keys lines, all others armored PGP keys.
    pub fn parse<'a>(entries: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, VerifyError> {
        let _ = entries.into_iter().count();
        Ok(Self {})
    }

    /// Who of the trusted keys made the signature, at `now` in seconds since 1970.
    pub fn verify(&self, signed: &Signed, now: i64) -> Result<Signer, VerifyError> {
        let _ = (signed, now);
        Err(VerifyError::UnknownFormat)
    }
}
