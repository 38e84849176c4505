//! Lines of `name=value`. A line break in a value is written `\n`; there are no quotes.

use super::plain;
use crate::{Branch, Entry, Key, Value};

pub(super) fn read(data: &[u8]) -> Result<Branch, String> {
    let mut branch = Branch::new();
    for (index, line) in data.split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        if let Some(comment) = line.strip_prefix(b"#") {
            branch.push(Entry::comment(String::from_utf8_lossy(comment), false));
            continue;
        }
        // The line may be a secret that lost its name, so the message shows its number only.
        let equal = line
            .iter()
            .position(|byte| *byte == b'=')
            .ok_or_else(|| format!("invalid dotenv input line: line {} has no \"=\"", index + 1))?;
        let name = String::from_utf8_lossy(&line[..equal]);
        branch.push(Entry::new(name, Value::Text(unescape(&line[equal + 1..]))));
    }
    Ok(branch)
}

fn unescape(value: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((first, tail)) = rest.split_first() {
        if let Some(tail) = rest.strip_prefix(b"\\n") {
            text.push(b'\n');
            rest = tail;
        } else {
            text.push(*first);
            rest = tail;
        }
    }
    text
}

pub(super) fn print(branch: &Branch) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    for entry in branch {
        match &entry.key {
            Key::Comment(comment) => {
                text.push(b'#');
                text.extend_from_slice(comment.text.as_bytes());
            }
            Key::Name(name) | Key::Other { text: name, .. } => {
                if entry.value.is_collection() {
                    return Err(format!("cannot use complex value in dotenv file; offending key {name}"));
                }
                text.extend_from_slice(name.as_bytes());
                text.push(b'=');
                match &entry.value {
                    Value::Text(value) => {
                        for byte in value {
                            match byte {
                                b'\n' => text.extend_from_slice(b"\\n"),
                                other => text.push(*other),
                            }
                        }
                    }
                    value => text.extend_from_slice(plain(value).as_bytes()),
                }
            }
        }
        text.push(b'\n');
    }
    Ok(text)
}
