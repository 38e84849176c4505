//! What holds for any document.

use flux_sops::{DataKey, Document, Format, Integrity, Keyring, MasterKey, Metadata, PlainDocument, Rule};

use crate::numbers::Numbers;
use crate::trees;

const FORMATS: [Format; 5] = [Format::Yaml, Format::Json, Format::Dotenv, Format::Ini, Format::Binary];

fn key() -> DataKey {
    DataKey::new(vec![3; 32])
}

fn metadata(format: Format, numbers: &mut Numbers) -> Metadata {
    let key = MasterKey::Age { recipient: "age1x".to_owned(), encrypted: "-----\nx\n".to_owned() };
    let rule = match numbers.below(4) {
        // Plain bytes do not survive the JSON around them.
        _ if format == Format::Binary => Rule::default(),
        0 => Rule::EncryptedRegex("key".to_owned()),
        1 => Rule::UnencryptedRegex("key".to_owned()),
        2 => Rule::EncryptedSuffix("1".to_owned()),
        _ => Rule::default(),
    };
    Metadata { rule, mac_only_encrypted: numbers.below(2) == 0, ..Metadata::new(vec![key], "2026-01-02T03:04:05Z") }
}

#[test]
fn what_is_printed_reads_as_the_same_tree() {
    for seed in 0..250 {
        let mut numbers = Numbers::new(seed);
        for format in FORMATS {
            let plain = PlainDocument::new(trees::document(format, &mut numbers));
            let printed = plain.print(format).unwrap();
            let read = PlainDocument::parse(&printed, format).unwrap();
            let shown = || String::from_utf8_lossy(&printed).into_owned();
            let again = read.print(format).unwrap();
            assert_eq!(String::from_utf8_lossy(&again), shown(), "seed {seed}, {}", format.name());
            if !matches!(format, Format::Yaml | Format::Ini) {
                assert!(read == plain, "seed {seed}, {}: {}", format.name(), shown());
            }
        }
    }
}

#[test]
fn what_is_encrypted_decrypts_to_the_same_text() {
    for seed in 0..80 {
        let mut numbers = Numbers::new(seed);
        for format in FORMATS {
            let plain = PlainDocument::new(trees::document(format, &mut numbers));
            let before = plain.print(format).unwrap();
            let metadata = metadata(format, &mut numbers);
            let encrypted = plain.encrypt(metadata, &key(), &mut |bytes| numbers.fill(bytes)).unwrap();
            let printed = encrypted.print(format).unwrap();
            let read = Document::parse(&printed, format).unwrap();
            let shown = || format!("seed {seed}, {}: {}", format.name(), String::from_utf8_lossy(&printed));
            assert_eq!(read.metadata(), encrypted.metadata(), "{}", shown());
            let decrypted = read.decrypt(&key(), Integrity::Required);
            let decrypted = decrypted.unwrap_or_else(|err| panic!("{err}: {}", shown()));
            let after = decrypted.print(format).unwrap();
            assert_eq!(String::from_utf8_lossy(&after), String::from_utf8_lossy(&before), "{}", shown());
        }
    }
}

const PIECES: [&[u8]; 30] = [
    b"\n",
    b"#",
    b";",
    b"=",
    b": ",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"",
    b"'",
    b"`",
    b"\\",
    b"\t",
    b"- ",
    b"? ",
    b"|\n",
    b">-\n",
    b"&a ",
    b"*a",
    b"!!binary ",
    b"---\n",
    b"...\n",
    b"\r\n",
    b"\xff",
    b"\0",
    b"ENC[AES256_GCM,data:",
    b",type:bytes]",
    b"sops:\n",
    "\u{2028}".as_bytes(),
];

fn damage(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len() + 1);
        match numbers.below(3) {
            0 => {
                let piece = *numbers.pick(&PIECES);
                bytes.splice(at..at, piece.iter().copied());
            }
            1 => {
                let end = (at + numbers.below(20)).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => {
                let end = (at + numbers.below(40)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                let to = numbers.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
        }
    }
}

#[test]
fn damaged_documents_are_read_or_refused() {
    for seed in 0..100 {
        let mut numbers = Numbers::new(seed);
        for format in FORMATS {
            let plain = PlainDocument::new(trees::document(format, &mut numbers));
            let metadata = metadata(format, &mut numbers);
            let encrypted = plain.encrypt(metadata, &key(), &mut |bytes| numbers.fill(bytes)).unwrap();
            let mut bytes = encrypted.print(format).unwrap();
            damage(&mut bytes, &mut numbers);
            for other in FORMATS {
                if let Ok(read) = PlainDocument::parse(&bytes, other) {
                    for format in FORMATS {
                        drop(read.print(format));
                    }
                }
            }
            if let Ok(read) = Document::parse(&bytes, format) {
                assert!(read.data_key(&Keyring::new()).is_err());
                drop(read.decrypt(&key(), Integrity::Required));
            }
        }
    }
}
