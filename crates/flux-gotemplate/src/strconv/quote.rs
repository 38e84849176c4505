//! Quoted strings and characters.

use super::unicode::is_print;
use crate::value::{REPLACEMENT, decode_rune};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// `text` as a Go string literal in double quotes.
pub fn quote(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    append_quote(&mut out, text, false);
    out
}

/// Appends `text` as a Go string literal in double quotes; with `ascii`, escapes all that is not ASCII.
pub fn append_quote(out: &mut Vec<u8>, text: &[u8], ascii: bool) {
    out.push(b'"');
    let mut rest = text;
    while let Some((rune, size)) = decode_rune(rest) {
        if rune == REPLACEMENT && size == 1 {
            push_hex_byte(out, rest.first().copied().unwrap_or_default());
        } else {
            append_escaped(out, rune, '"', ascii);
        }
        rest = rest.get(size..).unwrap_or_default();
    }
    out.push(b'"');
}

/// Appends the rune as a Go character literal in single quotes.
pub fn append_quote_rune(out: &mut Vec<u8>, rune: char, ascii: bool) {
    out.push(b'\'');
    append_escaped(out, rune, '\'', ascii);
    out.push(b'\'');
}

/// Whether `text` can stand between back quotes on one line without change.
pub fn can_backquote(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some((rune, size)) = decode_rune(rest) {
        let bad_byte = rune == REPLACEMENT && size == 1;
        if bad_byte || rune == '\u{feff}' || rune == '`' || rune == '\u{7f}' || (rune < ' ' && rune != '\t') {
            return false;
        }
        rest = rest.get(size..).unwrap_or_default();
    }
    true
}

fn push_hex_byte(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(b"\\x");
    push_hex(out, u32::from(byte), 2);
}

fn push_hex(out: &mut Vec<u8>, value: u32, digits: u32) {
    for place in (0..digits).rev() {
        out.push(HEX[((value >> (4 * place)) & 0xf) as usize]);
    }
}

fn append_escaped(out: &mut Vec<u8>, rune: char, quote: char, ascii: bool) {
    if rune == quote || rune == '\\' {
        out.push(b'\\');
        push_rune(out, rune);
        return;
    }
    if rune.is_ascii() && is_print(rune) || !ascii && is_print(rune) {
        push_rune(out, rune);
        return;
    }
    match rune {
        '\u{7}' => out.extend_from_slice(b"\\a"),
        '\u{8}' => out.extend_from_slice(b"\\b"),
        '\u{c}' => out.extend_from_slice(b"\\f"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\u{b}' => out.extend_from_slice(b"\\v"),
        '\0'..' ' | '\u{7f}' => {
            out.extend_from_slice(b"\\x");
            push_hex(out, u32::from(rune), 2);
        }
        '\u{80}'..'\u{10000}' => {
            out.extend_from_slice(b"\\u");
            push_hex(out, u32::from(rune), 4);
        }
        _ => {
            out.extend_from_slice(b"\\U");
            push_hex(out, u32::from(rune), 8);
        }
    }
}

/// Appends the rune in UTF-8.
fn push_rune(out: &mut Vec<u8>, rune: char) {
    let mut buffer = [0; 4];
    out.extend_from_slice(rune.encode_utf8(&mut buffer).as_bytes());
}

/// The string that a Go literal in double, single or back quotes stands for; `None` for bad syntax.
pub fn unquote(literal: &[u8]) -> Option<Vec<u8>> {
    let (&quote, rest) = literal.split_first()?;
    let (&last, body) = rest.split_last()?;
    if quote != last {
        return None;
    }
    match quote {
        b'`' if body.contains(&b'`') => None,
        b'`' => Some(body.iter().copied().filter(|byte| *byte != b'\r').collect()),
        b'"' | b'\'' => unquote_escaped(body, quote),
        _ => None,
    }
}

fn unquote_escaped(body: &[u8], quote: u8) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    let mut count = 0_usize;
    while !rest.is_empty() {
        if rest.first() == Some(&b'\n') {
            return None;
        }
        let char = unquote_char(rest, quote)?;
        match char.rune {
            Unquoted::Byte(byte) => out.push(byte),
            Unquoted::Rune(rune) => push_rune(&mut out, rune),
        }
        rest = char.tail;
        count += 1;
    }
    (quote != b'\'' || count == 1).then_some(out)
}

/// What [`unquote_char`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unquoted {
    /// A byte, from `\x` or an octal escape.
    Byte(u8),
    /// A rune.
    Rune(char),
}

impl Unquoted {
    /// The value as Go's rune.
    pub fn value(self) -> u32 {
        match self {
            Self::Byte(byte) => u32::from(byte),
            Self::Rune(rune) => u32::from(rune),
        }
    }
}

/// One character of a literal, and what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnquotedChar<'a> {
    /// The character.
    pub rune: Unquoted,
    /// What follows it.
    pub tail: &'a [u8],
}

/// The first character of the inner part of a literal in `quote`; `None` for bad syntax.
pub fn unquote_char(text: &[u8], quote: u8) -> Option<UnquotedChar<'_>> {
    let (&first, tail) = text.split_first()?;
    if first == quote {
        return None;
    }
    if first != b'\\' {
        let (rune, size) = decode_rune(text)?;
        let rune = if rune == REPLACEMENT && size == 1 && quote != b'\'' {
            // Bad UTF-8 is read as the replacement rune, as Go does.
            Unquoted::Rune(REPLACEMENT)
        } else {
            Unquoted::Rune(rune)
        };
        return Some(UnquotedChar { rune, tail: text.get(size..)? });
    }
    unescape(tail, quote)
}

fn unescape(text: &[u8], quote: u8) -> Option<UnquotedChar<'_>> {
    let (&letter, tail) = text.split_first()?;
    let simple = |rune| Some(UnquotedChar { rune: Unquoted::Rune(rune), tail });
    match letter {
        b'a' => simple('\u{7}'),
        b'b' => simple('\u{8}'),
        b'f' => simple('\u{c}'),
        b'n' => simple('\n'),
        b'r' => simple('\r'),
        b't' => simple('\t'),
        b'v' => simple('\u{b}'),
        b'\\' => simple('\\'),
        b'\'' | b'"' if letter == quote => simple(char::from(letter)),
        b'x' => {
            let (value, tail) = hex(tail, 2)?;
            let rune = Unquoted::Byte(u8::try_from(value).ok()?);
            Some(UnquotedChar { rune, tail })
        }
        b'u' | b'U' => {
            let (value, tail) = hex(tail, if letter == b'u' { 4 } else { 8 })?;
            let rune = Unquoted::Rune(char::from_u32(value)?);
            Some(UnquotedChar { rune, tail })
        }
        b'0'..=b'7' => {
            let digits = text.get(..3)?;
            let mut value = 0_u32;
            for digit in digits {
                if !(b'0'..=b'7').contains(digit) {
                    return None;
                }
                value = value * 8 + u32::from(digit - b'0');
            }
            let rune = Unquoted::Byte(u8::try_from(value).ok()?);
            Some(UnquotedChar { rune, tail: text.get(3..)? })
        }
        _ => None,
    }
}

fn hex(text: &[u8], digits: usize) -> Option<(u32, &[u8])> {
    let mut value = 0_u32;
    for digit in text.get(..digits)? {
        value = value.checked_mul(16)? + char::from(*digit).to_digit(16)?;
    }
    Some((value, text.get(digits..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted_as_go_does() {
        let check = |text: &[u8], ascii, expected: &str| {
            let mut out = Vec::new();
            append_quote(&mut out, text, ascii);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        };
        check("a\"b\\c\n\t\u{1}".as_bytes(), false, r#""a\"b\\c\n\t\x01""#);
        check("é世\u{a0}😀".as_bytes(), false, "\"é世\\u00a0😀\"");
        check("é😀".as_bytes(), true, r#""\u00e9\U0001f600""#);
        check(b"a\xffb", false, r#""a\xffb""#);
    }

    #[test]
    fn literals_are_read_as_go_does() {
        let check = |literal: &str, expected: Option<&[u8]>| {
            assert_eq!(unquote(literal.as_bytes()).as_deref(), expected, "{literal}");
        };
        check(r#""a\tb\x41\101\u00e9""#, Some("a\tbAAé".as_bytes()));
        check(r#""\xff""#, Some(b"\xff"));
        check("`a\\n\r`", Some(b"a\\n"));
        check(r#""\'""#, None);
        check(r#""\ud800""#, None);
        check(r#""\777""#, None);
        check("'ab'", None);
    }
}
