//! Durations as Go reads and prints them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration as StdDuration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The pattern that upstream's CRDs give to intervals.
const PATTERN: &str = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$";

/// The longest duration that Go can hold, in nanoseconds.
const MAX_NANOS: u128 = i64::MAX as u128;

const MICROSECOND: u128 = 1_000;
const MILLISECOND: u128 = 1_000_000;
const SECOND: u128 = 1_000_000_000;
const MINUTE: u128 = 60 * SECOND;
const HOUR: u128 = 60 * MINUTE;

/// A span of time, written as Go's `time.Duration` is: `1m0s`, `750ms`, `1h0m0s`.
///
/// Negative durations are refused, and so are those above 2^63-1 nanoseconds (292 years).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(StdDuration);

/// A text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a duration such as 30s, 1m30s or 1h")]
pub struct ParseDurationError {
    text: String,
}

impl Duration {
    /// That many whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(StdDuration::from_secs(seconds))
    }

    /// The same span in the standard library's type.
    pub const fn as_std(self) -> StdDuration {
        self.0
    }
}

impl From<StdDuration> for Duration {
    fn from(duration: StdDuration) -> Self {
        Self(duration)
    }
}

impl From<Duration> for StdDuration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl FromStr for Duration {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unsigned = text.strip_prefix('+').unwrap_or(text);
        let nanos = if unsigned == "0" { Some(0) } else { parse_nanos(unsigned) };
        let nanos = nanos.and_then(|nanos| u64::try_from(nanos).ok());
        nanos
            .map(|nanos| Self(StdDuration::from_nanos(nanos)))
            .ok_or_else(|| ParseDurationError { text: text.chars().take(64).collect() })
    }
}

/// The nanoseconds of one or more numbers with units; none when a part is no such thing or the sum is too large.
fn parse_nanos(mut rest: &str) -> Option<u128> {
    if rest.is_empty() {
        return None;
    }
    let mut total = 0_u128;
    while !rest.is_empty() {
        let (whole, after) = split_while(rest, |byte| byte.is_ascii_digit());
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => split_while(after, |byte| byte.is_ascii_digit()),
            None => ("", after),
        };
        let (unit, after) = split_while(after, |byte| byte != b'.' && !byte.is_ascii_digit());
        let unit = unit_nanos(unit)?;
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        total = total.checked_add(whole.checked_mul(unit)?)?.checked_add(fraction_nanos(fraction, unit))?;
        if total > MAX_NANOS {
            return None;
        }
        rest = after;
    }
    Some(total)
}

fn split_while(text: &str, accept: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|byte| !accept(byte)).unwrap_or(text.len());
    text.split_at(end)
}

fn unit_nanos(unit: &str) -> Option<u128> {
    match unit {
        "ns" => Some(1),
        "us" | "\u{b5}s" | "\u{3bc}s" => Some(MICROSECOND),
        "ms" => Some(MILLISECOND),
        "s" => Some(SECOND),
        "m" => Some(MINUTE),
        "h" => Some(HOUR),
        _ => None,
    }
}

/// The part of `unit` that the digits after the point are; digits beyond the eighteenth are below a nanosecond.
fn fraction_nanos(digits: &str, unit: u128) -> u128 {
    let mut scale = 1_u128;
    let mut value = 0_u128;
    for digit in digits.bytes().take(18) {
        value = value * 10 + u128::from(digit - b'0');
        scale *= 10;
    }
    value * unit / scale
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        if nanos == 0 {
            return f.write_str("0s");
        }
        if nanos < SECOND {
            let (unit, name) = match nanos {
                0..MICROSECOND => (1, "ns"),
                MICROSECOND..MILLISECOND => (MICROSECOND, "\u{b5}s"),
                _ => (MILLISECOND, "ms"),
            };
            return write_decimal(f, nanos, unit, name);
        }
        if nanos >= HOUR {
            write!(f, "{}h", nanos / HOUR)?;
        }
        if nanos >= MINUTE {
            write!(f, "{}m", nanos % HOUR / MINUTE)?;
        }
        write_decimal(f, nanos % MINUTE, SECOND, "s")
    }
}

/// Writes `nanos` in units, with the digits after the point that are needed.
fn write_decimal(f: &mut fmt::Formatter<'_>, nanos: u128, unit: u128, name: &str) -> fmt::Result {
    write!(f, "{}", nanos / unit)?;
    let fraction = nanos % unit;
    if fraction > 0 {
        let width = unit.ilog10() as usize;
        let digits = format!("{fraction:0width$}");
        write!(f, ".{}", digits.trim_end_matches('0'))?;
    }
    f.write_str(name)
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Duration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as 30s, 1m30s or 1h")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": PATTERN })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, printed: &str) {
        let duration: Duration = text.parse().unwrap();
        assert_eq!(duration.to_string(), printed, "{text}");
        assert_eq!(duration.to_string().parse::<Duration>().unwrap(), duration, "{text}");
    }

    #[test]
    fn durations_print_as_go_prints_them() {
        check("1m", "1m0s");
        check("60s", "1m0s");
        check("1h", "1h0m0s");
        check("750ms", "750ms");
        check("1.5h", "1h30m0s");
        check("1.5s", "1.5s");
        check("1m0.25s", "1m0.25s");
        check("90m", "1h30m0s");
        check("100h1ms", "100h0m0.001s");
        check("1us", "1\u{b5}s");
        check("1500ns", "1.5\u{b5}s");
        check("7ns", "7ns");
        check(".5s", "500ms");
        check("1.s", "1s");
        check("0", "0s");
        check("0s", "0s");
        check("+5s", "5s");
        check("2562047h47m16.854775807s", "2562047h47m16.854775807s");
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in ["", "5", "s", "1", "1d", "1 s", " 1s", "-1s", ".s", "1m-5s", "1e3s", "2562047h47m16.854775808s"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
        assert!("9".repeat(200).parse::<Duration>().is_err());
        assert!(format!("{}h", "9".repeat(200)).parse::<Duration>().is_err());
    }

    #[test]
    fn durations_are_json_strings() {
        let duration: Duration = serde_json::from_str("\"90s\"").unwrap();
        assert_eq!(serde_json::to_string(&duration).unwrap(), "\"1m30s\"");
        let err = serde_json::from_str::<Duration>("90").unwrap_err();
        assert_eq!(
            err.to_string(),
            "invalid type: integer `90`, expected a duration such as 30s, 1m30s or 1h at line 1 column 2"
        );
    }
}
