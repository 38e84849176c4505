//! Lines of a bounded width, and texts cut short; widths are bytes.

use super::Table;
use super::strings::find;
use crate::call::Call;
use crate::error::FuncError;
use crate::function::{Args, Signature};
use crate::value::{GoStr, Type, Value};

pub(super) const TABLE: Table = &[
    ("wrap", Signature::fixed(&[Type::Int, Type::Str], Type::Str), |call, args| {
        wrap(call, args.bytes(1), args.int(0), b"\n", Long::Stays)
    }),
    ("wrapWith", Signature::fixed(&[Type::Int, Type::Str, Type::Str], Type::Str), |call, args| {
        let separator = if args.bytes(1).is_empty() { b"\n" } else { args.bytes(1) };
        wrap(call, args.bytes(2), args.int(0), separator, Long::IsCut)
    }),
    ("abbrev", Signature::fixed(&[Type::Int, Type::Str], Type::Str), |_, args| {
        Ok(if args.int(0) < 4 { args.string(1) } else { abbreviate(args.string(1), 0, args.int(0)) }.into())
    }),
    ("abbrevboth", Signature::fixed(&[Type::Int, Type::Int, Type::Str], Type::Str), |_, args| {
        Ok(abbreviate_both(args))
    }),
];

/// What becomes of words longer than a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Long {
    Stays,
    IsCut,
}

fn wrap(call: &mut Call<'_, '_>, text: &[u8], width: i64, separator: &[u8], long: Long) -> Result<Value, FuncError> {
    let width = usize::try_from(width).unwrap_or(1).max(1);
    let mut out = Vec::with_capacity(text.len());
    let mut start = 0;
    while text.len() - start > width {
        if text[start] == b' ' {
            start += 1;
            continue;
        }
        let line = &text[start..=start + width];
        let next_space = |from: usize| find(&text[from..], b" ").map(|at| from + at);
        let (end, next) = match line.iter().rposition(|byte| *byte == b' ').map(|at| start + at) {
            Some(space) => (space, space + 1),
            None if long == Long::IsCut => (start + width, start + width),
            None => match next_space(start + width) {
                Some(space) => (space, space + 1),
                None => break,
            },
        };
        call.charge(separator.len())?;
        out.extend_from_slice(&text[start..end]);
        out.extend_from_slice(separator);
        start = next;
    }
    out.extend_from_slice(&text[start.min(text.len())..]);
    Ok(out.into())
}

fn abbreviate_both(args: Args<'_>) -> Value {
    let (offset, width) = (args.int(0), args.int(1));
    if width < 4 || offset > 0 && width < 7 {
        return args.string(2).into();
    }
    abbreviate(args.string(2), offset, width).into()
}

/// `text` with dots for what does not fit `width`, shown from `offset` on; the width is at least 4.
fn abbreviate(text: GoStr, offset: i64, width: i64) -> GoStr {
    let Some(kept) = usize::try_from(width).ok().and_then(|width| width.checked_sub(3)) else { return text };
    if text.len() <= kept + 3 {
        return text;
    }
    let bytes = text.as_bytes();
    let last_offset = bytes.len() - kept;
    let offset = usize::try_from(offset).unwrap_or(0).min(last_offset);
    if offset <= 4 {
        return [&bytes[..kept], b"..."].concat().into();
    }
    if offset + kept >= bytes.len() {
        return [b"...", &bytes[last_offset..]].concat().into();
    }
    // The rest is cut short in turn; goutils gives nothing of it where less than four columns are left.
    let rest = &bytes[offset..];
    if kept < 4 {
        return "...".into();
    }
    [b"...", &rest[..kept - 3], b"..."].concat().into()
}
