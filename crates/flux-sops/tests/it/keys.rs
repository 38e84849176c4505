//! What a ring opens, and what it refuses.

use flux_sops::{KeyError, Keyring, MasterKey, encrypt_age};

const PART: &[u8; 32] = b"0123456789abcdef0123456789abcdef";
const ED25519: &str = include_str!("../testdata/ed25519");
const ED25519_PUBLIC: &str = include_str!("../testdata/ed25519.pub");
const RSA: &str = include_str!("../testdata/rsa");
const RSA_PUBLIC: &str = include_str!("../testdata/rsa.pub");
const LOCKED: &str = include_str!("../testdata/locked");
const ONE: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

fn age_key(encrypted: String) -> MasterKey {
    MasterKey::Age { recipient: "age1x".to_owned(), encrypted }
}

fn pgp_key(encrypted: String) -> MasterKey {
    MasterKey::Pgp { fingerprint: "F".to_owned(), created_at: String::new(), encrypted }
}

fn ring(text: &str) -> Keyring {
    let mut ring = Keyring::new();
    ring.add_age(text).unwrap();
    ring
}

fn opens(ring: &Keyring, key: &MasterKey) {
    assert_eq!(ring.decrypt(key).unwrap().as_slice(), PART);
}

#[test]
fn age_identities_open_what_was_encrypted_for_them() {
    let (own, other) = (age::x25519::Identity::generate(), age::x25519::Identity::generate());
    let text = |identity: &age::x25519::Identity| {
        use age::secrecy::ExposeSecret as _;
        format!("# created: today\n\n{}\n", identity.to_string().expose_secret())
    };
    let key = age_key(encrypt_age(&own.to_public().to_string(), PART).unwrap());
    opens(&ring(&text(&own)), &key);
    opens(&ring(&(text(&other) + &text(&own))), &key);
    assert_eq!(ring(&text(&other)).decrypt(&key).unwrap_err(), KeyError::NoMatch);
    assert_eq!(Keyring::new().decrypt(&key).unwrap_err(), KeyError::NoMatch);
}

#[test]
fn ssh_keys_open_what_was_encrypted_for_them() {
    for (private, public) in [(ED25519, ED25519_PUBLIC), (RSA, RSA_PUBLIC)] {
        let key = age_key(encrypt_age(public.trim(), PART).unwrap());
        opens(&ring(private), &key);
        assert_eq!(ring(ONE).decrypt(&key).unwrap_err(), KeyError::NoMatch);
    }
}

#[test]
fn passphrases_are_refused() {
    let mut recipient = age::scrypt::Recipient::new(age::secrecy::SecretString::from("secret"));
    recipient.set_work_factor(2);
    let key = age_key(age::encrypt_and_armor(&recipient, PART).unwrap());
    assert_eq!(ring(ONE).decrypt(&key).unwrap_err(), KeyError::Passphrase);
    assert_eq!(Keyring::new().add_age(LOCKED).unwrap_err(), KeyError::Protected { kind: "age" });
}

#[test]
fn text_that_is_no_age_key_is_refused_without_being_shown() {
    for text in ["hunter2", "AGE-SECRET-KEY-1HUNTER2", "AGE-PLUGIN-X-1", "AGE-SECRET-KEY-PQ-1X", "-----BEGIN X-----\n"]
    {
        let err = Keyring::new().add_age(text).unwrap_err();
        assert!(matches!(err, KeyError::Unreadable { kind: "age", .. }), "{err}");
        assert!(!err.to_string().to_lowercase().contains("hunter2"), "{err}");
    }
}

#[test]
fn damaged_data_keys_are_told_apart_from_foreign_ones() {
    let own = age::x25519::Identity::generate();
    let encrypted = encrypt_age(&own.to_public().to_string(), PART).unwrap();
    for text in ["", "x", &encrypted[..encrypted.len() / 2]] {
        let err = ring(ONE).decrypt(&age_key(text.to_owned())).unwrap_err();
        assert!(matches!(err, KeyError::Encrypted { .. }), "{err}");
    }
}

#[test]
fn keys_of_services_are_left_to_them() {
    let key = MasterKey::GcpKms { resource_id: "r".to_owned(), created_at: String::new(), encrypted: String::new() };
    assert_eq!(ring(ONE).decrypt(&key).unwrap_err(), KeyError::Service { kind: "gcp_kms" });
}

#[test]
fn debug_shows_no_key() {
    assert_eq!(format!("{:?}", ring(ONE)), "Keyring(1 age, 0 PGP)");
}

mod pgp_keys {
    use pgp::composed::{
        ArmorOptions, EncryptionCaps, KeyType, MessageBuilder, SecretKeyParamsBuilder, SignedPublicKey,
        SignedSecretKey, SubkeyParamsBuilder,
    };
    use pgp::crypto::ecc_curve::ECCCurve;
    use pgp::crypto::sym::SymmetricKeyAlgorithm;
    use pgp::ser::Serialize as _;

    use super::*;

    fn generate(passphrase: Option<&str>) -> SignedSecretKey {
        let subkey = SubkeyParamsBuilder::default()
            .key_type(KeyType::ECDH(ECCCurve::Curve25519Legacy))
            .can_encrypt(EncryptionCaps::All)
            .passphrase(passphrase.map(str::to_owned))
            .build()
            .unwrap();
        SecretKeyParamsBuilder::default()
            .key_type(KeyType::Ed25519Legacy)
            .can_sign(true)
            .primary_user_id("Test <test@example.com>".to_owned())
            .passphrase(passphrase.map(str::to_owned))
            .subkey(subkey)
            .build()
            .unwrap()
            .generate(rand_of_pgp::thread_rng())
            .unwrap()
    }

    fn encrypt(key: &SignedSecretKey) -> MasterKey {
        let public = SignedPublicKey::from(key.clone());
        let mut random = rand_of_pgp::thread_rng();
        let mut message =
            MessageBuilder::from_bytes("", PART.to_vec()).seipd_v1(&mut random, SymmetricKeyAlgorithm::AES256);
        message.encrypt_to_key(&mut random, &public.public_subkeys[0]).unwrap();
        pgp_key(message.to_armored_string(&mut random, ArmorOptions::default()).unwrap())
    }

    #[test]
    fn pgp_keys_open_messages_armored_and_binary() {
        let own = generate(None);
        let message = encrypt(&own);
        let armored = own.to_armored_string(ArmorOptions::default()).unwrap().into_bytes();
        let mut binary = Vec::new();
        own.to_writer(&mut binary).unwrap();
        for data in [armored, binary] {
            let mut ring = Keyring::new();
            ring.add_pgp(&data).unwrap();
            opens(&ring, &message);
        }
        let mut ring = Keyring::new();
        assert_eq!(ring.decrypt(&message).unwrap_err(), KeyError::NoMatch);
        let other = generate(None).to_armored_string(ArmorOptions::default()).unwrap();
        ring.add_pgp(other.as_bytes()).unwrap();
        assert_eq!(ring.decrypt(&message).unwrap_err(), KeyError::NoMatch);
    }

    #[test]
    fn what_gnupg_encrypted_is_opened_with_the_key_that_it_exported() {
        let mut ring = Keyring::new();
        ring.add_pgp(include_bytes!("../testdata/gnupg.asc")).unwrap();
        opens(&ring, &pgp_key(include_str!("../testdata/gnupg.message").to_owned()));
    }

    #[test]
    fn what_is_no_usable_pgp_key_is_refused() {
        let locked = generate(Some("secret")).to_armored_string(ArmorOptions::default()).unwrap();
        assert_eq!(Keyring::new().add_pgp(locked.as_bytes()).unwrap_err(), KeyError::Protected { kind: "PGP" });
        let public = SignedPublicKey::from(generate(None)).to_armored_string(ArmorOptions::default()).unwrap();
        for data in [public.as_bytes(), b"x", b""] {
            let err = Keyring::new().add_pgp(data).unwrap_err();
            assert!(matches!(err, KeyError::Unreadable { kind: "PGP", .. }), "{err}");
        }
    }

    #[test]
    fn text_that_is_no_message_is_an_error() {
        let mut ring = Keyring::new();
        let own = generate(None).to_armored_string(ArmorOptions::default()).unwrap();
        ring.add_pgp(own.as_bytes()).unwrap();
        for text in ["", "x", "-----BEGIN PGP MESSAGE-----\n\nAAAA\n-----END PGP MESSAGE-----\n"] {
            let err = ring.decrypt(&pgp_key(text.to_owned())).unwrap_err();
            assert!(matches!(err, KeyError::Encrypted { .. }), "{err}");
        }
    }
}
