//! Provenance files.

use std::error::Error as _;

use flux_helm::chart::provenance::{Keyring, Verification, verify};
use flux_tar::{Algorithm, Digest};
use jiff::Timestamp;
use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, KeyType, SecretKeyParamsBuilder, SignedPublicKey, SignedSecretKey,
    SubkeyParamsBuilder,
};
use pgp::ser::Serialize;
use pgp::types::{Password, SigningKey};
use rand_of_pgp::rngs::OsRng;

const ARCHIVE: &[u8] = b"an archive";

/// After the keys of the tests are made, in every year that these tests may see.
fn now() -> Timestamp {
    Timestamp::from_second(4_000_000_000).unwrap()
}

fn key(may_sign: bool) -> SignedSecretKey {
    let signing = SubkeyParamsBuilder::default().key_type(KeyType::Ed25519Legacy).can_sign(true).build().unwrap();
    let mut key = SecretKeyParamsBuilder::default();
    key.key_type(KeyType::Ed25519Legacy).can_certify(true).can_sign(may_sign).subkey(signing);
    key.primary_user_id("Packager <packager@example.com>".into()).build().unwrap().generate(OsRng).unwrap()
}

fn ring(keys: &[&SignedSecretKey]) -> Keyring {
    let bytes: Vec<u8> =
        keys.iter().flat_map(|key| SignedPublicKey::from((*key).clone()).to_bytes().unwrap()).collect();
    Keyring::read(&bytes).unwrap()
}

fn message() -> String {
    let digest = Digest::of(Algorithm::Sha256, ARCHIVE);
    format!("apiVersion: v2\nname: app\nversion: 1.0.0\n\n...\nfiles:\n  app-1.0.0.tgz: sha256:{}\n", digest.hex())
}

fn signed(key: &impl SigningKey, text: &str) -> String {
    let message = CleartextSignedMessage::sign(OsRng, text, key, &Password::empty()).unwrap();
    message.to_armored_string(ArmorOptions::default()).unwrap()
}

fn check(ring: &Keyring, provenance: &str, archive: &[u8]) -> Result<Verification, String> {
    verify(ring, archive, provenance.as_bytes(), "app-1.0.0.tgz", now()).map_err(|err| err.to_string())
}

#[test]
fn a_signed_digest_of_the_archive_counts() {
    let (one, two) = (key(true), key(true));
    let ring = ring(&[&one, &two]);
    let found = check(&ring, &signed(&two.primary_key, &message()), ARCHIVE).unwrap();
    assert_eq!(found.signed_by.identities, ["Packager <packager@example.com>"]);
    assert_eq!(found.signed_by.fingerprint.len(), 40);
    assert_eq!(found.file_hash, format!("sha256:{}", Digest::of(Algorithm::Sha256, ARCHIVE).hex()));
    let by_subkey = check(&ring, &signed(&two.secret_subkeys[0].key, &message()), ARCHIVE).unwrap();
    assert_eq!(by_subkey.signed_by, found.signed_by);
}

#[test]
fn what_was_not_signed_by_a_key_of_the_ring_is_refused() {
    let (one, two) = (key(true), key(false));
    let provenance = signed(&one.primary_key, &message());
    let refused = |ring: &Keyring, provenance: &str| check(ring, provenance, ARCHIVE).unwrap_err();
    assert_eq!(refused(&ring(&[&two]), &provenance), "openpgp: signature made by unknown entity");
    assert_eq!(refused(&Keyring::default(), &provenance), "openpgp: signature made by unknown entity");
    let by_another_purpose = signed(&two.primary_key, &message());
    assert_eq!(refused(&ring(&[&two]), &by_another_purpose), "openpgp: signature made by unknown entity");
    let changed = provenance.replace("1.0.0", "1.0.1");
    assert_eq!(refused(&ring(&[&one]), &changed), "openpgp: invalid signature: EdDSA verification failure");
    assert_eq!(refused(&ring(&[&one]), "apiVersion: v2\n"), "signature block not found");
}

#[test]
fn another_archive_than_the_signed_one_is_refused() {
    let key = key(true);
    let ring = ring(&[&key]);
    let refused = |text: &str, archive| check(&ring, &signed(&key.primary_key, text), archive).unwrap_err();
    assert_eq!(
        refused(&message(), b"another"),
        format!(
            "sha256 sum does not match for app-1.0.0.tgz: \"sha256:{}\" != \"sha256:{}\"",
            Digest::of(Algorithm::Sha256, ARCHIVE).hex(),
            Digest::of(Algorithm::Sha256, b"another").hex()
        )
    );
    assert_eq!(
        refused(&message().replace("app-", "other-"), ARCHIVE),
        "provenance does not contain a SHA for a file named \"app-1.0.0.tgz\""
    );
    assert_eq!(refused("name: app\n", ARCHIVE), "message block must have at least two parts");
    assert_eq!(
        refused("name: app\n...\nfiles: []\n", ARCHIVE),
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go struct field \
         SumCollection.files of type map[string]string"
    );
}

#[test]
fn keyrings_may_be_armored_or_secret_and_must_be_readable() {
    let key = key(true);
    let provenance = signed(&key.primary_key, &message());
    let armored = SignedPublicKey::from(key.clone()).to_armored_string(ArmorOptions::default()).unwrap();
    for ring in [armored.into_bytes(), key.to_bytes().unwrap()] {
        assert!(check(&Keyring::read(&ring).unwrap(), &provenance, ARCHIVE).is_ok());
    }
    assert!(Keyring::read(b"no keys here").unwrap_err().source().is_some());
}
