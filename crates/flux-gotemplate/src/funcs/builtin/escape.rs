//! `html`, `js` and `urlquery`.

use crate::call::Call;
use crate::error::FuncError;
use crate::strconv::is_print;
use crate::value::{GoStr, Value, runes};

/// The arguments as one text, each as an action would print it.
pub(super) fn text(call: &mut Call<'_, '_>, args: &[Value]) -> Result<GoStr, FuncError> {
    if let [Value::Str(text)] = args {
        return Ok(text.clone());
    }
    let shown: Vec<Value> = args
        .iter()
        .map(|arg| match arg {
            Value::Nil => Value::str("<no value>"),
            other => other.clone(),
        })
        .collect();
    call.sprint(&shown)
}

/// `html`.
pub(super) fn html(text: &GoStr) -> Value {
    if !text.as_bytes().iter().any(|byte| b"'\"&<>\0".contains(byte)) {
        return Value::Str(text.clone());
    }
    let mut out = Vec::with_capacity(text.len() + 16);
    for byte in text.as_bytes() {
        let escaped: &[u8] = match byte {
            0 => "\u{fffd}".as_bytes(),
            b'"' => b"&#34;",
            b'\'' => b"&#39;",
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            _ => std::slice::from_ref(byte),
        };
        out.extend_from_slice(escaped);
    }
    Value::Str(out.into())
}

/// `js`.
pub(super) fn js(text: &GoStr) -> Value {
    let mut out = Vec::with_capacity(text.len() + 16);
    for (at, rune, size) in runes(text.as_bytes()) {
        match rune {
            '\\' => out.extend_from_slice(b"\\\\"),
            '\'' => out.extend_from_slice(b"\\'"),
            '"' => out.extend_from_slice(b"\\\""),
            '\0'..' ' | '<' | '>' | '&' | '=' => {
                out.extend_from_slice(format!("\\u{:04X}", u32::from(rune)).as_bytes());
            }
            _ if rune.is_ascii() || is_print(rune) => {
                out.extend_from_slice(text.as_bytes().get(at..at + size).unwrap_or_default());
            }
            _ => out.extend_from_slice(format!("\\u{:04X}", u32::from(rune)).as_bytes()),
        }
    }
    Value::Str(out.into())
}

/// `urlquery`.
pub(super) fn url_query(text: &GoStr) -> Value {
    let mut out = Vec::with_capacity(text.len() + 16);
    for byte in text.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(*byte),
            b' ' => out.push(b'+'),
            _ => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    Value::Str(out.into())
}
