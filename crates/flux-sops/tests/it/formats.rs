//! Documents in their formats: what is kept, what is refused, and what the metadata may be.

use std::collections::BTreeMap;

use flux_sops::{
    CipherError, DataKey, Document, Error, Format, Integrity, MasterKey, Metadata, MetadataError, PlainDocument, Rule,
    ValueError,
};

use crate::numbers::Numbers;

const TIME: &str = "2026-01-02T03:04:05Z";

fn data_key() -> DataKey {
    DataKey::new(vec![3; 32])
}

fn metadata() -> Metadata {
    let key = MasterKey::Age { recipient: "age1x".to_owned(), encrypted: "line\nline\n".to_owned() };
    Metadata::new(vec![key], TIME)
}

fn encrypt(text: &str, format: Format, metadata: Metadata) -> Document {
    let mut numbers = Numbers::new(9);
    let plain = PlainDocument::parse(text.as_bytes(), format).unwrap();
    plain.encrypt(metadata, &data_key(), &mut |bytes| numbers.fill(bytes)).unwrap()
}

fn round_trip(text: &str, format: Format, metadata: Metadata) -> (String, String) {
    let printed = encrypt(text, format, metadata).print(format).unwrap();
    let read = Document::parse(&printed, format).unwrap();
    let plain = read.decrypt(&data_key(), Integrity::Required).unwrap().print(format).unwrap();
    (String::from_utf8(printed).unwrap(), String::from_utf8(plain.to_vec()).unwrap())
}

#[test]
fn yaml_keeps_order_comments_and_types() {
    let text = "# head\nb: 1\na: # of a\n    - x\n    - y: [1.5, null]\nz: q # beside\n\n# below\n---\nc: 2001-01-01\n# foot\n";
    let (encrypted, plain) = round_trip(text, Format::Yaml, metadata());
    assert!(!encrypted.contains("head") && encrypted.contains(",type:comment]"), "{encrypted}");
    assert_eq!(encrypted.matches("\nsops:\n").count(), 2, "each document has the metadata");
    // Comments behind values move above them when they were encrypted, as in SOPS.
    assert_eq!(
        plain,
        "# head\nb: 1\n# of a\na:\n    - x\n    - \"y\":\n        - 1.5\n        - null\n# beside\nz: q\n# below\n---\nc: \
         2001-01-01T00:00:00Z\n# foot\n"
    );
}

#[test]
fn comments_in_lists_break_the_code_as_they_do_in_sops() {
    let document = encrypt("a:\n    # c\n    - x\n", Format::Yaml, metadata());
    assert!(matches!(document.clone().decrypt(&data_key(), Integrity::Required), Err(Error::MacMismatch)));
    let plain = document.decrypt(&data_key(), Integrity::Ignored).unwrap().print(Format::Yaml).unwrap();
    assert_eq!(std::str::from_utf8(&plain).unwrap(), "a:\n    # c\n    - x\n");
}

#[test]
fn rules_leave_values_plain() {
    let text = "kind: Secret\ndata:\n    a: b\n    c_unencrypted: d\n";
    let check = |rule: Rule, plain: &[&str]| {
        let (encrypted, decrypted) = round_trip(text, Format::Yaml, Metadata { rule, ..metadata() });
        assert_eq!(decrypted, text);
        for line in ["kind: Secret", "a: b", "c_unencrypted: d"] {
            assert_eq!(encrypted.contains(line), plain.contains(&line), "{line}\n{encrypted}");
        }
    };
    check(Rule::default(), &["c_unencrypted: d"]);
    check(Rule::EncryptedRegex("^data$".to_owned()), &["kind: Secret"]);
    check(Rule::UnencryptedRegex("^(kind|a)$".to_owned()), &["kind: Secret", "a: b"]);
    check(Rule::EncryptedSuffix("_unencrypted".to_owned()), &["kind: Secret", "a: b"]);
}

#[test]
fn comments_decide_where_the_rule_says_so() {
    let text = "# public\na: 1\nb: 2\n";
    let rule = Rule::UnencryptedCommentRegex("public".to_owned());
    let (encrypted, plain) = round_trip(text, Format::Yaml, Metadata { rule, ..metadata() });
    assert!(encrypted.starts_with("# public\na: 1\nb: ENC["), "{encrypted}");
    assert_eq!(plain, text);
    let rule = Rule::EncryptedCommentRegex("public".to_owned());
    let (encrypted, plain) = round_trip(text, Format::Yaml, Metadata { rule, ..metadata() });
    assert!(encrypted.starts_with("# public\na: ENC[") && encrypted.contains("\nb: 2\n"), "{encrypted}");
    assert_eq!(plain, text);
}

#[test]
fn every_kind_of_key_is_read_as_it_was_printed() {
    let text = str::to_owned;
    let keys = vec![
        MasterKey::AwsKms {
            arn: text("arn:aws:kms:x"),
            role: Some(text("arn:aws:iam:y")),
            context: BTreeMap::from([(text("Environment"), Some(text("prod"))), (text("x"), Some(text("y")))]),
            profile: String::new(),
            created_at: text(TIME),
            encrypted: text("AQ=="),
        },
        MasterKey::GcpKms { resource_id: text("projects/p"), created_at: text(TIME), encrypted: text("CQ==") },
        MasterKey::HuaweiKms { key_id: text("r:id"), created_at: text(TIME), encrypted: text("x") },
        MasterKey::AzureKeyVault {
            vault_url: text("https://v.vault.azure.net"),
            name: text("n"),
            version: text("1"),
            created_at: text(TIME),
            encrypted: text("a-_"),
        },
        MasterKey::Vault {
            address: text("https://vault:8200"),
            engine_path: text("transit"),
            key_name: text("k"),
            created_at: text(TIME),
            encrypted: text("vault:v1:x"),
        },
        MasterKey::Pgp { fingerprint: text("AB"), created_at: text(TIME), encrypted: text("-----\n\nx\n") },
        MasterKey::Age { recipient: text("age1x"), encrypted: text("-----\nx\n") },
    ];
    let names: Vec<_> = keys.iter().map(MasterKey::name).collect();
    assert_eq!(names[3..5], ["https://v.vault.azure.net/keys/n/1", "https://vault:8200/v1/transit/keys/k"]);
    let metadata = Metadata { mac_only_encrypted: true, ..Metadata::new(keys, TIME) };
    for (format, text) in [
        (Format::Yaml, "a: b\n"),
        (Format::Json, "{\"a\": 1}"),
        (Format::Dotenv, "a=b\n"),
        (Format::Ini, "[s]\na = b\n"),
        (Format::Binary, "\0"),
    ] {
        let document = encrypt(text, format, metadata.clone());
        let read = Document::parse(&document.print(format).unwrap(), format).unwrap();
        assert_eq!(read.metadata(), document.metadata(), "{}", format.name());
    }
}

#[test]
fn flat_and_lenient_metadata_is_read() {
    let text = "a=b\nsops_age__list_0__map_recipient=age1x\nsops_age__list_0__map_enc=x\\ny\nsops_shamir_threshold=\n\
                sops_lastmodified=2026-01-02T03:04:05.678+02:00\nsops_mac_only_encrypted=true\nsops_version=3.9.0\n";
    let document = Document::parse(text.as_bytes(), Format::Dotenv).unwrap();
    let metadata = document.metadata();
    assert_eq!(metadata.key_groups[0][0].encrypted(), "x\ny");
    assert_eq!(metadata.last_modified, "2026-01-02T03:04:05+02:00");
    assert!(metadata.mac_only_encrypted);
    assert_eq!(metadata.rule, Rule::default());
}

#[test]
fn metadata_that_cannot_be_used_is_told() {
    let check = |metadata: &str, expected: &str| {
        let text = format!("a: b\nsops:\n    {}\n", metadata.replace('\n', "\n    "));
        assert_eq!(Document::parse(text.as_bytes(), Format::Yaml).unwrap_err().to_string(), expected);
    };
    let key = "age: [{recipient: r, enc: e}]\nlastmodified: \"2026-01-02T03:04:05Z\"\n";
    check("lastmodified: \"2026-01-02T03:04:05Z\"", "No keys found in file");
    check("age: [{recipient: r, enc: e}]", "metadata field \"lastmodified\" is no time of RFC 3339");
    check(&format!("{key}version: [1]"), "metadata field \"version\" expects a string");
    check(
        &format!("{key}encrypted_regex: a\nencrypted_suffix: b"),
        "Cannot use more than one of encrypted_suffix, unencrypted_suffix, encrypted_regex, unencrypted_regex, \
         encrypted_comment_regex, or unencrypted_comment_regex in the same file",
    );
    let error = |text: &str| Document::parse(text.as_bytes(), Format::Yaml).unwrap_err();
    assert!(matches!(error("a: b\n"), Error::MetadataNotFound));
    assert!(matches!(error(""), Error::MetadataNotFound));
    assert!(matches!(error("sops: 1\n"), Error::Metadata(MetadataError::NotMapping)));
    let reserved = PlainDocument::parse(b"sops_x=1\n", Format::Dotenv).unwrap();
    let document = reserved.encrypt(metadata(), &data_key(), &mut |bytes| bytes.fill(1)).unwrap();
    assert!(matches!(document.print(Format::Dotenv), Err(Error::Metadata(MetadataError::Reserved { .. }))));
}

#[test]
fn values_that_were_moved_or_changed_are_refused_with_their_place() {
    let document = encrypt("a:\n    b: one\n    c: two\n---\nd: three\n", Format::Yaml, metadata());
    let text = String::from_utf8(document.print(Format::Yaml).unwrap()).unwrap();
    let decrypt = |text: &str| {
        let document = Document::parse(text.as_bytes(), Format::Yaml).unwrap();
        document.decrypt(&data_key(), Integrity::Ignored).map(|_| ()).unwrap_err()
    };
    let renamed = text.replace("    c: ENC", "    x: ENC");
    assert_eq!(
        decrypt(&renamed).to_string(),
        "Error walking tree: Could not decrypt value: Could not decrypt with AES_GCM: cipher: message authentication \
         failed (at \"a.x\")"
    );
    let start = text.rfind("d: ENC").unwrap();
    let plain = format!("{}d: hunter2{}", &text[..start], &text[start + text[start..].find('\n').unwrap()..]);
    assert_eq!(
        decrypt(&plain).to_string(),
        "Error walking tree: Could not decrypt value: Input string <redacted> does not match sops' data format (at \
         \"d\" of document 2)"
    );
    let number = format!("{}d: 5{}", &text[..start], &text[start + text[start..].find('\n').unwrap()..]);
    assert!(decrypt(&number).to_string().contains("Expected encrypted value as string, but got int"));
    let bytes = text.replacen(",type:str]", ",type:bytes]", 1);
    let cause = ValueError::Decrypt(CipherError::Bytes).to_string();
    assert!(decrypt(&bytes).to_string().contains(&cause));
}

#[test]
fn integrity_is_asked_for_by_the_caller() {
    let document = encrypt("a: one\nb_unencrypted: two\n", Format::Yaml, metadata());
    let text = String::from_utf8(document.print(Format::Yaml).unwrap()).unwrap().replace("two", "2");
    let decrypt = |integrity| {
        let document = Document::parse(text.as_bytes(), Format::Yaml).unwrap();
        document.decrypt(&data_key(), integrity)
    };
    assert!(decrypt(Integrity::Ignored).is_ok());
    assert!(matches!(decrypt(Integrity::Required), Err(Error::MacMismatch)));
    let changed = text.replace(TIME, "2027-01-02T03:04:05Z");
    let document = Document::parse(changed.as_bytes(), Format::Yaml).unwrap();
    assert!(matches!(document.decrypt(&data_key(), Integrity::Required), Err(Error::Mac(CipherError::Authentication))));
}

#[test]
fn bounds_hold() {
    let parse = |text: &str| PlainDocument::parse(text.as_bytes(), Format::Yaml).map(|_| ());
    let large = "a: ".to_owned() + &"x".repeat(5 << 20);
    assert!(matches!(parse(&large), Err(Error::TooLarge { .. })));
    assert!(parse(&format!("a: {}", "[".repeat(5000))).is_err());
    assert!(parse(&"- ".repeat(5000)).is_err());
    let aliases = |count: usize, levels: usize| {
        let line =
            |level: usize| format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); count].join(", "));
        format!("a0: &a0 [x]\n{}", (1..levels).map(line).collect::<String>())
    };
    let cases =
        [(aliases(10, 12), "document contains excessive aliasing"), (aliases(1, 5000), "aliases nest too deep")];
    for (text, expected) in cases {
        let err = parse(&text).unwrap_err().to_string();
        assert!(err.ends_with(expected), "{err}");
    }
    let deep = format!("a=b\nsops_{}=x\n", "x__map_".repeat(100_000));
    assert!(matches!(Document::parse(deep.as_bytes(), Format::Dotenv), Err(Error::Metadata(MetadataError::Flat(_)))));
    assert!(parse("a: &a [*a]\n").is_err());
}

#[test]
fn repeated_keys_and_other_shapes_are_refused() {
    let error = |text: &str| PlainDocument::parse(text.as_bytes(), Format::Yaml).unwrap_err().to_string();
    assert_eq!(
        error("a: 1\nb: 2\na: 3\n"),
        "yaml: unmarshal errors:\n  line 3: mapping key \"a\" already defined at line 1"
    );
    assert_eq!(
        error("- a\n"),
        "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into map[string]interface {}"
    );
    assert_eq!(
        error("a: b\n---\n- a\n"),
        "Error unmarshaling input YAML: YAML documents that are sequences are not supported"
    );
    assert_eq!(error("# only a comment\n"), "EOF");
}

#[test]
fn debug_shows_no_value() {
    let plain = PlainDocument::parse(b"a: hunter2\nb: [hunter2]\n# hunter2\n", Format::Yaml).unwrap();
    assert!(!format!("{plain:?} {:?}", data_key()).contains("hunter2"));
}
