//! PGP keys, and which of them made a signature.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use pgp::composed::{Deserializable, DetachedSignature, PublicOrSecret, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{PublicKey, Signature, SignatureType};
use pgp::types::{KeyDetails, Tag, VerifyingKey};

use super::clearsign::Message;

/// Bytes of a keyring that are read.
const MAX_KEYRING: usize = 16 << 20;
/// Signatures of one message that are looked at.
const MAX_SIGNATURES: usize = 32;

/// The keys that are trusted.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    keys: Vec<SignedPublicKey>,
}

/// Why a keyring could not be read.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// It has more bytes than are read.
    #[error("the keyring has more than {MAX_KEYRING} bytes")]
    TooLarge,
    /// None of its keys can be read.
    #[error("failed to read the keyring")]
    Unreadable(#[source] pgp::errors::Error),
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The names that the key goes by, `NAME (COMMENT) <ADDRESS>`.
    pub identities: Vec<String>,
    /// The fingerprint of the primary key in hexadecimal digits, upper case.
    pub fingerprint: String,
}

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The signature cannot be read.
    #[error("openpgp: invalid data: {0}")]
    Data(String),
    /// No key of the ring made it, or may sign.
    #[error("openpgp: signature made by unknown entity")]
    Unknown,
    /// It is not over this message.
    #[error("openpgp: invalid signature: {0}")]
    Invalid(String),
    /// The key was revoked.
    #[error("openpgp: signature made by revoked key")]
    Revoked,
    /// The key is expired.
    #[error("openpgp: key expired")]
    KeyExpired,
    /// The signature is expired.
    #[error("openpgp: signature expired")]
    SignatureExpired,
}

impl Keyring {
    /// Reads the keys of a ring, with or without armor, public or secret ones; those that cannot be read are left out.
    pub fn read(ring: &[u8]) -> Result<Self, KeyringError> {
        if ring.len() > MAX_KEYRING {
            return Err(KeyringError::TooLarge);
        }
        if ring.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let (found, _) = PublicOrSecret::from_reader_many(ring).map_err(KeyringError::Unreadable)?;
        let (mut keys, mut fault) = (Vec::new(), None);
        for key in found {
            match key {
                Ok(PublicOrSecret::Public(key)) => keys.push(key),
                Ok(PublicOrSecret::Secret(key)) => keys.push(key.to_public_key()),
                Err(err) => fault = Some(err),
            }
        }
        match fault {
            Some(err) if keys.is_empty() => Err(KeyringError::Unreadable(err)),
            Some(_) | None => Ok(Self { keys }),
        }
    }

    /// Which key signed the message.
    pub(super) fn signer(&self, message: &Message, now: Timestamp) -> Result<Signer, Refusal> {
        let now = u64::try_from(now.as_second()).unwrap_or_default();
        let (signatures, _) = DetachedSignature::from_armor_many(&*message.signature).map_err(|_| no_signature())?;
        for signature in signatures.take(MAX_SIGNATURES) {
            let signature = signature.map_err(|_| no_signature())?;
            let issuer = &signature.signature;
            if issuer.issuer_key_id().is_empty() && issuer.issuer_fingerprint().is_empty() {
                return Err(Refusal::Data("signature doesn't have an issuer".to_owned()));
            }
            let parts: Vec<_> = self.keys.iter().flat_map(parts).filter(|part| part.may_sign(issuer)).collect();
            if !parts.is_empty() {
                return verify(&parts, &signature, &message.signed, now);
            }
        }
        Err(Refusal::Unknown)
    }
}

fn no_signature() -> Refusal {
    Refusal::Data("non signature packet found".to_owned())
}

/// Which of the keys that the signature may be of made it.
fn verify(parts: &[Part<'_>], signature: &DetachedSignature, signed: &[u8], now: u64) -> Result<Signer, Refusal> {
    let mut refusal = Refusal::Unknown;
    for part in parts {
        match part.check_signature(signature, signed) {
            Ok(()) => {
                part.check_use(&signature.signature, now)?;
                return Ok(part.signer());
            }
            Err(reason) => refusal = reason,
        }
    }
    Err(refusal)
}

/// A key that may sign: the primary one, or a subkey with the primary one that vouches for it.
enum Part<'k> {
    Primary(&'k SignedPublicKey),
    Subkey(&'k SignedPublicKey, &'k SignedPublicSubKey),
}

fn parts(key: &SignedPublicKey) -> impl Iterator<Item = Part<'_>> {
    std::iter::once(Part::Primary(key)).chain(key.public_subkeys.iter().map(move |subkey| Part::Subkey(key, subkey)))
}

impl<'k> Part<'k> {
    /// Whether the signature names the key, and the key is for signatures.
    fn may_sign(&self, signature: &Signature) -> bool {
        let named = match self {
            Self::Primary(key) => is_named(signature, &key.primary_key),
            Self::Subkey(_, subkey) => is_named(signature, &subkey.key),
        };
        named && self.binding().is_some_and(|binding| binding.key_flags().sign())
    }

    /// What makes the key one of its owner's: the newest signature of the primary key over it.
    fn binding(&self) -> Option<&'k Signature> {
        match self {
            Self::Primary(key) => self_signature(key),
            Self::Subkey(key, subkey) => newest(
                subkey
                    .signatures
                    .iter()
                    .filter(|one| one.typ() == Some(SignatureType::SubkeyBinding))
                    .filter(|one| one.verify_subkey_binding(&key.primary_key, &subkey.key).is_ok())
                    .filter(|one| vouched(one, key, subkey)),
            ),
        }
    }

    fn check_signature(&self, signature: &DetachedSignature, signed: &[u8]) -> Result<(), Refusal> {
        match self {
            Self::Primary(key) => check(signature, &key.primary_key, signed),
            Self::Subkey(_, subkey) => check(signature, &subkey.key, signed),
        }
    }

    /// Whether the key and the signature may be used now.
    fn check_use(&self, signature: &Signature, now: u64) -> Result<(), Refusal> {
        let (Self::Primary(key) | Self::Subkey(key, _)) = self;
        let primary = &key.primary_key;
        if key.details.revocation_signatures.iter().any(|revocation| revocation.verify_key(primary).is_ok()) {
            return Err(Refusal::Revoked);
        }
        let own = self_signature(key).ok_or(Refusal::Unknown)?;
        let mut expiring = vec![signature, own];
        let mut keys_expired = is_key_expired(primary, own, now);
        if let Self::Subkey(_, subkey) = self {
            let revokes = |one: &&Signature| one.typ() == Some(SignatureType::SubkeyRevocation);
            let mut revocations = subkey.signatures.iter().filter(revokes);
            if revocations.any(|one| one.verify_subkey_binding(primary, &subkey.key).is_ok()) {
                return Err(Refusal::Revoked);
            }
            let binding = self.binding().ok_or(Refusal::Unknown)?;
            keys_expired = keys_expired || is_key_expired(&subkey.key, binding, now);
            expiring.push(binding);
        }
        if keys_expired {
            return Err(Refusal::KeyExpired);
        }
        let is_expired = |one: &&Signature| {
            let life = one.signature_expiration_time().map(|life| Duration::from(life).as_secs());
            ends(created(one), life, now)
        };
        if expiring.iter().any(is_expired) { Err(Refusal::SignatureExpired) } else { Ok(()) }
    }

    fn signer(&self) -> Signer {
        let (Self::Primary(key) | Self::Subkey(key, _)) = self;
        let identities =
            key.details.users.iter().map(|user| String::from_utf8_lossy(user.id.id()).into_owned()).collect();
        Signer { identities, fingerprint: format!("{:X}", key.primary_key.fingerprint()) }
    }
}

/// Whether the subkey agrees to be bound.
fn vouched(binding: &Signature, key: &SignedPublicKey, subkey: &SignedPublicSubKey) -> bool {
    binding
        .embedded_signature()
        .is_some_and(|back| back.verify_primary_key_binding(&subkey.key, &key.primary_key).is_ok())
}

fn check(signature: &DetachedSignature, key: &impl VerifyingKey, signed: &[u8]) -> Result<(), Refusal> {
    signature.verify(key, signed).map_err(|_| {
        let algorithm = match key.algorithm() {
            PublicKeyAlgorithm::EdDSALegacy => "EdDSA".to_owned(),
            algorithm => format!("{algorithm:?}"),
        };
        Refusal::Invalid(format!("{algorithm} verification failure"))
    })
}

/// The newest valid signature of the key over itself or one of its users.
fn self_signature(key: &SignedPublicKey) -> Option<&Signature> {
    let primary: &PublicKey = &key.primary_key;
    let direct = key.details.direct_signatures.iter().filter(|one| one.verify_key(primary).is_ok());
    let users = key.details.users.iter().flat_map(|user| {
        let certifies = |one: &&Signature| {
            one.typ() != Some(SignatureType::CertRevocation)
                && one.verify_certification(primary, Tag::UserId, &user.id).is_ok()
        };
        user.signatures.iter().filter(certifies)
    });
    newest(direct.chain(users))
}

fn newest<'a>(signatures: impl Iterator<Item = &'a Signature>) -> Option<&'a Signature> {
    signatures.max_by_key(|one| created(one))
}

fn created(signature: &Signature) -> u64 {
    signature.created().map(|time| seconds(time.into())).unwrap_or_default()
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default()
}

/// Whether a life ends before `now`; one of zero seconds never does.
fn ends(start: u64, life: Option<u64>, now: u64) -> bool {
    life.is_some_and(|life| life != 0 && start.saturating_add(life) <= now)
}

fn is_key_expired(key: &impl KeyDetails, binding: &Signature, now: u64) -> bool {
    let life = binding.key_expiration_time().map(|life| Duration::from(life).as_secs());
    ends(seconds(key.created_at().into()), life, now)
}

fn is_named(signature: &Signature, key: &impl KeyDetails) -> bool {
    signature.issuer_key_id().contains(&&key.legacy_key_id())
        || signature.issuer_fingerprint().contains(&&key.fingerprint())
}
