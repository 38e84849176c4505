//! PGP signatures.

use std::time::{SystemTime, UNIX_EPOCH};

use pgp::composed::{Deserializable, DetachedSignature, SignedPublicKey, SignedPublicSubKey};
use pgp::packet::{PublicKey, Signature, SignatureType};
use pgp::types::{KeyDetails, Tag};

use crate::commit::Signed;
use crate::error::chain;
use crate::verify::{Entry, Signer, VerifyError, readable, untrusted};

const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";

/// The keys of one or several armored blocks.
pub(super) fn parse(text: &str) -> Result<Vec<SignedPublicKey>, String> {
    let starts: Vec<_> = text.match_indices(BEGIN).map(|(at, _)| at).collect();
    let mut keys = Vec::new();
    for (index, start) in starts.iter().enumerate() {
        let block = &text[*start..starts.get(index + 1).copied().unwrap_or(text.len())];
        let (found, _) = SignedPublicKey::from_string_many(block).map_err(|err| chain(&err))?;
        for key in found {
            keys.push(key.map_err(|err| chain(&err))?);
        }
    }
    if keys.is_empty() { Err("it holds no armored PGP public key".to_owned()) } else { Ok(keys) }
}

/// Who of the keys made the signature.
pub(super) fn verify(keys: &[Entry<SignedPublicKey>], signed: &Signed, now: i64) -> Result<Signer, VerifyError> {
    let (signature, _) = DetachedSignature::from_armor_single(signed.signature.as_slice())
        .map_err(|err| VerifyError::InvalidSignature(chain(&err)))?;
    if !matches!(signature.signature.typ(), Some(SignatureType::Binary | SignatureType::Text)) {
        return Err(VerifyError::InvalidSignature("it is not over a document".to_owned()));
    }
    let now = u64::try_from(now).unwrap_or_default();
    let mut refusal = None;
    for key in readable(keys) {
        for part in parts(key).filter(|part| part.is_issuer(&signature.signature)) {
            let valid =
                part.check_signature(&signature, &signed.payload).and_then(|()| part.check_use(now)).and_then(|()| {
                    if expired(&signature.signature, now) { Err("the signature is expired".to_owned()) } else { Ok(()) }
                });
            match valid {
                Ok(()) => return Ok(Signer::Pgp { key_id: key_id(&key.primary_key) }),
                Err(reason) => refusal = Some(VerifyError::Bad { signer: part.key_id(), reason }),
            }
        }
    }
    Err(refusal.unwrap_or_else(|| untrusted("PGP", issuer(&signature.signature), keys, |key| key_id(&key.primary_key))))
}

/// A key that may sign: the primary one, or a subkey with the primary one that vouches for it.
enum Part<'a> {
    Primary(&'a SignedPublicKey),
    Subkey(&'a SignedPublicKey, &'a SignedPublicSubKey),
}

fn parts(key: &SignedPublicKey) -> impl Iterator<Item = Part<'_>> {
    std::iter::once(Part::Primary(key)).chain(key.public_subkeys.iter().map(move |subkey| Part::Subkey(key, subkey)))
}

impl Part<'_> {
    fn key_id(&self) -> String {
        match self {
            Self::Primary(key) => key_id(&key.primary_key),
            Self::Subkey(_, subkey) => key_id(&subkey.key),
        }
    }

    fn is_issuer(&self, signature: &Signature) -> bool {
        match self {
            Self::Primary(key) => named(signature, &key.primary_key),
            Self::Subkey(_, subkey) => named(signature, &subkey.key),
        }
    }

    fn check_signature(&self, signature: &DetachedSignature, payload: &[u8]) -> Result<(), String> {
        match self {
            Self::Primary(key) => signature.verify(&key.primary_key, payload),
            Self::Subkey(_, subkey) => signature.verify(&subkey.key, payload),
        }
        .map_err(|err| chain(&err))
    }

    /// Whether the key is bound, not revoked and not expired, with its primary one.
    fn check_use(&self, now: u64) -> Result<(), String> {
        let (Self::Primary(key) | Self::Subkey(key, _)) = self;
        let primary = &key.primary_key;
        if key.details.revocation_signatures.iter().any(|revocation| revocation.verify_key(primary).is_ok()) {
            return Err("the key is revoked".to_owned());
        }
        let own = self_signature(key).ok_or_else(|| "the key has no valid signature of its own".to_owned())?;
        if key_expired(primary, own, now) {
            return Err("the key is expired".to_owned());
        }
        let Self::Subkey(_, subkey) = self else { return Ok(()) };
        let bindings =
            || subkey.signatures.iter().filter(|one| one.verify_subkey_binding(primary, &subkey.key).is_ok());
        if bindings().any(|one| one.typ() == Some(SignatureType::SubkeyRevocation)) {
            return Err("the key is revoked".to_owned());
        }
        let binding = newest(bindings().filter(|one| one.typ() == Some(SignatureType::SubkeyBinding)))
            .ok_or_else(|| "the key is not bound to its primary key".to_owned())?;
        let vouched = binding
            .embedded_signature()
            .is_some_and(|back| back.verify_primary_key_binding(&subkey.key, primary).is_ok());
        if !binding.key_flags().sign() || !vouched {
            return Err("the key may not sign".to_owned());
        }
        if key_expired(&subkey.key, binding, now) {
            return Err("the key is expired".to_owned());
        }
        Ok(())
    }
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

/// Whether `binding` ends the key's life before `now`. A life of zero seconds never ends.
fn key_expired(key: &impl KeyDetails, binding: &Signature, now: u64) -> bool {
    let life = binding.key_expiration_time().map(|life| std::time::Duration::from(life).as_secs());
    life.is_some_and(|life| life != 0 && seconds(key.created_at().into()) + life <= now)
}

fn expired(signature: &Signature, now: u64) -> bool {
    let life = signature.signature_expiration_time().map(|life| std::time::Duration::from(life).as_secs());
    life.is_some_and(|life| life != 0 && created(signature) + life <= now)
}

/// Whether the signature says that `key` made it, or says nothing.
fn named(signature: &Signature, key: &impl KeyDetails) -> bool {
    let (ids, fingerprints) = (signature.issuer_key_id(), signature.issuer_fingerprint());
    let silent = ids.is_empty() && fingerprints.is_empty();
    silent || ids.contains(&&key.legacy_key_id()) || fingerprints.contains(&&key.fingerprint())
}

/// The key id that the signature names.
fn issuer(signature: &Signature) -> String {
    let id = signature.issuer_key_id().first().map(|id| id.to_string().to_uppercase());
    let fingerprint = || signature.issuer_fingerprint().first().map(|one| format!("{one:X}"));
    id.or_else(fingerprint).unwrap_or_else(|| "unknown".to_owned())
}

fn key_id(key: &impl KeyDetails) -> String {
    key.legacy_key_id().to_string().to_uppercase()
}
