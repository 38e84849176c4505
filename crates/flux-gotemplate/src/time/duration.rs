//! Durations as Go reads and prints them.

/// Nanoseconds of the units, longest first; the texts are what may follow a number.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];
/// A second in nanoseconds.
pub(crate) const SECOND: i64 = 1_000_000_000;

/// Why a text is no duration, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DurationError {
    #[error("time: invalid duration {0}")]
    Invalid(String),
    #[error("time: missing unit in duration {0}")]
    MissingUnit(String),
    #[error("time: unknown unit {unit} in duration {text}")]
    UnknownUnit { unit: String, text: String },
}

/// The nanoseconds of a text such as `-1h2.5m`.
pub(crate) fn parse_duration(text: &str) -> Result<i64, DurationError> {
    let invalid = || DurationError::Invalid(super::quote(text));
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let limit = 1_u64 << 63;
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (amount, after) = part(rest, text)?;
        total = amount.and_then(|amount| total.checked_add(amount)).filter(|sum| *sum <= limit).ok_or_else(invalid)?;
        rest = after;
    }
    match i64::try_from(total) {
        Ok(nanoseconds) => Ok(if negative { -nanoseconds } else { nanoseconds }),
        Err(_) if negative => Ok(i64::MIN),
        Err(_) => Err(invalid()),
    }
}

/// The nanoseconds of one number with its unit, `None` where they are too many, and what follows.
fn part<'t>(text: &'t str, whole: &str) -> Result<(Option<u64>, &'t str), DurationError> {
    let invalid = || DurationError::Invalid(super::quote(whole));
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (integer, rest) = text.split_at(digits(text));
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(after) => after.split_at(digits(after)),
        None => ("", rest),
    };
    if integer.is_empty() && fraction.is_empty() {
        return Err(invalid());
    }
    let (name, rest) = rest.split_at(rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len()));
    if name.is_empty() {
        return Err(DurationError::MissingUnit(super::quote(whole)));
    }
    let unit = UNITS.iter().find(|(text, _)| *text == name).map(|(_, nanoseconds)| *nanoseconds);
    let unit =
        unit.ok_or_else(|| DurationError::UnknownUnit { unit: super::quote(name), text: super::quote(whole) })?;
    let whole_units = if integer.is_empty() { Some(0) } else { integer.parse::<u64>().ok() };
    let amount = whole_units.filter(|units| *units <= 1 << 63).and_then(|units| units.checked_mul(unit));
    Ok((amount.and_then(|amount| amount.checked_add(fraction_of(fraction, unit))), rest))
}

/// The nanoseconds of a decimal fraction of a unit, of which only as many digits count as Go's sum can hold.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "as Go does")]
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let (mut value, mut scale) = (0_u64, 1.0_f64);
    for digit in digits.bytes() {
        let Some(next) = value.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit - b'0'))) else {
            break;
        };
        if next > 1 << 63 {
            break;
        }
        value = next;
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

/// A duration as Go prints it, for example `1h2m3.5s`.
pub(crate) fn format_duration(nanoseconds: i64) -> String {
    let amount = nanoseconds.unsigned_abs();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let text = match amount {
        0 => return "0s".to_owned(),
        1..1_000 => format!("{amount}ns"),
        1_000..1_000_000 => format!("{}\u{b5}s", with_fraction(amount, 1_000)),
        1_000_000..1_000_000_000 => format!("{}ms", with_fraction(amount, 1_000_000)),
        _ => {
            let (minutes, rest) = (amount / 60_000_000_000, amount % 60_000_000_000);
            let seconds = with_fraction(rest, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, minutes) => format!("{minutes}m{seconds}s"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
            }
        }
    };
    format!("{sign}{text}")
}

/// `amount / unit` with as many decimals as it has.
fn with_fraction(amount: u64, unit: u64) -> String {
    let (whole, rest) = (amount / unit, amount % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    let decimals = format!("{rest:0width$}");
    format!("{whole}.{}", decimals.trim_end_matches('0'))
}

/// `nanoseconds` rounded to whole multiples of `unit`, halves away from zero.
pub(crate) fn round(nanoseconds: i64, unit: i64) -> i64 {
    if unit <= 0 {
        return nanoseconds;
    }
    let rest = nanoseconds % unit;
    let toward_zero = nanoseconds - rest;
    if rest.unsigned_abs() < unit.unsigned_abs() - rest.unsigned_abs() {
        return toward_zero;
    }
    if nanoseconds < 0 { toward_zero.saturating_sub(unit) } else { toward_zero.saturating_add(unit) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_printed_as_go_does() {
        for (text, nanoseconds, printed) in [
            ("0", 0, "0s"),
            ("+5s", 5_000_000_000, "5s"),
            ("-1.5h", -5_400_000_000_000, "-1h30m0s"),
            ("1h15m30.918s", 4_530_918_000_000, "1h15m30.918s"),
            (".5ms", 500_000, "500\u{b5}s"),
            ("1us1ns", 1_001, "1.001\u{b5}s"),
            ("3\u{3bc}s", 3_000, "3\u{b5}s"),
            ("-9223372036854775808ns", i64::MIN, "-2562047h47m16.854775808s"),
            ("0.100000000000000000000h", 360_000_000_000, "6m0s"),
        ] {
            assert_eq!(parse_duration(text), Ok(nanoseconds), "{text}");
            assert_eq!(format_duration(nanoseconds), printed, "{text}");
        }
    }

    #[test]
    fn other_texts_are_named() {
        for (text, expected) in [
            ("", r#"time: invalid duration """#),
            ("-", r#"time: invalid duration "-""#),
            (".s", r#"time: invalid duration ".s""#),
            ("3", r#"time: missing unit in duration "3""#),
            ("1d", r#"time: unknown unit "d" in duration "1d""#),
            ("9223372036854775808ns", r#"time: invalid duration "9223372036854775808ns""#),
            ("99999999999999999999h", r#"time: invalid duration "99999999999999999999h""#),
        ] {
            assert_eq!(parse_duration(text).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn halves_are_rounded_away_from_zero() {
        assert_eq!(round(1_500_000_000, SECOND), 2_000_000_000);
        assert_eq!(round(-1_500_000_000, SECOND), -2_000_000_000);
        assert_eq!(round(1_499_999_999, SECOND), 1_000_000_000);
    }
}
