//! Layouts: texts that show how the reference time would be written.

/// One element of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// `2006`.
    LongYear,
    /// `06`.
    Year,
    /// `January`.
    LongMonth,
    /// `Jan`.
    Month,
    /// `1`.
    NumberMonth,
    /// `01`.
    ZeroMonth,
    /// `Monday`.
    LongWeekday,
    /// `Mon`.
    Weekday,
    /// `2`.
    Day,
    /// `_2`.
    UnderDay,
    /// `02`.
    ZeroDay,
    /// `__2`.
    UnderYearDay,
    /// `002`.
    ZeroYearDay,
    /// `15`.
    Hour,
    /// `3`.
    Hour12,
    /// `03`.
    ZeroHour12,
    /// `4`.
    Minute,
    /// `04`.
    ZeroMinute,
    /// `5`.
    Second,
    /// `05`.
    ZeroSecond,
    /// `PM`.
    UpperHalf,
    /// `pm`.
    LowerHalf,
    /// `MST`.
    ZoneName,
    /// An offset such as `-07:00` or `Z0700`.
    Offset(Offset),
    /// `.000` or `,000`.
    Fraction {
        /// How many digits.
        digits: usize,
        /// What stands before them.
        separator: char,
    },
    /// `.999` or `,999`.
    TrimmedFraction {
        /// How many digits at most.
        digits: usize,
        /// What stands before them.
        separator: char,
    },
}

/// The last part of an offset that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Precision {
    Hours,
    Minutes,
    Seconds,
}

/// How an offset from UTC is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    /// `Z` for none.
    pub(super) zulu: bool,
    pub(super) precision: Precision,
    pub(super) colons: bool,
}

/// Texts that are elements wherever they stand; an earlier one that begins a later one comes after it.
const FIXED: [(&str, Element); 31] = [
    ("January", Element::LongMonth),
    ("Monday", Element::LongWeekday),
    ("MST", Element::ZoneName),
    ("002", Element::ZeroYearDay),
    ("01", Element::ZeroMonth),
    ("02", Element::ZeroDay),
    ("03", Element::ZeroHour12),
    ("04", Element::ZeroMinute),
    ("05", Element::ZeroSecond),
    ("06", Element::Year),
    ("15", Element::Hour),
    ("1", Element::NumberMonth),
    ("2006", Element::LongYear),
    ("2", Element::Day),
    ("__2", Element::UnderYearDay),
    ("_2", Element::UnderDay),
    ("3", Element::Hour12),
    ("4", Element::Minute),
    ("5", Element::Second),
    ("PM", Element::UpperHalf),
    ("pm", Element::LowerHalf),
    ("-07:00:00", offset(false, Precision::Seconds, true)),
    ("-070000", offset(false, Precision::Seconds, false)),
    ("-07:00", offset(false, Precision::Minutes, true)),
    ("-0700", offset(false, Precision::Minutes, false)),
    ("-07", offset(false, Precision::Hours, false)),
    ("Z07:00:00", offset(true, Precision::Seconds, true)),
    ("Z070000", offset(true, Precision::Seconds, false)),
    ("Z07:00", offset(true, Precision::Minutes, true)),
    ("Z0700", offset(true, Precision::Minutes, false)),
    ("Z07", offset(true, Precision::Hours, false)),
];

const fn offset(zulu: bool, precision: Precision, colons: bool) -> Element {
    Element::Offset(Offset { zulu, precision, colons })
}

/// The text before the first element of `layout`, the element, and the text behind it.
///
/// The text in the middle, as long as the element is written, lies between the two.
pub(super) fn next(layout: &[u8]) -> Option<(&[u8], Element, &[u8])> {
    (0..layout.len()).find_map(|at| {
        let rest = &layout[at..];
        // An underscore before a year is a plain character.
        if rest.starts_with(b"_2006") {
            return Some((&layout[..=at], Element::LongYear, &rest[5..]));
        }
        let (element, length) = at_start(rest)?;
        Some((&layout[..at], element, &rest[length..]))
    })
}

/// The element at the start of `text` and its length.
fn at_start(text: &[u8]) -> Option<(Element, usize)> {
    if let Some((text, element)) = FIXED.iter().find(|(fixed, _)| text.starts_with(fixed.as_bytes())) {
        return Some((*element, text.len()));
    }
    // The short names are no elements at the start of other words.
    for (short, element) in [("Jan", Element::Month), ("Mon", Element::Weekday)] {
        if text.starts_with(short.as_bytes()) && !text.get(3).is_some_and(u8::is_ascii_lowercase) {
            return Some((element, 3));
        }
    }
    fraction(text)
}

fn fraction(text: &[u8]) -> Option<(Element, usize)> {
    let separator = match text.first()? {
        b'.' => '.',
        b',' => ',',
        _ => return None,
    };
    let digit = *text.get(1).filter(|digit| matches!(digit, b'0' | b'9'))?;
    let digits = text[1..].iter().take_while(|byte| **byte == digit).count();
    if text.get(1 + digits).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let element = if digit == b'0' {
        Element::Fraction { digits, separator }
    } else {
        Element::TrimmedFraction { digits, separator }
    };
    Some((element, 1 + digits))
}
