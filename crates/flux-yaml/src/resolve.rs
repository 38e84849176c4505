//! What a plain scalar means.

use crate::timestamp;

/// The meaning of a plain scalar.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number above the signed range.
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// A date or time, as RFC 3339.
    Timestamp(String),
    /// The merge key.
    Merge,
    /// Text.
    Str,
}

/// What yaml.v3 makes of `text`: the booleans of YAML 1.2, the numbers of both versions.
pub fn yaml3(text: &str) -> Resolved {
    match first(text) {
        First::Text => Resolved::Str,
        First::Word => word(text).unwrap_or(Resolved::Str),
        First::Dot => dot(text),
        First::Number => number(text),
    }
}

/// What yaml.v2, below sigs.k8s.io/yaml, makes of `text`: also `yes`, `on`, `y` and their opposites are booleans.
pub fn yaml11(text: &str) -> Resolved {
    match first(text) {
        First::Text => Resolved::Str,
        First::Word => match text {
            "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Resolved::Bool(true),
            "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Resolved::Bool(false),
            _ => word(text).unwrap_or(Resolved::Str),
        },
        First::Dot => dot(text),
        First::Number => number(text),
    }
}

/// What the first character says the text may be.
enum First {
    Text,
    Word,
    Dot,
    Number,
}

fn first(text: &str) -> First {
    match text.as_bytes().first() {
        None | Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' | b'<') => First::Word,
        Some(b'.') => First::Dot,
        Some(b'+' | b'-' | b'0'..=b'9') => First::Number,
        Some(_) => First::Text,
    }
}

fn word(text: &str) -> Option<Resolved> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "true" | "True" | "TRUE" => Resolved::Bool(true),
        "false" | "False" | "FALSE" => Resolved::Bool(false),
        "<<" => Resolved::Merge,
        _ => return None,
    })
}

fn dot(text: &str) -> Resolved {
    match text {
        ".nan" | ".NaN" | ".NAN" => Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" => Resolved::Float(f64::INFINITY),
        _ => float(text).map_or(Resolved::Str, Resolved::Float),
    }
}

fn number(text: &str) -> Resolved {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Resolved::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if let Some(time) = timestamp::parse(text) {
        return Resolved::Timestamp(time);
    }
    let digits;
    let plain = if text.contains('_') {
        digits = text.replace('_', "");
        digits.as_str()
    } else {
        text
    };
    integer(plain).or_else(|| float(plain).map(Resolved::Float)).unwrap_or(Resolved::Str)
}

/// Go's reading of integers with their base in the prefix.
fn integer(text: &str) -> Option<Resolved> {
    let (negative, body) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match body.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &body[2..]),
        [b'0', b'b' | b'B', ..] => (2, &body[2..]),
        [b'0', b'o' | b'O', ..] => (8, &body[2..]),
        [b'0', _, ..] => (8, &body[1..]),
        _ => (10, body),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0i64.checked_sub_unsigned(value).map(Resolved::Int);
    }
    match i64::try_from(value) {
        Ok(value) => Some(Resolved::Int(value)),
        // A sign makes Go refuse what only the unsigned range holds.
        Err(_) if text.starts_with('+') => None,
        Err(_) => Some(Resolved::Uint(value)),
    }
}

/// A decimal number with fraction and exponent, unless it is too large to hold.
fn float(text: &str) -> Option<f64> {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (&body[..at], Some(&body[at + 1..])),
        None => (body, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        None => digits(mantissa),
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
    };
    let exponent_fits = exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)));
    if !mantissa_fits || !exponent_fits {
        return None;
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_all_of_gos_spellings() {
        let cases = [
            ("010", Resolved::Int(8)),
            ("0o10", Resolved::Int(8)),
            ("0x1F", Resolved::Int(31)),
            ("1_000", Resolved::Int(1000)),
            ("08", Resolved::Float(8.0)),
            ("1e3", Resolved::Float(1000.0)),
            ("1e400", Resolved::Str),
            ("12345678901234567890", Resolved::Uint(12_345_678_901_234_567_890)),
            ("-9223372036854775808", Resolved::Int(i64::MIN)),
            ("1:30", Resolved::Str),
            ("-", Resolved::Str),
            (".5", Resolved::Float(0.5)),
            ("", Resolved::Null),
        ];
        for (text, expected) in cases {
            assert_eq!(yaml3(text), expected, "{text}");
        }
    }

    #[test]
    fn only_the_older_reader_takes_yes_for_a_boolean() {
        assert_eq!(yaml3("yes"), Resolved::Str);
        assert_eq!(yaml11("yes"), Resolved::Bool(true));
        assert_eq!(yaml11("Off"), Resolved::Bool(false));
    }
}
