//! Times written after a layout.

use std::io::Write as _;

use super::layout::{self, Element, Offset, Precision};
use super::{Civil, Time};

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Go's layout for `String`.
const DEFAULT_LAYOUT: &[u8] = b"2006-01-02 15:04:05.999999999 -0700 MST";

/// The time in Go's default form, for example `2021-03-04 05:06:07 +0000 UTC`.
pub(super) fn default_text(time: &Time) -> Vec<u8> {
    format(time, DEFAULT_LAYOUT)
}

/// The time written after `layout`.
pub(super) fn format(time: &Time, mut layout: &[u8]) -> Vec<u8> {
    let (name, offset) = time.zone_name_and_offset();
    let civil = Civil::of_seconds(time.seconds.saturating_add(i64::from(offset)));
    let mut out = Vec::with_capacity(layout.len() + 10);
    while let Some((before, element, after)) = layout::next(layout) {
        out.extend_from_slice(before);
        match element {
            Element::ZoneName if name.is_empty() => {
                write_offset(&mut out, offset, Offset { zulu: false, precision: Precision::Minutes, colons: false });
            }
            Element::ZoneName => out.extend_from_slice(name.as_bytes()),
            Element::Offset(style) => write_offset(&mut out, offset, style),
            Element::Fraction { digits, separator } => {
                write_fraction(&mut out, time.nanoseconds, digits, separator, false);
            }
            Element::TrimmedFraction { digits, separator } => {
                write_fraction(&mut out, time.nanoseconds, digits, separator, true);
            }
            element => write_civil(&mut out, &civil, element),
        }
        layout = after;
    }
    out.extend_from_slice(layout);
    out
}

/// Writes an element that the calendar and the clock alone decide.
fn write_civil(out: &mut Vec<u8>, civil: &Civil, element: Element) {
    let hour12 = if civil.hour.is_multiple_of(12) { 12 } else { civil.hour % 12 };
    let month = MONTHS[usize::from(civil.month.clamp(1, 12)) - 1];
    let weekday = WEEKDAYS[usize::from(civil.weekday % 7)];
    // Writing to memory cannot fail.
    _ = match element {
        Element::LongYear if civil.year < 0 => write!(out, "-{:04}", civil.year.unsigned_abs()),
        Element::LongYear => write!(out, "{:04}", civil.year),
        Element::Year => write!(out, "{:02}", civil.year.max(0) % 100),
        Element::LongMonth => write!(out, "{month}"),
        Element::Month => write!(out, "{}", &month[..3]),
        Element::NumberMonth => write!(out, "{}", civil.month),
        Element::ZeroMonth => write!(out, "{:02}", civil.month),
        Element::LongWeekday => write!(out, "{weekday}"),
        Element::Weekday => write!(out, "{}", &weekday[..3]),
        Element::Day => write!(out, "{}", civil.day),
        Element::UnderDay => write!(out, "{:2}", civil.day),
        Element::ZeroDay => write!(out, "{:02}", civil.day),
        Element::UnderYearDay => write!(out, "{:3}", civil.year_day),
        Element::ZeroYearDay => write!(out, "{:03}", civil.year_day),
        Element::Hour => write!(out, "{:02}", civil.hour),
        Element::Hour12 => write!(out, "{hour12}"),
        Element::ZeroHour12 => write!(out, "{hour12:02}"),
        Element::Minute => write!(out, "{}", civil.minute),
        Element::ZeroMinute => write!(out, "{:02}", civil.minute),
        Element::Second => write!(out, "{}", civil.second),
        Element::ZeroSecond => write!(out, "{:02}", civil.second),
        Element::UpperHalf => out.write_all(if civil.hour >= 12 { b"PM" } else { b"AM" }),
        Element::LowerHalf => out.write_all(if civil.hour >= 12 { b"pm" } else { b"am" }),
        Element::ZoneName | Element::Offset(_) | Element::Fraction { .. } | Element::TrimmedFraction { .. } => Ok(()),
    };
}

fn write_offset(out: &mut Vec<u8>, offset: i32, style: Offset) {
    if style.zulu && offset == 0 {
        out.push(b'Z');
        return;
    }
    // Go takes the sign from whole minutes.
    out.push(if offset / 60 < 0 { b'-' } else { b'+' });
    let (minutes, seconds) = ((offset / 60).unsigned_abs(), offset.unsigned_abs() % 60);
    let colon = if style.colons { ":" } else { "" };
    _ = write!(out, "{:02}", minutes / 60);
    if style.precision >= Precision::Minutes {
        _ = write!(out, "{colon}{:02}", minutes % 60);
    }
    if style.precision == Precision::Seconds {
        _ = write!(out, "{colon}{seconds:02}");
    }
}

fn write_fraction(out: &mut Vec<u8>, nanoseconds: u32, digits: usize, separator: char, trimmed: bool) {
    if trimmed && nanoseconds == 0 {
        return;
    }
    let all = format!("{nanoseconds:09}");
    let mut shown = &all[..digits.min(9)];
    if trimmed {
        shown = shown.trim_end_matches('0');
        if shown.is_empty() {
            return;
        }
    }
    _ = write!(out, "{separator}{shown}");
}
