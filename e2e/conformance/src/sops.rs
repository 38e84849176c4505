//! Decryption of SOPS documents, and what their authentication codes are worth.

use std::path::Path;

use anyhow::{Context, Result};
use flux_sops::{Document, Error, Format, Integrity, Keyring};
use serde_json::Value;

use crate::case::{Answer, Case, Compared, Recorded, names, read, read_json, text};

/// The folder of the keys that the cases name.
const KEYS: &str = "keys";

pub(crate) fn cases(folder: &Path) -> Result<Vec<Case>> {
    let case = |id: String| {
        let (place, keys) = (folder.join(&id), folder.join(KEYS));
        Case::new(id, move || compare(&place, &keys))
    };
    Ok(names(folder)?.into_iter().filter(|name| name != KEYS).map(case).collect())
}

fn compare(place: &Path, keys: &Path) -> Result<Compared> {
    let case = read_json(&place.join("meta.json"))?;
    let input = place.join(format!("input.{}", text(&case["in_format"])));
    let data = std::fs::read(&input).with_context(|| format!("cannot read {}", input.display()))?;
    let key = read(&keys.join(format!("{}.agekey", text(&case["key"]))))?;
    Ok(Compared { answer: run(&data, &case, &key)?, recorded: recorded(place, &case)? })
}

fn run(data: &[u8], case: &Value, key: &str) -> Result<Answer> {
    let (input, output) = (format(&case["in_format"])?, format(&case["out_format"])?);
    let mut keyring = Keyring::new();
    keyring.add_age(key)?;
    let printed = decrypt(data, input, &keyring, Integrity::Ignored).and_then(|plain| plain.print(output));
    Ok(match printed {
        Ok(printed) => Ok(format!("{}{}", shown(&printed), code(case, || integrity(data, input, &keyring)))),
        Err(err) => Err(err.to_string()),
    })
}

fn decrypt(
    data: &[u8],
    format: Format,
    keyring: &Keyring,
    integrity: Integrity,
) -> Result<flux_sops::PlainDocument, Error> {
    let document = Document::parse(data, format)?;
    let key = document.data_key(keyring)?;
    document.decrypt(&key, integrity)
}

/// What comes of it when the authentication code has to fit, in the words of the recorder.
fn integrity(data: &[u8], format: Format, keyring: &Keyring) -> String {
    match decrypt(data, format, keyring, Integrity::Required) {
        Ok(_) => "ok".to_owned(),
        Err(Error::MacMismatch) => "mac mismatch".to_owned(),
        Err(Error::Mac(cause)) => format!("macerr: {cause}"),
        Err(other) => other.to_string(),
    }
}

/// The line about the authentication code; none where none was recorded.
fn code(case: &Value, code: impl FnOnce() -> String) -> String {
    if case["mac"].is_null() { String::new() } else { format!("# code: {}\n", code()) }
}

fn recorded(place: &Path, case: &Value) -> Result<Recorded> {
    let output = place.join(format!("expected.{}", text(&case["out_format"])));
    if output.exists() {
        let output = std::fs::read(&output).with_context(|| format!("cannot read {}", output.display()))?;
        return Ok(Recorded::Output(format!("{}{}", shown(&output), code(case, || text(&case["mac"])))));
    }
    let error = read(&place.join("expected_error.txt"))?;
    // The recorder's own line about the code can stand before the error.
    let error = error.strip_prefix("mac ok\n").unwrap_or(&error);
    Ok(Recorded::failed(error.to_owned()))
}

fn format(name: &Value) -> Result<Format> {
    let name = text(name);
    Format::named(&name).with_context(|| format!("there is no format {name:?}"))
}

/// Text as it is, and other bytes escaped.
fn shown(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.escape_ascii().to_string(), str::to_owned)
}
