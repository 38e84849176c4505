//! Integers, floating-point and complex numbers.

use super::Printer;
use crate::strconv::{append_float, append_quote_rune, is_print};
use crate::value::REPLACEMENT;

/// An integer's magnitude and sign.
#[derive(Clone, Copy)]
pub(super) struct Integer {
    pub(super) magnitude: u64,
    pub(super) negative: bool,
    pub(super) signed: bool,
}

impl Integer {
    pub(super) fn signed(value: i64) -> Self {
        Self { magnitude: value.unsigned_abs(), negative: value < 0, signed: true }
    }

    pub(super) fn unsigned(value: u64) -> Self {
        Self { magnitude: value, negative: false, signed: false }
    }

    /// As Go's conversion to `uint64` gives.
    fn bits(self) -> u64 {
        if self.negative { self.magnitude.wrapping_neg() } else { self.magnitude }
    }

    /// The rune of that number, U+FFFD when there is none.
    fn rune(self) -> char {
        u32::try_from(self.bits()).ok().and_then(char::from_u32).unwrap_or(REPLACEMENT)
    }
}

impl Printer<'_> {
    pub(super) fn boolean(&mut self, value: bool, verb: char) -> bool {
        if !matches!(verb, 't' | 'v') {
            return false;
        }
        self.pad(if value { b"true" } else { b"false" });
        true
    }

    /// An integer by any verb; `false` when the verb does not fit integers.
    pub(super) fn integer(&mut self, value: Integer, verb: char) -> bool {
        match verb {
            'v' if self.flags.sharp_v && !value.signed => self.hex_with_prefix(value.magnitude, true),
            'v' | 'd' => self.digits(value, 10, verb),
            'b' => self.digits(value, 2, verb),
            'o' | 'O' => self.digits(value, 8, verb),
            'x' | 'X' => self.digits(value, 16, verb),
            'c' => {
                let mut buffer = [0; 4];
                self.pad(value.rune().encode_utf8(&mut buffer).as_bytes());
            }
            'q' => {
                let mut quoted = Vec::new();
                append_quote_rune(&mut quoted, value.rune(), self.flags.plus);
                self.pad(&quoted);
            }
            'U' => self.unicode(value.bits()),
            _ => return false,
        }
        true
    }

    pub(super) fn hex_with_prefix(&mut self, value: u64, prefix: bool) {
        let sharp = std::mem::replace(&mut self.flags.sharp, prefix);
        self.digits(Integer::unsigned(value), 16, 'v');
        self.flags.sharp = sharp;
    }

    fn digits(&mut self, value: Integer, base: u32, verb: char) {
        let flags = self.flags;
        let signed = value.negative || flags.plus || flags.space;
        let least = match (flags.precision, flags.width) {
            (Some(0), width) if value.magnitude == 0 => {
                // Nothing but padding, which is blanks.
                self.out.resize(self.out.len() + width.unwrap_or(0), b' ');
                return;
            }
            (Some(precision), _) => precision,
            (None, Some(width)) if flags.zero && !flags.minus => width.saturating_sub(usize::from(signed)),
            (None, _) => 0,
        };
        let magnitude = value.magnitude;
        let digits = match base {
            2 => format!("{magnitude:b}"),
            8 => format!("{magnitude:o}"),
            16 if verb == 'X' => format!("{magnitude:X}"),
            16 => format!("{magnitude:x}"),
            _ => magnitude.to_string(),
        };
        let mut text = Vec::with_capacity(digits.len().max(least) + 4);
        if value.negative {
            text.push(b'-');
        } else if flags.plus {
            text.push(b'+');
        } else if flags.space {
            text.push(b' ');
        }
        let zeros = least.saturating_sub(digits.len());
        if verb == 'O' {
            text.extend_from_slice(b"0o");
        }
        if flags.sharp {
            match base {
                2 => text.extend_from_slice(b"0b"),
                8 if zeros == 0 && !digits.starts_with('0') => text.push(b'0'),
                16 => text.extend_from_slice(if verb == 'X' { b"0X" } else { b"0x" }),
                _ => {}
            }
        }
        text.resize(text.len() + zeros, b'0');
        text.extend_from_slice(digits.as_bytes());
        self.pad_without_zeros(&text);
    }

    /// `%U`.
    fn unicode(&mut self, value: u64) {
        let least = self.flags.precision.unwrap_or(4).max(4);
        let mut text = format!("U+{value:0>least$X}", least = least.min(usize::from(u16::MAX))).into_bytes();
        if self.flags.sharp
            && let Some(rune) = u32::try_from(value).ok().and_then(char::from_u32)
            && is_print(rune)
        {
            text.extend_from_slice(format!(" '{rune}'").as_bytes());
        }
        self.pad_without_zeros(&text);
    }

    /// A float by any verb; `false` when the verb does not fit floats.
    pub(super) fn float(&mut self, value: f64, verb: char) -> bool {
        match verb {
            'b' => self.float_digits(value, b'b', None),
            'v' | 'g' => self.float_digits(value, b'g', None),
            'G' => self.float_digits(value, b'G', None),
            'x' => self.float_digits(value, b'x', None),
            'X' => self.float_digits(value, b'X', None),
            'f' | 'F' => self.float_digits(value, b'f', Some(6)),
            'e' => self.float_digits(value, b'e', Some(6)),
            'E' => self.float_digits(value, b'E', Some(6)),
            _ => return false,
        }
        true
    }

    fn float_digits(&mut self, value: f64, format: u8, default: Option<usize>) {
        let flags = self.flags;
        let precision = flags.precision.or(default);
        let mut number = Vec::with_capacity(32);
        append_float(&mut number, value, format, precision);
        if !matches!(number.first(), Some(b'-' | b'+')) {
            number.insert(0, b'+');
        }
        if flags.space && number.first() == Some(&b'+') && !flags.plus {
            number[0] = b' ';
        }
        if !value.is_finite() {
            let bare_nan = value.is_nan() && !flags.space && !flags.plus;
            let text = if bare_nan { number.get(1..).unwrap_or_default() } else { &number };
            return self.pad_without_zeros(text);
        }
        if flags.sharp && format != b'b' {
            number = with_point(&number, format, precision);
        }
        let sign = number.first().copied().unwrap_or(b'+');
        if !flags.plus && sign == b'+' {
            return self.pad(number.get(1..).unwrap_or_default());
        }
        match flags.width {
            Some(width) if flags.zero && !flags.minus && width > number.len() => {
                self.out.push(sign);
                self.padding(width - number.len());
                self.out.extend_from_slice(number.get(1..).unwrap_or_default());
            }
            _ => self.pad(&number),
        }
    }

    /// A complex number by any verb; `false` when the verb does not fit.
    pub(super) fn complex(&mut self, real: f64, imaginary: f64, verb: char) -> bool {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return false;
        }
        self.out.push(b'(');
        self.float(real, verb);
        let plus = std::mem::replace(&mut self.flags.plus, true);
        self.float(imaginary, verb);
        self.flags.plus = plus;
        self.out.extend_from_slice(b"i)");
        true
    }
}

/// The number as the `#` flag wants it: with a point, and with its zeros at the end.
fn with_point(number: &[u8], format: u8, precision: Option<usize>) -> Vec<u8> {
    let mut missing = match format {
        b'g' | b'G' | b'x' => precision.unwrap_or(6),
        _ => 0,
    };
    let is_hex = matches!(format, b'x' | b'X');
    let tail_at = number
        .iter()
        .position(|byte| match byte {
            b'p' | b'P' => true,
            b'e' | b'E' => !is_hex,
            _ => false,
        })
        .unwrap_or(number.len());
    let (head, tail) = number.split_at(tail_at);
    let mut seen_digit = false;
    for byte in head.iter().skip(1).filter(|byte| **byte != b'.') {
        seen_digit |= *byte != b'0';
        if seen_digit {
            missing = missing.saturating_sub(1);
        }
    }
    let mut out = head.to_vec();
    if !head.contains(&b'.') {
        if head.len() == 2 && head.ends_with(b"0") {
            missing = missing.saturating_sub(1);
        }
        out.push(b'.');
    }
    out.resize(out.len() + missing, b'0');
    out.extend_from_slice(tail);
    out
}
