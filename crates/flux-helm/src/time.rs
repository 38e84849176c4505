//! Go's `time.Time` as JSON shows it: the offset that it was written with stays.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Seconds from 1970 back to the start of year 1, where Go's zero time is.
const YEAR_ONE: i64 = -62_135_596_800;

/// An instant with the offset from UTC that it is shown in, to the nanosecond.
///
/// Shown as RFC 3339 as Go's `encoding/json` does: no trailing zeros in the fraction, `Z` for UTC. Two times are equal
/// when they are shown the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Time {
    instant: Timestamp,
    offset: Offset,
}

impl Time {
    /// The instant, shown in UTC.
    pub fn utc(instant: Timestamp) -> Self {
        Self { instant, offset: Offset::UTC }
    }

    /// Go's zero time, the start of year 1 in UTC.
    pub fn zero() -> Self {
        Self::utc(Timestamp::from_second(YEAR_ONE).unwrap_or(Timestamp::MIN))
    }

    /// Whether it is Go's zero time, what an absent time reads as.
    pub fn is_zero(&self) -> bool {
        self.instant.as_second() == YEAR_ONE && self.instant.subsec_nanosecond() == 0
    }

    /// The instant without its offset.
    pub fn instant(&self) -> Timestamp {
        self.instant
    }
}

impl Default for Time {
    fn default() -> Self {
        Self::zero()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = self.offset.to_datetime(self.instant);
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            civil.year(),
            civil.month(),
            civil.day(),
            civil.hour(),
            civil.minute(),
            civil.second()
        )?;
        let nanoseconds = civil.subsec_nanosecond();
        if nanoseconds != 0 {
            let digits = format!("{nanoseconds:09}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        let minutes = self.offset.seconds() / 60;
        if minutes == 0 {
            return f.write_str("Z");
        }
        let sign = if minutes < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
    }
}

/// A text that is no time.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is not a time as RFC 3339 writes it")]
pub struct TimeError {
    text: String,
    source: jiff::Error,
}

impl FromStr for Time {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let fault = |source| TimeError { text: text.to_owned(), source };
        let instant: Timestamp = text.parse().map_err(fault)?;
        let pieces = jiff::fmt::temporal::DateTimeParser::new().parse_pieces(text).map_err(fault)?;
        let offset = pieces.to_numeric_offset().unwrap_or(Offset::UTC);
        Ok(Self { instant, offset })
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    /// The empty text and null are Go's zero time: Helm writes them for a time that is not there.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Option::<String>::deserialize(deserializer)? {
            None => Ok(Self::zero()),
            Some(text) if text.is_empty() => Ok(Self::zero()),
            Some(text) => text.parse().map_err(|err: TimeError| de::Error::custom(err)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_they_were_written() {
        for text in [
            "2023-11-14T22:13:20.123456789Z",
            "2023-11-14T22:13:20.5+02:00",
            "2023-11-14T22:13:20-03:30",
            "0001-01-01T00:00:00Z",
        ] {
            assert_eq!(text.parse::<Time>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn absent_times_are_gos_zero_time() {
        for json in ["null", "\"\"", "\"0001-01-01T00:00:00Z\""] {
            assert!(serde_json::from_str::<Time>(json).unwrap().is_zero(), "{json}");
        }
        assert!(!Time::utc(Timestamp::UNIX_EPOCH).is_zero());
    }
}
