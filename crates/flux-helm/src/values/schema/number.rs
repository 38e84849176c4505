//! Numbers as Go's text/message prints them for English readers.

use std::fmt::Write as _;

/// Between the factors of a number in scientific notation.
const TIMES: &str = "\u{202f}\u{d7}\u{202f}10";

const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];

/// A count, its thousands apart.
pub(super) fn count(number: usize) -> String {
    grouped(&number.to_string())
}

/// A number with the digits that tell it from all others: in full from 0.0001 up to a million, else with a power of ten.
pub(super) fn decimal(number: &serde_json::Number) -> String {
    let value = number.as_f64().unwrap_or_default();
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        let text = value.to_string();
        let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |text| ("-", text));
        return match text.split_once('.') {
            Some((whole, fraction)) => format!("{sign}{}.{fraction}", grouped(whole)),
            None => format!("{sign}{}", grouped(text)),
        };
    }
    let mut text = format!("{mantissa}{TIMES}{}", if exponent < 0 { "⁻" } else { "" });
    for digit in format!("{:02}", exponent.unsigned_abs()).bytes() {
        let digit = DIGITS.get(usize::from(digit - b'0')).copied().unwrap_or_default();
        let _ = text.write_char(digit);
    }
    text
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
