//! Numbers in templates.

use super::lexer::Kind;
use super::node::Number;
use crate::strconv::{NumErrorKind, parse_float, parse_int, parse_uint, quote, unquote_char};
use crate::value::GoStr;

const NOT_COMPLEX: &str = "syntax error scanning complex number";

/// Reads a number, character or complex number; gives Go's complaint when it is none.
pub(super) fn read(text: &[u8], kind: Kind) -> Result<Number, String> {
    let mut number = Number { text: GoStr::from(text), ..Number::default() };
    match kind {
        Kind::CharConstant => read_char(&mut number, text)?,
        Kind::Complex => read_complex(&mut number, text)?,
        _ => read_plain(&mut number, text)?,
    }
    Ok(number)
}

fn read_char(number: &mut Number, text: &[u8]) -> Result<(), String> {
    let body = text.get(1..).unwrap_or_default();
    let char = unquote_char(body, b'\'').ok_or("invalid syntax")?;
    if char.tail != b"'" {
        return Err(format!("malformed character constant: {}", String::from_utf8_lossy(text)));
    }
    let value = char.rune.value();
    number.int = Some(i64::from(value));
    number.uint = Some(u64::from(value));
    number.float = Some(f64::from(value));
    Ok(())
}

fn read_complex(number: &mut Number, text: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(text).unwrap_or_default();
    // The sign between the parts is the last one that does not belong to an exponent.
    let bytes = text.as_bytes();
    let split = (1..bytes.len()).rev().find(|at| {
        let before = bytes.get(at - 1).copied().unwrap_or_default().to_ascii_lowercase();
        let is_hex = text.get(..*at).is_some_and(|head| head.contains(['x', 'X']));
        let in_exponent = before == b'p' || before == b'e' && !is_hex;
        matches!(bytes.get(*at), Some(b'+' | b'-')) && !in_exponent
    });
    let (real, imaginary) = text.split_at(split.unwrap_or(text.len()));
    let imaginary = imaginary.strip_suffix('i').ok_or(NOT_COMPLEX)?;
    let part = |part: &str| {
        parse_float(part).map_err(|err| match err.kind {
            NumErrorKind::Syntax => NOT_COMPLEX.to_owned(),
            NumErrorKind::Range => err.to_string(),
        })
    };
    let value = (part(real.trim_end_matches('i'))?, part(imaginary)?);
    number.complex = Some(value);
    simplify(number, value);
    Ok(())
}

fn read_plain(number: &mut Number, text: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(text).unwrap_or_default();
    if let Some(imaginary) = text.strip_suffix('i')
        && let Ok(value) = parse_float(imaginary)
    {
        number.complex = Some((0.0, value));
        simplify(number, (0.0, value));
        return Ok(());
    }
    number.uint = parse_uint(text, 0, 64).ok();
    number.int = parse_int(text, 0, 64).ok();
    if number.int == Some(0) {
        number.uint = Some(0);
    }
    #[expect(clippy::cast_precision_loss, reason = "Go converts so")]
    if let Some(value) = number.int {
        number.float = Some(value as f64);
    } else if let Some(value) = number.uint {
        number.float = Some(value as f64);
    } else if let Ok(value) = parse_float(text) {
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", quoted(text)));
        }
        number.float = Some(value);
        number.int = exact_int(value);
        number.uint = exact_uint(value);
    }
    if number.int.is_none() && number.uint.is_none() && number.float.is_none() {
        return Err(format!("illegal number syntax: {}", quoted(text)));
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    String::from_utf8_lossy(&quote(text.as_bytes())).into_owned()
}

/// A complex number without imaginary part stands for plain ones too.
fn simplify(number: &mut Number, value: (f64, f64)) {
    if value.1 == 0.0 {
        number.float = Some(value.0);
        number.int = exact_int(value.0);
        number.uint = exact_uint(value.0);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::float_cmp, reason = "tested for loss")]
fn exact_int(value: f64) -> Option<i64> {
    let int = value as i64;
    (int as f64 == value && value < 9_223_372_036_854_775_808.0).then_some(int)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "tested for loss")]
#[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "tested for loss")]
fn exact_uint(value: f64) -> Option<u64> {
    let uint = value as u64;
    (uint as f64 == value && (0.0..18_446_744_073_709_551_616.0).contains(&value)).then_some(uint)
}
