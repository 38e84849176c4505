//! SOPS documents.

use flux_sops::{DataKey, Document, Format, Integrity, Keyring, MAX_DOCUMENT, MasterKey, Metadata, PlainDocument};

use crate::mutate::Numbers;
use crate::{same, shown};

pub(crate) const WORDS: [&str; 22] = [
    "sops:\n",
    "sops_mac=ENC[",
    "[sops]\n",
    "\"sops\": {",
    "ENC[AES256_GCM,data:",
    ",iv:",
    ",tag:",
    ",type:str]",
    ",type:bytes]",
    ",type:int]",
    "age:\n",
    "    - enc: |\n",
    "shamir_threshold: 2\n",
    "key_groups:\n",
    "lastmodified: \"2026-01-01T00:00:00Z\"\n",
    "encrypted_regex: ^(data)$\n",
    "unencrypted_suffix: _x\n",
    "__list_0__map_",
    "\\n",
    "=",
    "\t",
    "\u{0}",
];

const FORMATS: [Format; 5] = [Format::Yaml, Format::Json, Format::Dotenv, Format::Ini, Format::Binary];

/// A document in any format is read or refused, and what it prints reads and prints as the same.
pub(crate) fn documents_read_and_print_alike(bytes: &[u8]) {
    for format in FORMATS {
        if let Ok(document) = Document::parse(bytes, format) {
            if let Ok(key) = document.data_key(&Keyring::new()) {
                let _ = document.clone().decrypt(&key, Integrity::Required);
            }
            let _ = document.clone().decrypt(&key(), Integrity::Ignored);
            let _ = document.print(format);
        }
        for other in FORMATS {
            if let Ok(plain) = PlainDocument::parse(bytes, format) {
                prints_alike(&plain, other);
            }
        }
    }
}

fn prints_alike(plain: &PlainDocument, format: Format) {
    let Ok(printed) = plain.print(format) else { return };
    let Ok(read) = PlainDocument::parse(&printed, format) else { return };
    let Ok(again) = read.print(format) else { panic!("what {} printed is read and not printed", format.name()) };
    // A second pass settles what another format's names and comments became in the first.
    let settled = PlainDocument::parse(&again, format).and_then(|read| read.print(format));
    if let Ok(settled) = settled {
        same(format.name(), &String::from_utf8_lossy(&settled), &String::from_utf8_lossy(&again));
    }
}

/// What is encrypted, printed, read and decrypted is as before, with a code that fits.
pub(crate) fn encrypted_documents_decrypt_to_themselves(bytes: &[u8]) {
    for format in FORMATS {
        // The second reading has what the format can hold.
        let printed = PlainDocument::parse(bytes, format).and_then(|plain| plain.print(format));
        let Ok(plain) = printed.and_then(|printed| PlainDocument::parse(&printed, format)) else { continue };
        // SOPS refuses to encrypt a file without a document, which holds no metadata.
        if !plain.branches().is_empty() {
            decrypts_to_itself(plain, format);
        }
    }
}

fn decrypts_to_itself(plain: PlainDocument, format: Format) {
    // An encrypted comment is long, which can move it to another line. Without comments every format is exact.
    let exact = if format == Format::Yaml { Format::Json } else { format };
    let Ok(before) = plain.print(exact) else { return };
    let mut numbers = Numbers::new(1);
    let mut random = |bytes: &mut [u8]| bytes.fill_with(|| u8::try_from(numbers.below(256)).unwrap_or_default());
    let Ok(encrypted) = plain.encrypt(metadata(), &key(), &mut random) else { return };
    let Ok(printed) = encrypted.print(format) else { return };
    if printed.len() > MAX_DOCUMENT {
        return;
    }
    // The code of a document with a comment in a list does not fit, as SOPS itself writes and checks it.
    let comments = String::from_utf8_lossy(&printed).contains("type:comment");
    let integrity = if comments { Integrity::Ignored } else { Integrity::Required };
    let decrypted = Document::parse(&printed, format).and_then(|read| read.decrypt(&key(), integrity));
    match decrypted.and_then(|plain| plain.print(exact)) {
        Ok(after) => same(format.name(), &String::from_utf8_lossy(&after), &String::from_utf8_lossy(&before)),
        Err(err) => panic!("{}: {:?} fails: {err}", format.name(), shown(&String::from_utf8_lossy(&printed))),
    }
}

fn key() -> DataKey {
    DataKey::new(vec![7; 32])
}

fn metadata() -> Metadata {
    let master = MasterKey::Age { recipient: "age1none".to_owned(), encrypted: "none".to_owned() };
    Metadata::new(vec![master], "2026-01-01T00:00:00Z")
}
