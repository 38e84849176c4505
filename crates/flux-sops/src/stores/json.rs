//! JSON with an object at the top; keys keep their order and may repeat.

use std::fmt::Write as _;

use super::DEPTH;
use crate::{Branch, Entry, Key, Value};

/// What follows the object is left alone, as in SOPS.
pub(super) fn read(data: &[u8]) -> Result<Branch, String> {
    let mut reader = Reader { data, at: 0 };
    reader.space();
    match reader.peek() {
        Some(b'{') => reader.object(0).map_err(|message| reader.place(&message)),
        Some(other @ (b'[' | b'"' | b'-' | b't' | b'f' | b'n' | b'0'..=b'9')) => {
            let what = if other == b'[' { "arrays" } else { "other JSON types" };
            Err(format!("SOPS only supports JSON files with a top-level object (starting with '{{'), not {what}"))
        }
        Some(other) => Err(reader.place(&unexpected(other, "looking for beginning of value"))),
        None => Err("EOF".to_owned()),
    }
}

const CUT: &str = "unexpected EOF";

fn unexpected(byte: u8, context: &str) -> String {
    let shown = match byte {
        b'\'' => "\\'".to_owned(),
        b'"' => "\"".to_owned(),
        b'\\' => "\\\\".to_owned(),
        b'\t' => "\\t".to_owned(),
        b'\n' => "\\n".to_owned(),
        b'\r' => "\\r".to_owned(),
        b' '..=b'~' => char::from(byte).to_string(),
        other if other < 0x80 => format!("\\x{other:02x}"),
        other => char::from(other).to_string(),
    };
    format!("invalid character '{shown}' {context}")
}

struct Reader<'t> {
    data: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    /// The message with the line, which Go does not tell.
    fn place(&self, message: &str) -> String {
        let before = &self.data[..self.at.min(self.data.len())];
        let line = before.split(|byte| *byte == b'\n').count();
        format!("{message}: line {line}")
    }

    fn peek(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The first byte of what comes next, which is not taken.
    fn need(&mut self) -> Result<u8, String> {
        self.space();
        self.peek().ok_or_else(|| CUT.to_owned())
    }

    fn object(&mut self, depth: usize) -> Result<Branch, String> {
        self.at += 1;
        let mut branch = Branch::new();
        if self.need()? == b'}' {
            self.at += 1;
            return Ok(branch);
        }
        loop {
            let first = self.need()?;
            if first != b'"' {
                return Err(unexpected(first, "looking for beginning of object key string"));
            }
            let key = self.string()?;
            let colon = self.need()?;
            if colon != b':' {
                return Err(unexpected(colon, "after object key"));
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            branch.push(Entry::new(key, value));
            match self.need()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(branch);
                }
                other => return Err(unexpected(other, "after object key:value pair")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Vec<Value>, String> {
        self.at += 1;
        let mut items = Vec::new();
        if self.need()? == b']' {
            self.at += 1;
            return Ok(items);
        }
        loop {
            items.push(self.value(depth + 1)?);
            match self.need()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(items);
                }
                other => return Err(unexpected(other, "after array element")),
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > DEPTH {
            return Err(format!("nesting is deeper than {DEPTH}"));
        }
        match self.need()? {
            b'{' => self.object(depth).map(Value::Branch),
            b'[' => self.array(depth).map(Value::List),
            b'"' => self.string().map(Value::text),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            b'-' | b'0'..=b'9' => self.number(),
            other => Err(unexpected(other, "looking for beginning of value")),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, String> {
        for expected in word.bytes() {
            match self.peek() {
                Some(byte) if byte == expected => self.at += 1,
                Some(byte) => {
                    let context = format!("in literal {word} (expecting '{}')", char::from(expected));
                    return Err(unexpected(byte, &context));
                }
                None => return Err(CUT.to_owned()),
            }
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, String> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        let text = String::from_utf8_lossy(&self.data[start..self.at]);
        if let Ok(number) = text.parse() {
            return Ok(Value::Int(number));
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => Err("number is out of range".to_owned()),
        }
    }

    fn digits(&mut self, context: &str) -> Result<(), String> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        match self.peek() {
            _ if self.at > start => Ok(()),
            Some(byte) => Err(unexpected(byte, context)),
            None => Err(CUT.to_owned()),
        }
    }

    /// A text; what is no UTF-8 becomes the replacement character, as in Go.
    fn string(&mut self) -> Result<String, String> {
        self.at += 1;
        let mut text = Vec::new();
        loop {
            let start = self.at;
            while self.peek().is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            text.extend_from_slice(&self.data[start..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(as_text(&text));
                }
                Some(b'\\') => {
                    let c = self.escape()?;
                    text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Some(byte) => return Err(unexpected(byte, "in string literal")),
                None => return Err(CUT.to_owned()),
            }
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        self.at += 1;
        let byte = self.peek().ok_or_else(|| CUT.to_owned())?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode()?,
            other => return Err(unexpected(other, "in string escape code")),
        })
    }

    /// Half of a pair that stands alone becomes the replacement character.
    fn unicode(&mut self) -> Result<char, String> {
        let first = self.hexadecimal()?;
        if !(0xd800..0xdc00).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let after = self.at;
        if self.data[after..].starts_with(b"\\u") {
            self.at += 2;
            let second = self.hexadecimal()?;
            if (0xdc00..0xe000).contains(&second) {
                let joined = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = after;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hexadecimal(&mut self) -> Result<u32, String> {
        let mut value = 0;
        for _ in 0..4 {
            let byte = self.peek().ok_or_else(|| CUT.to_owned())?;
            let digit =
                char::from(byte).to_digit(16).ok_or_else(|| unexpected(byte, "in \\u hexadecimal character escape"))?;
            value = value * 16 + digit;
            self.at += 1;
        }
        Ok(value)
    }
}

pub(super) fn print(branch: &Branch) -> Result<Vec<u8>, String> {
    let mut text = String::new();
    object(branch, 0, &mut text)?;
    text.push('\n');
    Ok(text.into_bytes())
}

fn object(branch: &Branch, depth: usize, text: &mut String) -> Result<(), String> {
    let mut first = true;
    text.push('{');
    for entry in branch {
        let name = match &entry.key {
            Key::Comment(_) => continue,
            Key::Name(name) => name,
            Key::Other { text, .. } => return Err(format!("key {text:?} is no text")),
        };
        item(&mut first, depth, text);
        quote(name.as_bytes(), text);
        text.push_str(": ");
        value(&entry.value, depth + 1, text).map_err(|err| format!("Error encoding value : {err}"))?;
    }
    close('}', first, depth, text);
    Ok(())
}

fn array(items: &[Value], depth: usize, text: &mut String) -> Result<(), String> {
    let mut first = true;
    text.push('[');
    for own in items.iter().filter(|item| !matches!(item, Value::Comment(_))) {
        item(&mut first, depth, text);
        value(own, depth + 1, text)?;
    }
    close(']', first, depth, text);
    Ok(())
}

/// Begins the line of the next item.
fn item(first: &mut bool, depth: usize, text: &mut String) {
    if !std::mem::take(first) {
        text.push(',');
    }
    line(depth + 1, text);
}

fn close(bracket: char, empty: bool, depth: usize, text: &mut String) {
    if !empty {
        line(depth, text);
    }
    text.push(bracket);
}

fn line(depth: usize, text: &mut String) {
    text.push('\n');
    text.extend(std::iter::repeat_n('\t', depth));
}

fn value(value: &Value, depth: usize, text: &mut String) -> Result<(), String> {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) => text.push_str(&number.to_string()),
        Value::Uint(number) => text.push_str(&number.to_string()),
        Value::Float(number) => text.push_str(&float(*number)?),
        Value::Text(own) => quote(own, text),
        Value::Time(time) => quote(time.as_bytes(), text),
        Value::Comment(comment) => quote(comment.text.as_bytes(), text),
        Value::List(items) => array(items, depth, text)?,
        Value::Branch(branch) => object(branch, depth, text)?,
    }
    Ok(())
}

/// A number as encoding/json writes it: with an exponent below 1e-6 and from 1e21 on.
fn float(number: f64) -> Result<String, String> {
    if !number.is_finite() {
        return Err(format!("json: unsupported value: {}", crate::cipher::decimal(number)));
    }
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return Ok(number.to_string());
    }
    let text = format!("{number:e}");
    // Rust leaves out the sign that Go writes before a positive exponent.
    Ok(match text.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => format!("{mantissa}e+{exponent}"),
        _ => text,
    })
}

/// The text of bytes; each that is no UTF-8 becomes the replacement character, as in Go.
fn as_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n(char::REPLACEMENT_CHARACTER, chunk.invalid().len()));
    }
    text
}

/// A text in quotes, with what HTML would take for markup escaped.
fn quote(own: &[u8], text: &mut String) {
    text.push('"');
    for chunk in own.utf8_chunks() {
        chunk.valid().chars().for_each(|c| character(c, text));
        chunk.invalid().iter().for_each(|_| text.push_str("\\ufffd"));
    }
    text.push('"');
}

fn character(c: char, text: &mut String) {
    match c {
        '"' => text.push_str("\\\""),
        '\\' => text.push_str("\\\\"),
        '\u{8}' => text.push_str("\\b"),
        '\u{c}' => text.push_str("\\f"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
            // Writing to a text cannot fail.
            let _ = write!(text, "\\u{:04x}", u32::from(c));
        }
        c => text.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        let branch = read(source.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(print(&branch).unwrap()).unwrap(), expected);
    }

    #[test]
    fn order_numbers_and_escapes_are_those_of_go() {
        check(
            r#"{"b": 1, "a": [1.50, {}, [], "<\u00e4\ud83d\ude00\ud800>"], "c": 12345678901234567890, "d": 1e3} rest"#,
            "{\n\t\"b\": 1,\n\t\"a\": [\n\t\t1.5,\n\t\t{},\n\t\t[],\n\t\t\"\\u003cä😀\u{fffd}\\u003e\"\n\t],\n\t\"c\": \
             12345678901234567000,\n\t\"d\": 1000\n}\n",
        );
    }

    #[test]
    fn errors_say_what_go_says_and_the_line() {
        let error = |source: &str| read(source.as_bytes()).err().unwrap();
        assert_eq!(error(""), "EOF");
        assert_eq!(error("x"), "invalid character 'x' looking for beginning of value: line 1");
        assert_eq!(error("\0"), "invalid character '\\x00' looking for beginning of value: line 1");
        assert_eq!(error("{\n\"a\": 1 2}"), "invalid character '2' after object key:value pair: line 2");
        assert_eq!(error("{\"a\": tru}"), "invalid character '}' in literal true (expecting 'e'): line 1");
        assert_eq!(error("{\"a\": "), "unexpected EOF: line 1");
        assert!(error("[1]").starts_with("SOPS only supports JSON files with a top-level object"));
        assert!(error(&format!("{{\"a\": {}", "[".repeat(10_000))).starts_with("nesting is deeper than"));
    }
}
