//! Texts that are written on one line.

use std::borrow::Cow;

use granit_parser::ScalarStyle;

/// A value that ends its line, but for a comment.
pub(super) fn value(text: &str) -> Option<(Cow<'_, str>, ScalarStyle)> {
    if text.starts_with(['"', '\'']) {
        let (inner, style, rest) = written(text)?;
        return ends(rest).then_some((inner, style));
    }
    let text = match text.find(" #") {
        Some(comment) => text[..comment].trim_end_matches(' '),
        None => text,
    };
    let plain = begins_plain(text) && !text.ends_with(':') && !text.contains(": ");
    plain.then_some((Cow::Borrowed(text), ScalarStyle::Plain))
}

/// Whether nothing stands behind a value but a comment.
pub(super) fn ends(rest: &str) -> bool {
    rest.is_empty() || rest.trim_start_matches(' ').starts_with('#') && rest.starts_with(' ')
}

/// A text in quotes without anything to be interpreted, and what stands behind it.
pub(super) fn quoted(text: &str) -> Option<(&str, ScalarStyle, &str)> {
    let (inner, style, rest) = written(text)?;
    match inner {
        Cow::Borrowed(inner) => Some((inner, style, rest)),
        Cow::Owned(_) => None,
    }
}

/// A text in quotes, and what stands behind it.
pub(super) fn written(text: &str) -> Option<(Cow<'_, str>, ScalarStyle, &str)> {
    if let Some(inside) = text.strip_prefix('\'') {
        let end = inside.find('\'')?;
        // Two quotes are one.
        let rest = &inside[end + 1..];
        return (!rest.starts_with('\'')).then(|| (Cow::Borrowed(&inside[..end]), ScalarStyle::SingleQuoted, rest));
    }
    let inside = text.strip_prefix('"')?;
    let end = inside.find(['"', '\\'])?;
    if inside.as_bytes()[end] == b'"' {
        return Some((Cow::Borrowed(&inside[..end]), ScalarStyle::DoubleQuoted, &inside[end + 1..]));
    }
    let mut out = inside[..end].to_owned();
    let mut characters = inside[end..].char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((Cow::Owned(out), ScalarStyle::DoubleQuoted, &inside[end + at + 1..])),
            '\\' => out.push(match characters.next()?.1 {
                '"' => '"',
                '\\' => '\\',
                'n' => '\n',
                't' => '\t',
                _ => return None,
            }),
            c => out.push(c),
        }
    }
    None
}

/// Whether a text can only be plain by its first characters.
pub(super) fn begins_plain(text: &str) -> bool {
    let mut bytes = text.bytes();
    match bytes.next() {
        Some(b'-') => bytes.next().is_some_and(|second| second.is_ascii_alphanumeric() || second == b'-'),
        Some(b'<') => bytes.next().is_some_and(|second| second != b'<'),
        Some(first) => {
            first.is_ascii_alphanumeric() || matches!(first, b'/' | b'.' | b'_' | b'$' | b'(' | b'+' | b'^' | b';')
        }
        None => false,
    }
}
