//! Whose signature a commit or tag bears.

use flux_git::verify::{Keys, Signer, VerifyError};
use flux_git::{FetchOptions, Reference, Signed};
use flux_testkit::{Change, SshKey, ssh_signature};
use pgp::composed::{
    ArmorOptions, DetachedSignature, KeyType, SecretKeyParamsBuilder, SignedPublicKey, SignedSecretKey,
    SubkeyParamsBuilder,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::types::{KeyDetails, Password, SigningKey};
use rand_of_pgp::rngs::OsRng;

use crate::fixture::Fixture;

/// After the keys of the tests are made, in every year that these tests may see.
const NOW: i64 = 4_000_000_000;

fn pgp_key() -> SignedSecretKey {
    let signing = SubkeyParamsBuilder::default().key_type(KeyType::Ed25519Legacy).can_sign(true).build().unwrap();
    let mut key = SecretKeyParamsBuilder::default();
    key.key_type(KeyType::Ed25519Legacy).can_certify(true).can_sign(true).subkey(signing);
    key.primary_user_id("Test <test@example.com>".into()).build().unwrap().generate(OsRng).unwrap()
}

fn armored(key: &SignedSecretKey) -> String {
    SignedPublicKey::from(key.clone()).to_armored_string(ArmorOptions::default()).unwrap()
}

fn pgp_signed(key: &impl SigningKey, payload: &[u8]) -> String {
    let signature =
        DetachedSignature::sign_binary_data(OsRng, key, &Password::empty(), HashAlgorithm::Sha256, payload).unwrap();
    signature.to_armored_string(ArmorOptions::default()).unwrap()
}

fn keys(entries: &[(&str, &str)]) -> Keys {
    Keys::parse(entries.iter().map(|(name, text)| (*name, text.as_bytes()))).unwrap()
}

fn signed(signature: String, payload: &[u8]) -> Signed {
    Signed { signature: signature.into_bytes(), payload: payload.to_vec() }
}

#[tokio::test]
async fn commits_and_tags_are_verified_with_pgp_and_ssh_keys() {
    let fixture = Fixture::new();
    let ssh = SshKey::generate().unwrap();
    let key = pgp_key();
    let repository = &fixture.repository;
    let sign_pgp = |payload: &[u8]| Ok(pgp_signed(&key.primary_key, payload));
    let sign_ssh = |payload: &[u8]| ssh_signature(&ssh, payload);
    let first = repository.commit_signed("main", "pgp\n\nbody", &[Change::File("a", b"1")], sign_pgp).unwrap();
    let second = repository.commit_signed("main", "ssh", &[Change::File("a", b"2")], sign_ssh).unwrap();
    repository.tag_signed("v1", &first, "by ssh", sign_ssh).unwrap();
    repository.tag_signed("v2", &second, "by pgp", sign_pgp).unwrap();
    repository.commit_files("main", "unsigned", &[("a", "3")]).unwrap();
    repository.tag_annotated("v3", "main", "unsigned").unwrap();

    let keys = keys(&[("author.asc", &armored(&key)), ("author.sshpub", &ssh.public().unwrap())]);
    let by_pgp = Signer::Pgp { key_id: key.primary_key.legacy_key_id().to_string().to_uppercase() };
    for (tag, commit_signer, tag_signer) in [("v1", Some(&by_pgp), None), ("v2", None, Some(&by_pgp))] {
        let checkout = fixture.fetch(Reference::Tag(tag.to_owned()), &FetchOptions::default()).await.unwrap();
        let commit = keys.verify(checkout.commit().signed().unwrap(), NOW).unwrap();
        let tagger = keys.verify(checkout.tag().unwrap().signed().unwrap(), NOW).unwrap();
        for (found, expected) in [(commit, commit_signer), (tagger, tag_signer)] {
            match expected {
                Some(expected) => assert_eq!(found, *expected),
                None => assert!(matches!(found, Signer::Ssh { .. })),
            }
        }
    }
    let checkout = fixture.fetch(Reference::Tag("v3".to_owned()), &FetchOptions::default()).await.unwrap();
    assert!(checkout.commit().signed().is_none() && checkout.tag().unwrap().signed().is_none());
}

#[test]
fn a_signing_subkey_counts_as_its_primary_key() {
    let key = pgp_key();
    let signature = signed(pgp_signed(&key.secret_subkeys[0].key, b"payload"), b"payload");
    let signer = keys(&[("k", &armored(&key))]).verify(&signature, NOW).unwrap();
    assert_eq!(signer.to_string(), key.primary_key.legacy_key_id().to_string().to_uppercase());
}

#[test]
fn a_key_among_several_rings_and_blocks_is_found() {
    let (one, two, three) = (pgp_key(), pgp_key(), pgp_key());
    let both = format!("{}\n{}", armored(&one), armored(&two));
    let signature = signed(pgp_signed(&two.primary_key, b"payload"), b"payload");
    keys(&[("three.asc", &armored(&three)), ("both.asc", &both)]).verify(&signature, NOW).unwrap();
    let broken = keys(&[("broken.asc", "no key"), ("two.asc", &armored(&two))]);
    broken.verify(&signature, NOW).unwrap();
    let other = signed(pgp_signed(&three.primary_key, b"payload"), b"payload");
    let err = broken.verify(&other, NOW).unwrap_err();
    assert!(matches!(err, VerifyError::InvalidKey { ref name, .. } if name == "broken.asc"), "{err:?}");
}

#[test]
fn other_keys_and_other_contents_are_refused() {
    let (key, other) = (pgp_key(), pgp_key());
    let signature = pgp_signed(&key.primary_key, b"payload");
    let id = |key: &SignedSecretKey| key.primary_key.legacy_key_id().to_string().to_uppercase();
    let err = keys(&[("k", &armored(&other))]).verify(&signed(signature.clone(), b"payload"), NOW).unwrap_err();
    assert_eq!(err, VerifyError::Untrusted { signer: id(&key), trusted: id(&other) });
    let err = keys(&[("k", &armored(&key))]).verify(&signed(signature, b"changed"), NOW).unwrap_err();
    assert!(matches!(err, VerifyError::Bad { ref signer, .. } if *signer == id(&key)), "{err:?}");

    let (ssh, other) = (SshKey::generate().unwrap(), SshKey::generate().unwrap());
    let signature = ssh_signature(&ssh, b"payload").unwrap();
    let err = keys(&[("k.sshpub", &other.public().unwrap())])
        .verify(&signed(signature.clone(), b"payload"), NOW)
        .unwrap_err();
    assert!(matches!(err, VerifyError::Untrusted { .. }), "{err:?}");
    let own = keys(&[("k.sshpub", &format!("# trusted\n{}\n", ssh.public().unwrap()))]);
    assert!(own.verify(&signed(signature.clone(), b"payload"), NOW).is_ok());
    let err = own.verify(&signed(signature.clone(), b"changed"), NOW).unwrap_err();
    assert!(matches!(err, VerifyError::Bad { .. }), "{err:?}");
    let err = keys(&[("k.asc", &armored(&key))]).verify(&signed(signature, b"payload"), NOW).unwrap_err();
    assert_eq!(err.to_string(), "signed with SSH, but no SSH public key is given");
}

#[test]
fn an_ssh_signature_for_something_else_is_refused() {
    let key = ssh_key::PrivateKey::from_openssh(SshKey::generate().unwrap().private().unwrap()).unwrap();
    let signature = key.sign("file", ssh_key::HashAlg::Sha256, b"payload").unwrap();
    let signature = signed(signature.to_pem(ssh_key::LineEnding::LF).unwrap(), b"payload");
    let err = keys(&[("k.sshpub", &key.public_key().to_openssh().unwrap())]).verify(&signature, NOW).unwrap_err();
    assert!(err.to_string().ends_with("it was made for \"file\", not for \"git\""), "{err}");
}

#[test]
fn a_secret_without_any_readable_key_is_refused_at_once() {
    let err = Keys::parse([("a.asc", &b"text"[..]), ("b.sshpub", b"text")]).unwrap_err();
    assert!(matches!(err, VerifyError::InvalidKey { ref name, .. } if name == "a.asc"), "{err:?}");
}

#[test]
fn signatures_of_no_known_kind_are_refused() {
    let err = keys(&[]).verify(&signed("-----BEGIN SIGNED MESSAGE-----".to_owned(), b""), NOW).unwrap_err();
    assert_eq!(err, VerifyError::UnknownFormat);
}
