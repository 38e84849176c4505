//! Replacement templates, and patterns that stand for a text.

use regex_automata::util::captures::Captures;

/// Group numbers from here on are none.
const MAX_NUMBER: usize = 100_000_000;

/// Appends `template` to `out` with `$1`, `$name` and `${name}` replaced by what the groups matched in `text`.
pub(super) fn expand(
    mut template: &[u8],
    text: &[u8],
    captures: &Captures,
    names: &[Option<String>],
    out: &mut Vec<u8>,
) {
    while let Some(dollar) = template.iter().position(|byte| *byte == b'$') {
        out.extend_from_slice(&template[..dollar]);
        template = &template[dollar + 1..];
        if let Some(rest) = template.strip_prefix(b"$") {
            out.push(b'$');
            template = rest;
        } else if let Some((name, rest)) = group_name(template) {
            let group = group_number(name).map_or_else(
                // Of groups with one name the first that took part counts.
                || (0..names.len()).find(|at| names[*at].as_deref() == Some(name) && captures.get_group(*at).is_some()),
                Some,
            );
            if let Some(span) = group.and_then(|group| captures.get_group(group)) {
                out.extend_from_slice(&text[span.range()]);
            }
            template = rest;
        } else {
            out.push(b'$');
        }
    }
    out.extend_from_slice(template);
}

/// The name behind a dollar sign and what follows it.
fn group_name(template: &[u8]) -> Option<(&str, &[u8])> {
    let (braced, start) = template.strip_prefix(b"{").map_or((false, template), |rest| (true, rest));
    let valid = match std::str::from_utf8(start) {
        Ok(valid) => valid,
        Err(error) => std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default(),
    };
    let name = &valid[..valid.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(valid.len())];
    let rest = &start[name.len()..];
    let rest = if braced { rest.strip_prefix(b"}")? } else { rest };
    (!name.is_empty()).then_some((name, rest))
}

/// The number that a name is: only digits, without a leading zero.
fn group_number(name: &str) -> Option<usize> {
    let padded = name.len() > 1 && name.starts_with('0');
    let digits = name.bytes().all(|byte| byte.is_ascii_digit());
    (digits && !padded).then(|| name.parse().ok()).flatten().filter(|number| *number < MAX_NUMBER * 10)
}

/// A pattern that matches `text` alone.
pub(crate) fn quote_meta(text: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(text.len());
    for byte in text {
        if br"\.+*?()|[]{}^$".contains(byte) {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    quoted
}
