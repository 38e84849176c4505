//! JSON as Go's encoding/json writes it.

use super::{Form, MAX_DEPTH, form};
use crate::strconv::append_float;
use crate::value::{Entries, GoStr, REPLACEMENT, Value, runes};

/// How JSON is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonStyle {
    /// In one line, with `<`, `>` and `&` as escapes.
    Escaped,
    /// In one line, those characters as they are.
    Raw,
    /// With line breaks and an indentation of two, characters escaped.
    Indented,
}

/// Why a value has no such form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarshalError {
    /// A function, or another type that cannot be written.
    #[error("json: unsupported type: {0}")]
    Type(String),
    /// Infinity or not-a-number.
    #[error("json: unsupported value: {0}")]
    Value(String),
    /// Deeper than is written; most likely the value contains itself.
    #[error("json: unsupported value: encountered a cycle via {0}")]
    Cycle(String),
    /// The text would be longer than allowed: values share parts, so that little memory may stand for much text.
    #[error("text is longer than {0} bytes")]
    TooLong(usize),
}

/// The value as JSON of at most `limit` bytes, keys sorted.
pub fn write_json(value: &Value, style: JsonStyle, limit: usize) -> Result<Vec<u8>, MarshalError> {
    let mut writer = Writer { out: Vec::new(), style, depth: 0, limit };
    writer.value(value)?;
    writer.check()?;
    Ok(writer.out)
}

struct Writer {
    out: Vec<u8>,
    style: JsonStyle,
    depth: usize,
    limit: usize,
}

impl Writer {
    fn check(&self) -> Result<(), MarshalError> {
        if self.out.len() > self.limit { Err(MarshalError::TooLong(self.limit)) } else { Ok(()) }
    }

    fn value(&mut self, value: &Value) -> Result<(), MarshalError> {
        self.check()?;
        match value {
            Value::Nil => self.out.extend_from_slice(b"null"),
            Value::Bool(flag) => self.out.extend_from_slice(if *flag { b"true" } else { b"false" }),
            Value::Int(number) | Value::Int64(number) | Value::Duration(number) => self.text(&number.to_string()),
            Value::Int32(number) => self.text(&number.to_string()),
            Value::Uint8(number) => self.text(&number.to_string()),
            Value::Uint64(number) => self.text(&number.to_string()),
            Value::Float(number) => write_float(&mut self.out, *number)?,
            Value::Str(text) => self.string(text.as_bytes()),
            Value::Bytes(bytes) => {
                let encoded = crate::funcs::sprig::encode_base64(bytes.as_bytes());
                self.string(encoded.as_bytes());
            }
            Value::List(list) if list.is_nil() => self.out.extend_from_slice(b"null"),
            Value::List(list) => self.nested(value, |writer| writer.list(list.items()))?,
            Value::Map(map) if map.is_nil() => self.out.extend_from_slice(b"null"),
            Value::Map(map) => {
                let entries = map.entries();
                self.nested(value, |writer| writer.entries(&entries))?;
            }
            // Go's error values have no exported fields.
            Value::Error(_) => self.out.extend_from_slice(b"{}"),
            Value::Complex(_) | Value::Func(_) => return Err(MarshalError::Type(value.type_name().into_owned())),
            Value::Object(object) => match form(&**object) {
                Form::Value(inner) => self.nested(value, |writer| writer.value(&inner))?,
                Form::Fields(fields) => {
                    let fields = fields.iter().map(|(name, value)| (name, value));
                    self.nested(value, |writer| writer.object(fields))?;
                }
            },
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Writes what is inside of `value`.
    fn nested(
        &mut self,
        value: &Value,
        write: impl FnOnce(&mut Self) -> Result<(), MarshalError>,
    ) -> Result<(), MarshalError> {
        if self.depth >= MAX_DEPTH {
            return Err(MarshalError::Cycle(value.type_name().into_owned()));
        }
        self.depth += 1;
        let written = super::deeper(|| write(self));
        self.depth -= 1;
        written
    }

    fn list(&mut self, items: &[Value]) -> Result<(), MarshalError> {
        self.out.push(b'[');
        for (at, item) in items.iter().enumerate() {
            self.separate(at);
            self.value(item)?;
        }
        self.close(b']', items.is_empty());
        Ok(())
    }

    fn entries(&mut self, entries: &Entries) -> Result<(), MarshalError> {
        self.object(entries.iter())
    }

    fn object<'v>(
        &mut self,
        entries: impl ExactSizeIterator<Item = (&'v GoStr, &'v Value)>,
    ) -> Result<(), MarshalError> {
        let empty = entries.len() == 0;
        self.out.push(b'{');
        for (at, (key, value)) in entries.enumerate() {
            self.separate(at);
            self.string(key.as_bytes());
            self.text(if self.style == JsonStyle::Indented { ": " } else { ":" });
            self.value(value)?;
        }
        self.close(b'}', empty);
        Ok(())
    }

    fn separate(&mut self, at: usize) {
        if at > 0 {
            self.out.push(b',');
        }
        self.break_line(self.depth);
    }

    fn close(&mut self, bracket: u8, empty: bool) {
        if !empty {
            self.break_line(self.depth - 1);
        }
        self.out.push(bracket);
    }

    fn break_line(&mut self, depth: usize) {
        if self.style == JsonStyle::Indented {
            self.out.push(b'\n');
            self.out.resize(self.out.len() + 2 * depth, b' ');
        }
    }

    fn string(&mut self, text: &[u8]) {
        self.out.push(b'"');
        let mut plain_from = 0;
        for (at, rune, size) in runes(text) {
            if let Some(escape) = self.escape(rune, size) {
                self.out.extend_from_slice(&text[plain_from..at]);
                self.out.extend_from_slice(escape.as_bytes());
                plain_from = at + size;
            }
        }
        self.out.extend_from_slice(&text[plain_from..]);
        self.out.push(b'"');
    }

    /// The escape of a character that needs one; a replacement of one byte stands for a bad one.
    fn escape(&self, rune: char, size: usize) -> Option<String> {
        let text = match rune {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\x08' => "\\b",
            '\x0c' => "\\f",
            '\u{2028}' => "\\u2028",
            '\u{2029}' => "\\u2029",
            REPLACEMENT if size == 1 => "\\ufffd",
            '<' | '>' | '&' if self.style != JsonStyle::Raw => return Some(format!("\\u{:04x}", u32::from(rune))),
            '\0'..='\x1f' => return Some(format!("\\u{:04x}", u32::from(rune))),
            _ => return None,
        };
        Some(text.to_owned())
    }
}

/// A number without exponent where it is neither very small nor very large.
pub(super) fn write_float(out: &mut Vec<u8>, number: f64) -> Result<(), MarshalError> {
    if !number.is_finite() {
        let text = if number.is_nan() {
            "NaN"
        } else if number > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        };
        return Err(MarshalError::Value(text.to_owned()));
    }
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        append_float(out, number, b'f', None);
        return Ok(());
    }
    let start = out.len();
    append_float(out, number, b'e', None);
    // An exponent of one digit has no zero before it.
    if let [.., b'e', b'-', b'0', _] = out[start..] {
        let last = out.len() - 1;
        out.remove(last - 1);
    }
    Ok(())
}
