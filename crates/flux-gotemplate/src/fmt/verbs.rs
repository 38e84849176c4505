//! Formats: their verbs, flags, widths, precisions and indexes.

use super::{Flags, Printer};
use crate::value::{Value, decode_rune};

/// Widths and precisions beyond this are refused.
const LARGEST: i64 = 1_000_000;

/// Where in the format and in the operands the reading is.
struct Reader<'f> {
    format: &'f [u8],
    at: usize,
    args: &'f [Value],
    next: usize,
    /// The format names operands by index, so that unused ones are no fault.
    reordered: bool,
    /// All indexes of the current verb name operands.
    good: bool,
    /// An index was read just before.
    after_index: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// Reads a decimal number.
    fn number(&mut self) -> Option<usize> {
        let (value, at) = read_number(self.format, self.at, self.format.len());
        self.at = at;
        value
    }

    /// Reads `[n]`, which makes operand n the next one.
    fn index(&mut self) {
        self.after_index = false;
        if self.peek() != Some(b'[') {
            return;
        }
        self.reordered = true;
        let rest = self.format.get(self.at..).unwrap_or_default();
        let close = if rest.len() < 3 { None } else { rest.iter().position(|byte| *byte == b']') };
        let Some(close) = close else {
            self.at += 1;
            self.good = false;
            return;
        };
        let (number, end) = read_number(rest, 1, close);
        self.at += close + 1;
        let Some(number) = number.filter(|_| end == close) else {
            self.good = false;
            return;
        };
        self.after_index = true;
        match number.checked_sub(1).filter(|index| *index < self.args.len()) {
            Some(index) => self.next = index,
            None => self.good = false,
        }
    }

    /// The next operand as a width or precision; `None` when it is no integer or too large.
    fn integer_operand(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        let number = arg.as_signed().or_else(|| arg.as_unsigned().and_then(|value| i64::try_from(value).ok()))?;
        (-LARGEST..=LARGEST).contains(&number).then_some(number)
    }
}

/// Reads a decimal number from `start` to `end`; a too large one swallows all up to `end`.
fn read_number(text: &[u8], start: usize, end: usize) -> (Option<usize>, usize) {
    let mut value: Option<usize> = None;
    let mut at = start;
    while at < end
        && let Some(digit) = text.get(at).filter(|byte| byte.is_ascii_digit())
    {
        let before = value.unwrap_or(0);
        if i64::try_from(before).is_ok_and(|before| before > LARGEST) {
            return (None, end);
        }
        value = Some(before * 10 + usize::from(digit - b'0'));
        at += 1;
    }
    (value, at)
}

impl Printer<'_> {
    pub(super) fn format(&mut self, format: &[u8], args: &[Value]) {
        let mut reader = Reader { format, at: 0, args, next: 0, reordered: false, good: true, after_index: false };
        while reader.at < format.len() && !self.full() {
            let rest = format.get(reader.at..).unwrap_or_default();
            let text = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
            self.out.extend_from_slice(rest.get(..text).unwrap_or_default());
            reader.at += text + 1;
            if text == rest.len() {
                break;
            }
            if !self.verb(&mut reader) {
                break;
            }
        }
        if !reader.reordered && reader.next < args.len() {
            self.extra(args.get(reader.next..).unwrap_or_default());
        }
    }

    /// Reads one verb with its flags and prints by it; `false` when the format ended within.
    fn verb(&mut self, reader: &mut Reader<'_>) -> bool {
        reader.good = true;
        self.flags = Flags::default();
        while let Some(byte) = reader.peek() {
            match byte {
                b'#' => self.flags.sharp = true,
                b'0' => self.flags.zero = true,
                b'+' => self.flags.plus = true,
                b'-' => self.flags.minus = true,
                b' ' => self.flags.space = true,
                _ => break,
            }
            reader.at += 1;
        }
        reader.index();
        self.width(reader);
        self.precision(reader);
        if !reader.after_index {
            reader.index();
        }
        let rest = reader.format.get(reader.at..).unwrap_or_default();
        let Some((verb, size)) = decode_rune(rest) else {
            self.out.extend_from_slice(b"%!(NOVERB)");
            return false;
        };
        reader.at += size;
        if verb == '%' {
            self.out.push(b'%');
        } else if !reader.good {
            self.out.extend_from_slice(format!("%!{verb}(BADINDEX)").as_bytes());
        } else if let Some(arg) = reader.args.get(reader.next) {
            reader.next += 1;
            if matches!(verb, 'v' | 'w') {
                self.flags.sharp_v = std::mem::take(&mut self.flags.sharp);
                self.flags.plus_v = std::mem::take(&mut self.flags.plus);
            }
            self.argument(arg, verb);
        } else {
            self.out.extend_from_slice(format!("%!{verb}(MISSING)").as_bytes());
        }
        true
    }

    fn width(&mut self, reader: &mut Reader<'_>) {
        if reader.peek() != Some(b'*') {
            self.flags.width = reader.number();
            if reader.after_index && self.flags.width.is_some() {
                reader.good = false;
            }
            return;
        }
        reader.at += 1;
        match reader.integer_operand() {
            None => self.out.extend_from_slice(b"%!(BADWIDTH)"),
            Some(width) => {
                if width < 0 {
                    self.flags.minus = true;
                    self.flags.zero = false;
                }
                self.flags.width = usize::try_from(width.unsigned_abs()).ok();
            }
        }
        reader.after_index = false;
    }

    fn precision(&mut self, reader: &mut Reader<'_>) {
        if reader.peek() != Some(b'.') || reader.at + 1 >= reader.format.len() {
            return;
        }
        reader.at += 1;
        if reader.after_index {
            reader.good = false;
        }
        reader.index();
        if reader.peek() != Some(b'*') {
            self.flags.precision = Some(reader.number().unwrap_or(0));
            return;
        }
        reader.at += 1;
        self.flags.precision = reader.integer_operand().and_then(|value| usize::try_from(value).ok());
        if self.flags.precision.is_none() {
            self.out.extend_from_slice(b"%!(BADPREC)");
        }
        reader.after_index = false;
    }

    fn extra(&mut self, args: &[Value]) {
        self.flags = Flags::default();
        self.out.extend_from_slice(b"%!(EXTRA ");
        for (index, arg) in args.iter().enumerate() {
            if index > 0 {
                self.out.extend_from_slice(b", ");
            }
            if !matches!(arg, Value::Nil) {
                self.out.extend_from_slice(arg.type_name().as_bytes());
                self.out.push(b'=');
            }
            self.argument(arg, 'v');
            if self.full() {
                return;
            }
        }
        self.out.push(b')');
    }
}
