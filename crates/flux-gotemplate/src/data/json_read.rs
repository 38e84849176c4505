//! JSON as Go's encoding/json reads it: numbers are floating point, the last of equal keys wins.

use super::Target;
use crate::strconv::quote;
use crate::value::{Entries, GoStr, Map, REPLACEMENT, Value, decode_rune};

/// How deep documents may be nested.
const MAX_DEPTH: usize = 10_000;

/// Why a text is no JSON, or not what is wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The text ends too early.
    #[error("unexpected end of JSON input")]
    End,
    /// A character that cannot stand where it does.
    #[error("invalid character {character} {place}")]
    Character {
        /// The character in single quotes.
        character: String,
        /// Where it stands.
        place: String,
    },
    /// Nested deeper than Go reads.
    #[error("exceeded max depth")]
    Depth,
    /// The document is of another kind than what it is read into.
    #[error("json: cannot unmarshal {kind} into Go value of type {go_type}")]
    Mismatch {
        /// What the document is.
        kind: &'static str,
        /// What it is read into.
        go_type: &'static str,
    },
    /// A number beyond what a float holds.
    #[error("json: cannot unmarshal number {0} into Go value of type float64")]
    Number(String),
}

impl JsonError {
    /// What is wrong, without any part of the text: for texts that may be secret.
    #[must_use]
    pub fn without_values(&self) -> String {
        match self {
            Self::Character { place, .. } => format!("invalid character {place}"),
            Self::Number(_) => "json: cannot unmarshal number into Go value of type float64".to_owned(),
            Self::End | Self::Depth | Self::Mismatch { .. } => self.to_string(),
        }
    }
}

/// The value of a document.
pub fn read_json(text: &[u8], target: Target) -> Result<Value, JsonError> {
    let mut reader = Reader { text, at: 0, depth: 0, unfit: None };
    reader.skip_space();
    let value = reader.value()?;
    reader.skip_space();
    if reader.at < text.len() {
        return Err(reader.unexpected("after top-level value"));
    }
    let value = target.check(value)?;
    // Go reads on past a number that does not fit, and fails in the end.
    reader.unfit.map_or(Ok(value), Err)
}

/// The value that a text begins with, and the offset behind it; what follows is not looked at.
pub fn read_json_first(text: &[u8]) -> Result<(Value, usize), JsonError> {
    let mut reader = Reader { text, at: 0, depth: 0, unfit: None };
    reader.skip_space();
    let value = reader.value()?;
    let behind = reader.at;
    reader.unfit.map_or(Ok((value, behind)), Err)
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    depth: usize,
    unfit: Option<JsonError>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// What is wrong with the character at hand; the end of the text is an error of its own.
    fn unexpected(&self, place: &str) -> JsonError {
        // Go asks at the end of the text whether a blank may follow.
        let within = ["in literal", "in numeric", "after decimal", "in exponent", "in string escape", "in \\u"];
        let Some(byte) = self.peek().or_else(|| within.iter().any(|start| place.starts_with(start)).then_some(b' '))
        else {
            return JsonError::End;
        };
        let character = match byte {
            b'\'' => r"'\''".to_owned(),
            b'"' => "'\"'".to_owned(),
            _ => {
                // Bytes are taken for characters.
                let quoted = quote(char::from(byte).to_string().as_bytes());
                let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
                format!("'{}'", crate::value::to_text(inner))
            }
        };
        JsonError::Character { character, place: place.to_owned() }
    }

    fn value(&mut self) -> Result<Value, JsonError> {
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Value::Str(self.string()?)),
            Some(b't') => self.literal("true", true.into()),
            Some(b'f') => self.literal("false", false.into()),
            Some(b'n') => self.literal("null", Value::Nil),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.unexpected("looking for beginning of value")),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, JsonError>) -> Result<Value, JsonError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(JsonError::Depth);
        }
        self.at += 1;
        let value = super::deeper(|| read(self))?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Value, JsonError> {
        let mut entries = Entries::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Map::from_entries(entries).into());
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("looking for beginning of object key string"));
            }
            let key = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("after object key"));
            }
            self.at += 1;
            self.skip_space();
            let value = self.value()?;
            entries.insert(key, value);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.unexpected("after object key:value pair")),
            }
        }
        self.at += 1;
        Ok(Map::from_entries(entries).into())
    }

    fn array(&mut self) -> Result<Value, JsonError> {
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::list(items));
        }
        loop {
            self.skip_space();
            items.push(self.value()?);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.unexpected("after array element")),
            }
        }
        self.at += 1;
        Ok(Value::list(items))
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Value, JsonError> {
        for (at, expected) in word.bytes().enumerate() {
            if self.peek() != Some(expected) {
                let place = format!("in literal {word} (expecting '{}')", &word[at..=at]);
                return Err(self.unexpected(&place));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.skip_digits(),
            _ => return Err(self.unexpected("in numeric literal")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                return Err(self.unexpected("after decimal point in numeric literal"));
            }
            self.skip_digits();
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                return Err(self.unexpected("in exponent of numeric literal"));
            }
            self.skip_digits();
        }
        let text = String::from_utf8_lossy(&self.text[start..self.at]);
        let number = text.parse::<f64>().unwrap_or(f64::INFINITY);
        if number.is_infinite() {
            self.unfit.get_or_insert(JsonError::Number(text.into_owned()));
        }
        Ok(number.into())
    }

    fn skip_digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    /// The string that starts at the quote at hand.
    fn string(&mut self) -> Result<GoStr, JsonError> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    self.escape(&mut out)?;
                }
                Some(0..=0x1f) | None => return Err(self.unexpected("in string literal")),
                Some(byte) if byte.is_ascii() => {
                    out.push(byte);
                    self.at += 1;
                }
                Some(_) => {
                    let (rune, size) = decode_rune(&self.text[self.at..]).unwrap_or((REPLACEMENT, 1));
                    push(&mut out, rune);
                    self.at += size;
                }
            }
        }
        self.at += 1;
        Ok(out.into())
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), JsonError> {
        let byte = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                self.at += 1;
                let code = self.four_digits()?;
                push(out, self.paired(code));
                return Ok(());
            }
            _ => return Err(self.unexpected("in string escape code")),
        };
        self.at += 1;
        out.push(byte);
        Ok(())
    }

    fn four_digits(&mut self) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.unexpected("in \\u hexadecimal character escape"))?;
            self.at += 1;
        }
        Ok(code)
    }

    /// The character of a code; a surrogate takes its other half if that follows.
    fn paired(&mut self, code: u32) -> char {
        if let Some(character) = char::from_u32(code) {
            return character;
        }
        let rest = &self.text[self.at..];
        let low = rest.strip_prefix(b"\\u").and_then(|digits| std::str::from_utf8(digits.get(..4)?).ok());
        let low = low.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let Some(low) = low.filter(|low| (0xd800..0xdc00).contains(&code) && (0xdc00..0xe000).contains(low)) else {
            return REPLACEMENT;
        };
        self.at += 6;
        char::from_u32(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)).unwrap_or(REPLACEMENT)
    }
}

fn push(out: &mut Vec<u8>, rune: char) {
    out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
}
