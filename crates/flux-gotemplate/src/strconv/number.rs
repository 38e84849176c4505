//! How numbers are read.

use super::quote::quote;

/// Why a text is no number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("strconv.{function}: parsing {}: {kind}", String::from_utf8_lossy(&quote(text.as_bytes())))]
pub struct NumError {
    /// The Go function that fails.
    pub function: &'static str,
    /// What it was given.
    pub text: String,
    /// What is wrong with it.
    pub kind: NumErrorKind,
}

/// What is wrong with a number's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumErrorKind {
    /// It is not written as a number.
    #[error("invalid syntax")]
    Syntax,
    /// It does not fit.
    #[error("value out of range")]
    Range,
}

/// Reads as Go's `strconv.ParseUint` does; base 0 tells the base by its prefix and allows `_`.
pub fn parse_uint(text: &str, base: u32, bits: u32) -> Result<u64, NumError> {
    unsigned(text, base, bits).map_err(|kind| NumError { function: "ParseUint", text: text.to_owned(), kind })
}

/// Reads as Go's `strconv.ParseInt` does; base 0 tells the base by its prefix and allows `_`.
pub fn parse_int(text: &str, base: u32, bits: u32) -> Result<i64, NumError> {
    signed(text, base, bits).map_err(|kind| NumError { function: "ParseInt", text: text.to_owned(), kind })
}

fn signed(text: &str, base: u32, bits: u32) -> Result<i64, NumErrorKind> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let value = unsigned(digits, base, 64)?;
    let limit = 1_u64 << (bits - 1);
    if negative {
        if value > limit {
            return Err(NumErrorKind::Range);
        }
        Ok(0_i64.wrapping_sub_unsigned(value))
    } else {
        if value >= limit {
            return Err(NumErrorKind::Range);
        }
        i64::try_from(value).map_err(|_| NumErrorKind::Range)
    }
}

fn unsigned(text: &str, base: u32, bits: u32) -> Result<u64, NumErrorKind> {
    let (base, digits, prefixed) = if base == 0 {
        let (base, digits) = split_base(text);
        (base, digits, true)
    } else {
        (base, text, false)
    };
    if digits.is_empty() {
        return Err(NumErrorKind::Syntax);
    }
    let mut value = Some(0_u64);
    let mut underscores = false;
    for digit in digits.bytes() {
        if digit == b'_' && prefixed {
            underscores = true;
            continue;
        }
        let digit = char::from(digit).to_digit(base).ok_or(NumErrorKind::Syntax)?;
        value = value
            .and_then(|value| value.checked_mul(u64::from(base)))
            .and_then(|value| value.checked_add(u64::from(digit)))
            .filter(|value| bits >= 64 || value >> bits == 0);
    }
    if underscores && !underscores_fit(text) {
        return Err(NumErrorKind::Syntax);
    }
    value.ok_or(NumErrorKind::Range)
}

fn split_base(text: &str) -> (u32, &str) {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'0') {
        return (10, text);
    }
    let base = match bytes.get(1).map(u8::to_ascii_lowercase) {
        Some(b'b') => 2,
        Some(b'o') => 8,
        Some(b'x') => 16,
        _ if bytes.len() == 1 => return (10, text),
        _ => return (8, &text[1..]),
    };
    if bytes.len() >= 3 { (base, &text[2..]) } else { (8, &text[1..]) }
}

/// Whether each `_` stands between digits, a base's prefix counting as one.
fn underscores_fit(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text).as_bytes();
    let prefix = match text {
        [b'0', letter, ..] => Some(letter.to_ascii_lowercase()).filter(|letter| b"box".contains(letter)),
        _ => None,
    };
    let rest = if prefix.is_some() { &text[2..] } else { text };
    let is_hex = prefix == Some(b'x');
    let mut last = if prefix.is_some() { b'0' } else { b'^' };
    for byte in rest {
        if byte.is_ascii_digit() || is_hex && byte.is_ascii_hexdigit() {
            last = b'0';
        } else if *byte == b'_' {
            if last != b'0' {
                return false;
            }
            last = b'_';
        } else {
            if last == b'_' {
                return false;
            }
            last = b'!';
        }
    }
    last != b'_'
}

/// Reads as Go's `strconv.ParseFloat` does: decimal, hexadecimal with `p` exponent, infinities, NaN, `_`.
pub fn parse_float(text: &str) -> Result<f64, NumError> {
    float(text).map_err(|kind| NumError { function: "ParseFloat", text: text.to_owned(), kind })
}

fn float(text: &str) -> Result<f64, NumErrorKind> {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let value = if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
        f64::INFINITY
    } else if text.eq_ignore_ascii_case("nan") {
        f64::NAN
    } else {
        if text.contains('_') && !underscores_fit(text) {
            return Err(NumErrorKind::Syntax);
        }
        let digits = unsigned.replace('_', "");
        let value = match digits.get(..2) {
            Some("0x" | "0X") => hexadecimal(&digits[2..])?,
            _ => decimal(&digits)?,
        };
        if value.is_infinite() {
            return Err(NumErrorKind::Range);
        }
        value
    };
    Ok(if negative { -value } else { value })
}

fn decimal(digits: &str) -> Result<f64, NumErrorKind> {
    // Rust reads what Go reads, and words besides.
    let starts = digits.as_bytes().first();
    if !starts.is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.') {
        return Err(NumErrorKind::Syntax);
    }
    digits.parse().map_err(|_| NumErrorKind::Syntax)
}

fn hexadecimal(digits: &str) -> Result<f64, NumErrorKind> {
    let (mantissa, exponent) = digits.split_once(['p', 'P']).ok_or(NumErrorKind::Syntax)?;
    let exponent_digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    if exponent_digits.is_empty() || !exponent_digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumErrorKind::Syntax);
    }
    let mut exponent = exponent.parse::<i64>().unwrap_or(1_000_000).clamp(-1_000_000, 1_000_000);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(NumErrorKind::Syntax);
    }
    let mut value = 0_u64;
    let mut sticky = false;
    for (index, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = digit.to_digit(16).ok_or(NumErrorKind::Syntax)?;
        if value >> 60 == 0 {
            value = value << 4 | u64::from(digit);
            exponent -= if index >= whole.len() { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            exponent += if index < whole.len() { 4 } else { 0 };
        }
    }
    Ok(scale(value, sticky, exponent))
}

/// `value * 2^exponent`, rounded once, to even; `sticky` says that more bits were lost below.
fn scale(value: u64, sticky: bool, exponent: i64) -> f64 {
    if value == 0 {
        return 0.0;
    }
    let mut exponent = exponent;
    let shift = value.leading_zeros();
    let mut value = value << shift;
    exponent -= i64::from(shift);
    // The top bit is worth 2^(exponent + 63); subnormal numbers keep fewer bits.
    let top = exponent + 63;
    let kept = if top >= -1022 { 53 } else { 53 + top + 1022 };
    if kept < 0 {
        return 0.0;
    }
    let lost = u32::try_from(64 - kept).unwrap_or(64);
    let (mut kept_bits, remainder, half) = if lost == 64 {
        (0, value, 1_u64 << 63)
    } else {
        let remainder = value & ((1 << lost) - 1);
        value >>= lost;
        (value, remainder, 1_u64 << (lost - 1))
    };
    if remainder > half || remainder == half && (sticky || kept_bits & 1 == 1) {
        kept_bits += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "at most 53 bits are left")]
    let mantissa = kept_bits as f64;
    let power = i32::try_from(exponent + i64::from(lost)).unwrap_or(i32::MAX);
    // In two factors, so that neither leaves the range before the product does.
    let first = power.clamp(-1000, 1000);
    mantissa * f64::from(2).powi(first) * f64::from(2).powi((power - first).clamp(-1000, 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_go_does() {
        let check = |text, expected: Option<i64>| {
            assert_eq!(parse_int(text, 0, 64).ok(), expected, "{text}");
        };
        check("0_7", Some(7));
        check("08", None);
        check("0x_f", Some(15));
        check("1_000", Some(1000));
        check("1__0", None);
        check("0x", None);
        check("-0x8000000000000000", Some(i64::MIN));
        check("0b1_0", Some(2));
        let error = parse_int("9223372036854775808", 10, 64).unwrap_err();
        assert_eq!(error.to_string(), "strconv.ParseInt: parsing \"9223372036854775808\": value out of range");
    }

    #[test]
    fn floats_are_read_as_go_does() {
        let check = |text, expected: Option<f64>| {
            assert_eq!(parse_float(text).ok(), expected, "{text}");
        };
        check("1_000.5", Some(1000.5));
        check("0x1p-2", Some(0.25));
        check("0x1.8", None);
        check("0x1.8p1", Some(3.0));
        check("0x1.fffffffffffff8p0", Some(2.0));
        check("1e400", None);
        check("+inf", Some(f64::INFINITY));
        check("1e", None);
        check("infinit", None);
        check(".5", Some(0.5));
    }
}
