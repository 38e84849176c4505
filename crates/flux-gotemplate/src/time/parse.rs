//! Times read after a layout.

use super::civil::{days_before, days_in, seconds_of};
use super::format::{MONTHS, WEEKDAYS};
use super::layout::{self, Element, Offset};
use super::{Time, Zone, quote};

/// Why a text is no time, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TimeError {
    /// A part of the text is not what the layout asks for.
    #[error("parsing time {value} as {layout}: cannot parse {part} as {element}")]
    Part {
        /// The whole text, quoted.
        value: String,
        /// The whole layout, quoted.
        layout: String,
        /// What is left of the text, quoted.
        part: String,
        /// The element of the layout, quoted.
        element: String,
    },
    /// The text follows the layout but is none.
    #[error("parsing time {value}: {fault}")]
    Whole {
        /// The whole text, quoted.
        value: String,
        /// What is wrong.
        fault: String,
    },
}

/// Why one element could not be read.
enum Fault {
    Malformed,
    OutOfRange(&'static str),
}

/// What is known of the time so far.
#[derive(Default)]
struct Parts {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanoseconds: u32,
    half: Option<Half>,
    utc: bool,
    offset: Option<i32>,
    zone_name: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Morning,
    Afternoon,
}

/// The time that `value` gives when read after `layout`; without a zone it is in UTC.
pub(super) fn parse(layout: &str, value: &str) -> Result<Time, TimeError> {
    let failed = |part: &str, element: &[u8]| TimeError::Part {
        value: quote(value),
        layout: quote(layout),
        part: quote(part),
        element: quote(&String::from_utf8_lossy(element)),
    };
    let whole = |fault: String| TimeError::Whole { value: quote(value), fault };
    let mut parts = Parts::default();
    let (mut pattern, mut rest) = (layout.as_bytes(), value);
    while let Some((before, element, after)) = layout::next(pattern) {
        rest = skip(rest, before).map_err(|left| failed(left, before))?;
        let text = &pattern[before.len()..pattern.len() - after.len()];
        rest = parts.read(element, rest, after).map_err(|fault| match fault {
            Fault::Malformed => failed(rest, text),
            Fault::OutOfRange(what) => whole(format!("{what} out of range")),
        })?;
        pattern = after;
    }
    rest = skip(rest, pattern).map_err(|left| failed(left, pattern))?;
    if !rest.is_empty() {
        return Err(whole(format!("extra text: {}", quote(rest))));
    }
    parts.time().map_err(|fault| whole(fault.to_owned()))
}

/// `value` without `prefix`, in which a run of spaces stands for any; what is left where they differ.
fn skip<'v>(mut value: &'v str, mut prefix: &[u8]) -> Result<&'v str, &'v str> {
    while let Some(first) = prefix.first() {
        if *first == b' ' {
            if !value.is_empty() && !value.starts_with(' ') {
                return Err(value);
            }
            prefix = prefix.trim_ascii_start_spaces();
            value = value.trim_start_matches(' ');
            continue;
        }
        let expected = std::str::from_utf8(prefix).ok().and_then(|text| text.chars().next());
        let rest = expected.and_then(|expected| value.strip_prefix(expected)).ok_or(value)?;
        prefix = &prefix[value.len() - rest.len()..];
        value = rest;
    }
    Ok(value)
}

/// Spaces alone are taken off, unlike what the standard library counts as white space.
trait TrimSpaces {
    fn trim_ascii_start_spaces(&self) -> &Self;
}

impl TrimSpaces for [u8] {
    fn trim_ascii_start_spaces(&self) -> &Self {
        &self[self.iter().take_while(|byte| **byte == b' ').count()..]
    }
}

impl Parts {
    /// Reads `element` at the start of `value`; `after` is the rest of the layout.
    fn read<'v>(&mut self, element: Element, value: &'v str, after: &[u8]) -> Result<&'v str, Fault> {
        match element {
            Element::LongYear | Element::Year => self.read_year(element, value),
            Element::LongMonth | Element::Month | Element::NumberMonth | Element::ZeroMonth => {
                self.read_month(element, value)
            }
            Element::LongWeekday => name(&WEEKDAYS, usize::MAX, value).map(|(_, rest)| rest),
            Element::Weekday => name(&WEEKDAYS, 3, value).map(|(_, rest)| rest),
            Element::Day | Element::UnderDay | Element::ZeroDay | Element::UnderYearDay | Element::ZeroYearDay => {
                self.read_day(element, value)
            }
            Element::Hour => in_range(&mut self.hour, two_digits(value, false)?, 0..24, "hour"),
            Element::Hour12 => in_range(&mut self.hour, two_digits(value, false)?, 0..13, "hour"),
            Element::ZeroHour12 => in_range(&mut self.hour, two_digits(value, true)?, 0..13, "hour"),
            Element::Minute => in_range(&mut self.minute, two_digits(value, false)?, 0..60, "minute"),
            Element::ZeroMinute => in_range(&mut self.minute, two_digits(value, true)?, 0..60, "minute"),
            Element::Second | Element::ZeroSecond => self.read_second(element, value, after),
            Element::UpperHalf => self.read_half(value, "AM", "PM"),
            Element::LowerHalf => self.read_half(value, "am", "pm"),
            Element::ZoneName => self.read_zone_name(value),
            Element::Offset(style) => self.read_offset(style, value),
            Element::Fraction { digits, .. } => {
                let all_digits =
                    value.as_bytes().get(1..=digits).is_some_and(|text| text.iter().all(u8::is_ascii_digit));
                if !all_digits || !value.starts_with(['.', ',']) {
                    return Err(Fault::Malformed);
                }
                self.nanoseconds = nanoseconds(&value[1..=digits]);
                Ok(&value[digits + 1..])
            }
            Element::TrimmedFraction { .. } => Ok(self.read_any_fraction(value)),
        }
    }

    fn read_year<'v>(&mut self, element: Element, value: &'v str) -> Result<&'v str, Fault> {
        let width = if element == Element::LongYear { 4 } else { 2 };
        // Two characters may be a sign and a digit, which Go reads too.
        let is_digit = |byte: u8| byte.is_ascii_digit() || width == 2;
        let text = value.get(..width).filter(|text| text.bytes().all(is_digit));
        self.year = text.and_then(|text| text.parse().ok()).ok_or(Fault::Malformed)?;
        if element == Element::Year {
            self.year += if self.year >= 69 { 1900 } else { 2000 };
        }
        Ok(&value[width..])
    }

    fn read_month<'v>(&mut self, element: Element, value: &'v str) -> Result<&'v str, Fault> {
        let (month, rest) = match element {
            Element::LongMonth => name(&MONTHS, usize::MAX, value)?,
            Element::Month => name(&MONTHS, 3, value)?,
            element => {
                let mut month = 0;
                let rest = in_range(&mut month, two_digits(value, element == Element::ZeroMonth)?, 1..13, "month")?;
                (month, rest)
            }
        };
        self.month = Some(month);
        Ok(rest)
    }

    fn read_day<'v>(&mut self, element: Element, value: &'v str) -> Result<&'v str, Fault> {
        let without_space = |value: &'v str| value.strip_prefix(' ').unwrap_or(value);
        if matches!(element, Element::Day | Element::UnderDay | Element::ZeroDay) {
            let value = if element == Element::UnderDay { without_space(value) } else { value };
            let (day, rest) = two_digits(value, element == Element::ZeroDay)?;
            self.day = Some(day);
            return Ok(rest);
        }
        let fixed = element == Element::ZeroYearDay;
        let value = if fixed { value } else { without_space(without_space(value)) };
        let digits = value.bytes().take(3).take_while(u8::is_ascii_digit).count();
        if digits == 0 || fixed && digits != 3 {
            return Err(Fault::Malformed);
        }
        self.year_day = value[..digits].parse().ok();
        Ok(&value[digits..])
    }

    /// A fraction may follow the seconds though the layout has none.
    fn read_second<'v>(&mut self, element: Element, value: &'v str, after: &[u8]) -> Result<&'v str, Fault> {
        let number = two_digits(value, element == Element::ZeroSecond)?;
        let rest = in_range(&mut self.second, number, 0..60, "second")?;
        let next = layout::next(after).map(|(_, element, _)| element);
        if matches!(next, Some(Element::Fraction { .. } | Element::TrimmedFraction { .. })) {
            return Ok(rest);
        }
        Ok(self.read_any_fraction(rest))
    }

    fn read_any_fraction<'v>(&mut self, value: &'v str) -> &'v str {
        let digits = value.bytes().skip(1).take_while(u8::is_ascii_digit).count();
        if digits == 0 || !value.starts_with(['.', ',']) {
            return value;
        }
        self.nanoseconds = nanoseconds(&value[1..=digits]);
        &value[digits + 1..]
    }

    fn read_half<'v>(&mut self, value: &'v str, morning: &str, afternoon: &str) -> Result<&'v str, Fault> {
        let read = |text, half| value.strip_prefix(text).map(|rest| (half, rest));
        let found = read(morning, Half::Morning).or_else(|| read(afternoon, Half::Afternoon));
        let (half, rest) = found.ok_or(Fault::Malformed)?;
        self.half = Some(half);
        Ok(rest)
    }

    fn read_zone_name<'v>(&mut self, value: &'v str) -> Result<&'v str, Fault> {
        if let Some(rest) = value.strip_prefix("UTC") {
            self.utc = true;
            return Ok(rest);
        }
        let length = zone_name_length(value).ok_or(Fault::Malformed)?;
        self.zone_name = Some(value[..length].to_owned());
        Ok(&value[length..])
    }

    fn read_offset<'v>(&mut self, style: Offset, value: &'v str) -> Result<&'v str, Fault> {
        if style.zulu
            && let Some(rest) = value.strip_prefix('Z')
        {
            self.utc = true;
            return Ok(rest);
        }
        let negative = value.starts_with('-');
        let mut rest = value.strip_prefix(['+', '-']).ok_or(Fault::Malformed)?;
        let mut fields = [0; 3];
        let wanted = 1 + style.precision as usize;
        for (at, field) in fields.iter_mut().enumerate().take(wanted) {
            if at > 0 && style.colons {
                rest = rest.strip_prefix(':').ok_or(Fault::Malformed)?;
            }
            (*field, rest) = two_digits(rest, true)?;
        }
        let limits = [(24, "time zone offset hour"), (60, "time zone offset minute"), (60, "time zone offset second")];
        if let Some(((_, (_, what)), _)) =
            fields.iter().zip(limits).zip(0..wanted).find(|((field, (most, _)), _)| *field > most)
        {
            return Err(Fault::OutOfRange(what));
        }
        let seconds = i32::try_from((fields[0] * 60 + fields[1]) * 60 + fields[2]).map_err(|_| Fault::Malformed)?;
        self.offset = Some(if negative { -seconds } else { seconds });
        Ok(rest)
    }

    /// The time that the parts make up.
    fn time(self) -> Result<Time, &'static str> {
        let hour = match self.half {
            Some(Half::Afternoon) if self.hour < 12 => self.hour + 12,
            Some(Half::Morning) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let (month, day) = self.month_and_day()?;
        if day < 1 || day > days_in(self.year, month) {
            return Err("day out of range");
        }
        let clock = seconds_of(self.year, month, day, hour * 3600 + self.minute * 60 + self.second);
        let (seconds, zone) = match (self.utc, self.offset, self.zone_name) {
            // The local zone is UTC: it is taken where its name and offset are those of the text.
            (true, _, _) | (false, Some(0) | None, None) => (clock, Zone::Utc),
            (false, Some(offset), name) => {
                (clock - i64::from(offset), Zone::Fixed { name: name.unwrap_or_default().into(), offset })
            }
            (false, None, Some(name)) => {
                let hours = name.strip_prefix("GMT").and_then(|hours| hours.parse::<i32>().ok());
                (clock, Zone::Fixed { offset: hours.unwrap_or(0) * 3600, name: name.into() })
            }
        };
        Ok(Time { seconds, nanoseconds: self.nanoseconds, zone })
    }

    fn month_and_day(&self) -> Result<(i64, i64), &'static str> {
        let Some(year_day) = self.year_day else { return Ok((self.month.unwrap_or(1), self.day.unwrap_or(1))) };
        let length = days_before(self.year + 1, 1, 1) - days_before(self.year, 1, 1);
        if !(1..=length).contains(&year_day) {
            return Err("day-of-year out of range");
        }
        let start = |month| days_before(self.year, month, 1) - days_before(self.year, 1, 1);
        let month = (1..=12).rev().find(|month| start(*month) < year_day).unwrap_or(1);
        if self.month.is_some_and(|given| given != month) {
            return Err("day-of-year does not match month");
        }
        let day = year_day - start(month);
        if self.day.is_some_and(|given| given != day) {
            return Err("day-of-year does not match day");
        }
        Ok((month, day))
    }
}

fn in_range<'v>(
    field: &mut i64,
    (number, rest): (i64, &'v str),
    range: std::ops::Range<i64>,
    what: &'static str,
) -> Result<&'v str, Fault> {
    if !range.contains(&number) {
        return Err(Fault::OutOfRange(what));
    }
    *field = number;
    Ok(rest)
}

/// One digit or two; always two where `fixed`.
fn two_digits(value: &str, fixed: bool) -> Result<(i64, &str), Fault> {
    let digits = value.bytes().take(2).take_while(u8::is_ascii_digit).count();
    if digits == 0 || fixed && digits != 2 {
        return Err(Fault::Malformed);
    }
    let number = value[..digits].parse().map_err(|_| Fault::Malformed)?;
    Ok((number, &value[digits..]))
}

/// The number, from 1, of the name that `value` starts with in any case; of each name `width` letters count.
fn name<'v>(names: &[&str], width: usize, value: &'v str) -> Result<(i64, &'v str), Fault> {
    (1..)
        .zip(names)
        .find_map(|(number, name)| {
            let name = &name[..name.len().min(width)];
            let start = value.get(..name.len())?;
            start.eq_ignore_ascii_case(name).then(|| (number, &value[name.len()..]))
        })
        .ok_or(Fault::Malformed)
}

/// The fraction of a second that decimals give; those beyond the ninth do not count.
fn nanoseconds(digits: &str) -> u32 {
    let digits = &digits[..digits.len().min(9)];
    format!("{digits:0<9}").parse().unwrap_or_default()
}

/// The length of a zone's name, such as `CEST`, `GMT+3` or `+07`, at the start of `value`.
fn zone_name_length(value: &str) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with("ChST") || value.starts_with("MeST") {
        return Some(4);
    }
    if let Some(rest) = value.strip_prefix("GMT") {
        return Some(3 + signed_offset_length(rest));
    }
    if value.starts_with(['+', '-']) {
        return Some(signed_offset_length(value)).filter(|length| *length > 0);
    }
    let capitals = value.bytes().take(6).take_while(u8::is_ascii_uppercase).count();
    match capitals {
        3 => Some(3),
        4 if value.as_bytes()[3] == b'T' || value.starts_with("WITA") => Some(4),
        5 if value.as_bytes()[4] == b'T' => Some(5),
        _ => None,
    }
}

/// The length of a sign with hours up to 23; 0 where there is none.
fn signed_offset_length(value: &str) -> usize {
    let Some(rest) = value.strip_prefix(['+', '-']) else { return 0 };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    match rest[..digits].parse::<u64>() {
        Ok(0..=23) => 1 + digits,
        _ => 0,
    }
}
