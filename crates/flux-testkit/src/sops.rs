//! Documents encrypted as SOPS does, with keys that are made for the occasion.

use age::secrecy::ExposeSecret as _;
use anyhow::{Context as _, Result};
use flux_sops::{DataKey, Format, KeyError, MasterKey, Metadata, PlainDocument, Rule, seal_data_key};
use pgp::composed::{
    ArmorOptions, EncryptionCaps, KeyType, MessageBuilder, SecretKeyParamsBuilder, SignedPublicKey, SignedSecretKey,
    SubkeyParamsBuilder,
};
use pgp::crypto::ecc_curve::ECCCurve;
use pgp::crypto::sym::SymmetricKeyAlgorithm;
use pgp::types::KeyDetails as _;
use rand::RngCore as _;

/// A private key of this moment, which documents can be encrypted for.
pub enum SopsKey {
    /// An age identity.
    Age(age::x25519::Identity),
    /// A PGP key without a passphrase.
    Pgp(Box<SignedSecretKey>),
}

impl SopsKey {
    /// A new age identity.
    pub fn age() -> Self {
        Self::Age(age::x25519::Identity::generate())
    }

    /// A new PGP key.
    pub fn pgp() -> Result<Self> {
        let encrypting = SubkeyParamsBuilder::default()
            .key_type(KeyType::ECDH(ECCCurve::Curve25519Legacy))
            .can_encrypt(EncryptionCaps::All)
            .build()?;
        let key = SecretKeyParamsBuilder::default()
            .key_type(KeyType::Ed25519Legacy)
            .can_sign(true)
            .primary_user_id("Test <test@example.com>".to_owned())
            .subkey(encrypting)
            .build()?
            .generate(rand_of_pgp::thread_rng())?;
        Ok(Self::Pgp(Box::new(key)))
    }

    /// The key as a decryption Secret holds it: the name of the entry, and its text.
    pub fn entry(&self) -> Result<(&'static str, String)> {
        match self {
            Self::Age(identity) => Ok(("age.agekey", identity.to_string().expose_secret().to_owned())),
            Self::Pgp(key) => Ok(("pgp.asc", key.to_armored_string(ArmorOptions::default())?)),
        }
    }

    /// `text` with the values that `rule` names encrypted for this key.
    pub fn encrypt(&self, text: &str, format: Format, rule: Rule) -> Result<String> {
        let mut random = |bytes: &mut [u8]| rand::rng().fill_bytes(bytes);
        let key = DataKey::random(&mut random);
        let mut metadata = Metadata::new(vec![self.master()], "2026-01-01T00:00:00Z");
        metadata.rule = rule;
        let encrypt = |_: &MasterKey, part: &[u8]| {
            let unusable = |err: anyhow::Error| KeyError::Encrypted { message: err.to_string() };
            self.encrypt_part(part).map_err(unusable)
        };
        seal_data_key(&mut metadata, &key, &mut random, encrypt)?;
        let plain = PlainDocument::parse(text.as_bytes(), format)?;
        let encrypted = plain.encrypt(metadata, &key, &mut random)?;
        Ok(String::from_utf8(encrypted.print(format)?)?)
    }

    fn master(&self) -> MasterKey {
        let encrypted = String::new();
        match self {
            Self::Age(identity) => MasterKey::Age { recipient: identity.to_public().to_string(), encrypted },
            Self::Pgp(key) => {
                let fingerprint = key.fingerprint().to_string().to_uppercase();
                MasterKey::Pgp { fingerprint, created_at: "2026-01-01T00:00:00Z".to_owned(), encrypted }
            }
        }
    }

    fn encrypt_part(&self, part: &[u8]) -> Result<String> {
        match self {
            Self::Age(identity) => Ok(age::encrypt_and_armor(&identity.to_public(), part)?),
            Self::Pgp(key) => {
                let public = SignedPublicKey::from((**key).clone());
                let subkey = public.public_subkeys.first().context("the key has no part that encrypts")?;
                let mut random = rand_of_pgp::thread_rng();
                let mut message =
                    MessageBuilder::from_bytes("", part.to_vec()).seipd_v1(&mut random, SymmetricKeyAlgorithm::AES256);
                message.encrypt_to_key(&mut random, subkey)?;
                Ok(message.to_armored_string(&mut random, ArmorOptions::default())?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flux_sops::{Integrity, Keyring, decrypt};

    use super::*;

    #[test]
    fn what_a_key_encrypts_it_opens() {
        let text = "user: admin\npassword: hunter2\n";
        for key in [SopsKey::age(), SopsKey::pgp().unwrap()] {
            let rule = Rule::EncryptedRegex("^password$".to_owned());
            let encrypted = key.encrypt(text, Format::Yaml, rule).unwrap();
            assert!(encrypted.contains("user: admin") && !encrypted.contains("hunter2"), "{encrypted}");
            let mut ring = Keyring::new();
            match key.entry().unwrap() {
                (name, text) if name.ends_with(".agekey") => ring.add_age(&text).unwrap(),
                (_, text) => ring.add_pgp(text.as_bytes()).unwrap(),
            }
            let plain = decrypt(encrypted.as_bytes(), Format::Yaml, Format::Yaml, &ring, Integrity::Required).unwrap();
            assert_eq!(std::str::from_utf8(&plain).unwrap(), text);
        }
    }
}
