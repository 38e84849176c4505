//! Groups of keys: one is enough, or as many as the threshold says.

use flux_sops::{
    DataKey, Document, Error, Format, Integrity, MasterKey, Metadata, PlainDocument, Recovery, seal_data_key,
};
use zeroize::Zeroizing;

use crate::numbers::Numbers;

/// A key whose encryption is to write the part in hexadecimal digits.
fn key(id: &str) -> MasterKey {
    MasterKey::HuaweiKms {
        key_id: id.to_owned(),
        created_at: "2026-01-01T00:00:00Z".to_owned(),
        encrypted: String::new(),
    }
}

fn sealed(groups: &[&[&str]], threshold: i64) -> (Metadata, DataKey) {
    let mut numbers = Numbers::new(5);
    let mut random = |bytes: &mut [u8]| numbers.fill(bytes);
    let data_key = DataKey::random(&mut random);
    let mut metadata = Metadata::new(Vec::new(), "2026-01-01T00:00:00Z");
    metadata.key_groups = groups.iter().map(|group| group.iter().map(|id| key(id)).collect()).collect();
    metadata.shamir_threshold = threshold;
    seal_data_key(&mut metadata, &data_key, &mut random, |_, part| Ok(hex::encode(part))).unwrap();
    (metadata, data_key)
}

fn recover(metadata: &Metadata, known: &[&str]) -> Result<DataKey, Error> {
    let mut recovery = Recovery::new(metadata);
    while let Some(key) = recovery.next_key() {
        if known.contains(&key.name().as_str()) {
            recovery.resolved(Zeroizing::new(hex::decode(key.encrypted()).unwrap()));
        } else {
            recovery.failed("denied");
        }
    }
    recovery.finish()
}

#[test]
fn any_key_of_a_single_group_gives_the_data_key() {
    let (metadata, data_key) = sealed(&[&["a", "b"]], 0);
    for known in ["a", "b"] {
        assert_eq!(recover(&metadata, &[known]).unwrap().bytes(), data_key.bytes());
    }
    assert_eq!(
        recover(&metadata, &[]).unwrap_err().to_string(),
        "Error getting data key: 0 successful groups required, got 0 (hckms a: denied; hckms b: denied)"
    );
}

#[test]
fn as_many_groups_as_the_threshold_says_give_the_data_key() {
    let (metadata, data_key) = sealed(&[&["a1", "a2"], &["b"], &["c"]], 2);
    for known in [["a2", "b"], ["b", "c"], ["a1", "c"]] {
        assert_eq!(recover(&metadata, &known).unwrap().bytes(), data_key.bytes());
    }
    assert_eq!(recover(&metadata, &["a1", "a2", "b", "c"]).unwrap().bytes(), data_key.bytes());
    assert_eq!(
        recover(&metadata, &["a1", "a2"]).unwrap_err().to_string(),
        "Error getting data key: 2 successful groups required, got 1 (hckms b: denied; hckms c: denied)"
    );
}

#[test]
fn without_a_threshold_all_groups_are_needed() {
    let (metadata, data_key) = sealed(&[&["a"], &["b"]], 0);
    assert_eq!(metadata.shamir_threshold, 2);
    assert_eq!(recover(&metadata, &["a", "b"]).unwrap().bytes(), data_key.bytes());
    assert!(matches!(recover(&metadata, &["a"]), Err(Error::DataKey { required: 2, successful: 1, .. })));
}

#[test]
fn keys_that_need_no_service_are_tried_first() {
    let age = MasterKey::Age { recipient: "age".to_owned(), encrypted: String::new() };
    let pgp = MasterKey::Pgp { fingerprint: "pgp".to_owned(), created_at: String::new(), encrypted: String::new() };
    let metadata = Metadata::new(vec![key("a"), pgp, key("b"), age], "2026-01-01T00:00:00Z");
    let mut recovery = Recovery::new(&metadata);
    let mut order = Vec::new();
    while let Some(key) = recovery.next_key() {
        order.push(key.name());
        recovery.failed("no");
    }
    assert_eq!(order, ["age", "pgp", "a", "b"]);
}

#[test]
fn documents_keep_groups_in_every_format() {
    let (metadata, data_key) = sealed(&[&["a1", "a2"], &["b"], &["c"]], 2);
    for (format, text) in [
        (Format::Yaml, "a: b\n"),
        (Format::Json, "{\n\t\"a\": \"b\"\n}\n"),
        (Format::Dotenv, "a=b\n"),
        (Format::Ini, "[s]\na = b\n"),
        (Format::Binary, "a\nb"),
    ] {
        let mut numbers = Numbers::new(6);
        let plain = PlainDocument::parse(text.as_bytes(), format).unwrap();
        let encrypted = plain.encrypt(metadata.clone(), &data_key, &mut |bytes| numbers.fill(bytes)).unwrap();
        let printed = encrypted.print(format).unwrap();
        assert!(format.is_encrypted(&printed), "{}", format.name());
        let read = Document::parse(&printed, format).unwrap();
        assert_eq!(read.metadata(), encrypted.metadata(), "{}", format.name());
        let data_key = recover(read.metadata(), &["a2", "c"]).unwrap();
        let decrypted = read.decrypt(&data_key, Integrity::Required).unwrap().print(format).unwrap();
        assert_eq!(std::str::from_utf8(&decrypted).unwrap(), text);
    }
}
