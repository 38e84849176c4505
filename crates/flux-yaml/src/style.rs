//! How a text may be written so that every reader takes it for the same text.

use crate::{Resolved, yaml11};

/// Where a text stands.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Context {
    Key,
    Value,
}

/// How a text is written.
pub(crate) enum Written {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// What a text allows.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) multiline: bool,
    plain: bool,
    single_quoted: bool,
    literal: bool,
}

impl Shape {
    pub(crate) fn of(text: &str) -> Self {
        if text.is_empty() {
            return Self { multiline: false, plain: true, single_quoted: true, literal: false };
        }
        if is_simple(text) {
            return Self { multiline: false, plain: true, single_quoted: true, literal: true };
        }
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut breaks, mut special, mut break_space, mut space_break) = (false, false, false, false);
        let mut previous = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let before_blank = chars.peek().is_none_or(|next| is_blank(*next));
            let after_blank = previous.is_none_or(|previous| is_blank(previous) || is_break(previous));
            indicators |= match c {
                '#' => after_blank,
                ':' => before_blank,
                '?' | '-' => previous.is_none() && before_blank,
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => {
                    previous.is_none()
                }
                _ => false,
            };
            special |= !is_printable(c);
            breaks |= is_break(c);
            break_space |= c == ' ' && previous.is_some_and(is_break);
            space_break |= is_break(c) && previous == Some(' ');
            previous = Some(c);
        }
        let edge = |c: char| c == ' ' || is_break(c);
        let edges = text.starts_with(edge) || text.ends_with(edge);
        Self {
            multiline: breaks,
            plain: !(indicators || edges || breaks || break_space || space_break || special),
            single_quoted: !(break_space || space_break || special),
            literal: !(text.ends_with(' ') || space_break || special),
        }
    }

    pub(crate) fn style(self, text: &str, context: Context) -> Written {
        if text.contains('\n') {
            return if self.literal && context == Context::Value { Written::Literal } else { Written::DoubleQuoted };
        }
        if !matches!(yaml11(text), Resolved::Str | Resolved::Merge) || is_base_60(text) {
            return Written::DoubleQuoted;
        }
        if self.multiline && context == Context::Key {
            return Written::DoubleQuoted;
        }
        match (self.plain, self.single_quoted) {
            (true, _) => Written::Plain,
            (false, true) => Written::SingleQuoted,
            (false, false) => Written::DoubleQuoted,
        }
    }
}

/// Whether a text is made of letters, digits and signs that mean nothing; most texts are.
pub(crate) fn is_simple(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'/' | b'_'))
}

/// Numbers to the base of 60, which only other readers know.
fn is_base_60(text: &str) -> bool {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !body.starts_with(|c: char| c.is_ascii_digit()) || !body.contains(':') {
        return false;
    }
    let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
    let mut parts = whole.split(':');
    let first = parts.next().is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_'));
    let sixty = |part: &str| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    first && parts.all(sixty) && fraction.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

pub(crate) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Writes a character between double quotes as an escape.
pub(crate) fn push_escape(out: &mut String, c: char) {
    let short = match c {
        '\0' => '0',
        '\x07' => 'a',
        '\x08' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\x0b' => 'v',
        '\x0c' => 'f',
        '\r' => 'r',
        '\x1b' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(c);
            let escaped = match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            };
            out.push_str(&escaped);
            return;
        }
    };
    out.push('\\');
    out.push(short);
}

/// Characters beyond the basic plane are not printable to the older library.
pub(crate) fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}
