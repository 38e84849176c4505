//! Strings: cutting, padding, joining.

use super::Table;
use super::text::{strslice, strval};
use crate::call::Call;
use crate::error::FuncError;
use crate::function::{Args, Signature};
use crate::strconv::append_quote;
use crate::value::{Entries, GoStr, List, Map, Type, Value, decode_rune, runes};

const STRING: Signature = Signature::fixed(&[Type::Str], Type::Str);
const STRINGS: Signature = Signature::fixed(&[Type::Str, Type::Str], Type::Str);
const TEST: Signature = Signature::fixed(&[Type::Str, Type::Str], Type::Bool);
const COUNTED: Signature = Signature::fixed(&[Type::Int, Type::Str], Type::Str);
const ANYTHING: Signature = Signature::variadic(&[Type::Any], Type::Str);

pub(super) const TABLE: Table = &[
    ("hello", Signature::fixed(&[], Type::Str), |_, _| Ok("Hello!".into())),
    ("trim", STRING, |_, args| Ok(trimmed(args.bytes(0)).into())),
    ("trimall", STRINGS, |_, args| Ok(trim_all(args))),
    ("trimAll", STRINGS, |_, args| Ok(trim_all(args))),
    ("trimSuffix", STRINGS, |_, args| Ok(strip(args, <[u8]>::strip_suffix))),
    ("trimPrefix", STRINGS, |_, args| Ok(strip(args, <[u8]>::strip_prefix))),
    ("contains", TEST, |_, args| Ok(find(args.bytes(1), args.bytes(0)).is_some().into())),
    ("hasPrefix", TEST, |_, args| Ok(args.bytes(1).starts_with(args.bytes(0)).into())),
    ("hasSuffix", TEST, |_, args| Ok(args.bytes(1).ends_with(args.bytes(0)).into())),
    ("repeat", COUNTED, |call, args| repeat(call, args.bytes(1), args.int(0))),
    ("indent", COUNTED, |call, args| indent(call, args, "")),
    ("nindent", COUNTED, |call, args| indent(call, args, "\n")),
    ("replace", Signature::fixed(&[Type::Str, Type::Str, Type::Str], Type::Str), replace),
    ("trunc", COUNTED, |_, args| Ok(trunc(args.bytes(1), args.int(0)).into())),
    ("substr", Signature::fixed(&[Type::Int, Type::Int, Type::Str], Type::Str), substr),
    ("plural", Signature::fixed(&[Type::Str, Type::Str, Type::Int], Type::Str), |_, args| {
        Ok(args.string(usize::from(args.int(2) != 1)).into())
    }),
    ("quote", ANYTHING, |call, args| Ok(quote(call, args.all())?.into())),
    ("squote", ANYTHING, |call, args| Ok(squote(call, args.all())?.into())),
    ("cat", ANYTHING, |call, args| Ok(cat(call, args.all())?.into())),
    ("toString", Signature::fixed(&[Type::Any], Type::Str), |call, args| Ok(strval(call, args.get(0))?.into())),
    ("toStrings", Signature::fixed(&[Type::Any], Type::STRINGS), |call, args| {
        Ok(List::strings(strslice(call, args.get(0))?).into())
    }),
    ("join", Signature::fixed(&[Type::Str, Type::Any], Type::Str), |call, args| {
        let texts = strslice(call, args.get(1))?;
        call.charge(args.bytes(0).len().saturating_mul(texts.len()))?;
        Ok(join(&texts, args.bytes(0)).into())
    }),
    ("split", Signature::fixed(&[Type::Str, Type::Str], Type::Map(&Type::Str)), |_, args| {
        Ok(numbered(split(args.bytes(1), args.bytes(0), usize::MAX)))
    }),
    ("splitn", Signature::fixed(&[Type::Str, Type::Int, Type::Str], Type::Map(&Type::Str)), |_, args| {
        Ok(numbered(split(args.bytes(2), args.bytes(0), usize::try_from(args.int(1)).unwrap_or(usize::MAX))))
    }),
    ("splitList", Signature::fixed(&[Type::Str, Type::Str], Type::STRINGS), |_, args| {
        Ok(List::strings(split(args.bytes(1), args.bytes(0), usize::MAX)).into())
    }),
];

fn trimmed(mut text: &[u8]) -> &[u8] {
    while let Some((_, size)) = decode_rune(text).filter(|(rune, _)| rune.is_whitespace()) {
        text = &text[size..];
    }
    let end = runes(text).filter(|(_, rune, _)| !rune.is_whitespace()).map(|(at, _, size)| at + size).last();
    &text[..end.unwrap_or(0)]
}

fn trim_all(args: Args<'_>) -> Value {
    let (cut, text) = (args.bytes(0), args.bytes(1));
    let is_cut = |rune: char| runes(cut).any(|(_, cut, _)| cut == rune);
    let mut kept = runes(text).filter(|(_, rune, _)| !is_cut(*rune)).map(|(at, _, size)| (at, at + size));
    let first = kept.next();
    let last = kept.last().or(first);
    first.zip(last).map_or(&[][..], |((start, _), (_, end))| &text[start..end]).into()
}

fn strip(args: Args<'_>, strip: for<'t> fn(&'t [u8], &[u8]) -> Option<&'t [u8]>) -> Value {
    match strip(args.bytes(1), args.bytes(0)) {
        Some(rest) if rest.len() < args.bytes(1).len() => rest.into(),
        _ => args.string(1).into(),
    }
}

/// Where `part` first stands in `text`.
pub(super) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, part)
}

pub(super) fn repeat(call: &mut Call<'_, '_>, text: &[u8], count: i64) -> Result<Value, FuncError> {
    let count = usize::try_from(count).map_err(|_| FuncError::new("strings: negative Repeat count"))?;
    let size = text.len().checked_mul(count).filter(|size| isize::try_from(*size).is_ok());
    let size = size.ok_or_else(|| FuncError::new("strings: Repeat output length overflow"))?;
    call.charge(size)?;
    Ok(text.repeat(count).into())
}

fn indent(call: &mut Call<'_, '_>, args: Args<'_>, start: &str) -> Result<Value, FuncError> {
    let width = usize::try_from(args.int(0)).map_err(|_| FuncError::new("strings: negative Repeat count"))?;
    let text = args.bytes(1);
    let lines = text.split(|byte| *byte == b'\n').count();
    let size = width.saturating_mul(lines).saturating_add(text.len() + start.len());
    call.charge(size)?;
    let mut out = Vec::with_capacity(size);
    out.extend_from_slice(start.as_bytes());
    for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if at > 0 {
            out.push(b'\n');
        }
        out.resize(out.len() + width, b' ');
        out.extend_from_slice(line);
    }
    Ok(out.into())
}

fn replace(call: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let (old, new, text) = (args.bytes(0), args.bytes(1), args.bytes(2));
    let pieces = if old.is_empty() { between_runes(text) } else { split(text, old, usize::MAX) };
    if pieces.len() < 2 {
        return Ok(args.string(2).into());
    }
    call.charge(text.len().saturating_add(new.len().saturating_mul(pieces.len())))?;
    Ok(pieces.join(new).into())
}

/// The pieces that a replacement of nothing stands between: before, behind and between all runes.
fn between_runes(text: &[u8]) -> Vec<&[u8]> {
    let mut pieces = vec![&text[..0]];
    pieces.extend(runes(text).map(|(at, _, size)| &text[at..at + size]));
    pieces.push(&text[text.len()..]);
    pieces
}

fn trunc(text: &[u8], count: i64) -> &[u8] {
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if size >= text.len() {
        return text;
    }
    if count < 0 { &text[text.len() - size..] } else { &text[..size] }
}

fn substr(_: &mut Call<'_, '_>, args: Args<'_>) -> Result<Value, FuncError> {
    let (start, end, text) = (args.int(0), args.int(1), args.bytes(2));
    let failed = |bounds: String| FuncError::new(format!("runtime error: slice bounds out of range [{bounds}"));
    let length = text.len();
    let Ok(from) = usize::try_from(start) else {
        let to = usize::try_from(end).map_err(|_| failed(format!(":{end}]")))?;
        return text.get(..to).map(Into::into).ok_or_else(|| failed(format!(":{end}] with length {length}")));
    };
    let to = usize::try_from(end).ok().filter(|to| *to <= length).unwrap_or(length);
    text.get(from..to).map(Into::into).ok_or_else(|| failed(format!("{start}:{to}]")))
}

/// Writes each value but nils, with blanks between.
fn spaced(
    values: &[Value],
    mut write: impl FnMut(&Value, &mut Vec<u8>) -> Result<(), FuncError>,
) -> Result<Vec<u8>, FuncError> {
    let mut out = Vec::new();
    for (at, value) in values.iter().filter(|value| !matches!(value, Value::Nil)).enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        write(value, &mut out)?;
    }
    Ok(out)
}

fn quote(call: &mut Call<'_, '_>, values: &[Value]) -> Result<Vec<u8>, FuncError> {
    spaced(values, |value, out| {
        append_quote(out, strval(call, value)?.as_bytes(), false);
        Ok(())
    })
}

fn squote(call: &mut Call<'_, '_>, values: &[Value]) -> Result<Vec<u8>, FuncError> {
    spaced(values, |value, out| {
        out.push(b'\'');
        out.extend_from_slice(call.text_of(value)?.as_bytes());
        out.push(b'\'');
        Ok(())
    })
}

fn cat(call: &mut Call<'_, '_>, values: &[Value]) -> Result<Vec<u8>, FuncError> {
    spaced(values, |value, out| {
        out.extend_from_slice(call.text_of(value)?.as_bytes());
        Ok(())
    })
}

fn join(texts: &[GoStr], separator: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(texts.iter().map(|text| text.len() + separator.len()).sum());
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(separator);
        }
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// The pieces between separators, at most `limit`; between all runes where the separator is empty.
fn split<'t>(text: &'t [u8], separator: &[u8], limit: usize) -> Vec<&'t [u8]> {
    let mut pieces = Vec::new();
    if limit == 0 {
        return pieces;
    }
    let mut rest = text;
    if separator.is_empty() {
        while pieces.len() + 1 < limit
            && let Some((_, size)) = decode_rune(rest)
        {
            pieces.push(&rest[..size]);
            rest = &rest[size..];
        }
        if !rest.is_empty() {
            pieces.push(rest);
        }
        return pieces;
    }
    let finder = memchr::memmem::Finder::new(separator);
    while pieces.len() + 1 < limit
        && let Some(at) = finder.find(rest)
    {
        pieces.push(&rest[..at]);
        rest = &rest[at + separator.len()..];
    }
    pieces.push(rest);
    pieces
}

/// A map of the pieces with the keys `_0`, `_1` and so on.
fn numbered(pieces: Vec<&[u8]>) -> Value {
    let entries = pieces.into_iter().enumerate().map(|(at, piece)| (GoStr::from(format!("_{at}")), Value::str(piece)));
    Map::of_strings(entries.collect::<Entries>()).into()
}
