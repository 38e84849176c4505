//! Padding, strings and bytes.

use super::Printer;
use crate::strconv::{append_quote, can_backquote};
use crate::value::runes;

impl Printer<'_> {
    /// Writes `count` bytes of padding: blanks, or zeros on the left when asked for.
    pub(super) fn padding(&mut self, count: usize) {
        let byte = if self.flags.zero && !self.flags.minus { b'0' } else { b' ' };
        self.out.resize(self.out.len() + count, byte);
    }

    /// Writes the text within the width.
    pub(super) fn pad(&mut self, text: &[u8]) {
        let width = match self.flags.width {
            None | Some(0) => return self.out.extend_from_slice(text),
            Some(width) => width.saturating_sub(runes(text).count()),
        };
        if self.flags.minus {
            self.out.extend_from_slice(text);
            self.padding(width);
        } else {
            self.padding(width);
            self.out.extend_from_slice(text);
        }
    }

    pub(super) fn pad_without_zeros(&mut self, text: &[u8]) {
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(text);
        self.flags.zero = zero;
    }

    /// As many runes of the text as the precision allows.
    fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.flags.precision else {
            return text;
        };
        let end = runes(text).nth(precision).map_or(text.len(), |(at, _, _)| at);
        text.get(..end).unwrap_or(text)
    }

    /// `%s`.
    pub(super) fn plain(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        self.pad(text);
    }

    /// `%q`.
    pub(super) fn quoted(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        let mut quoted = Vec::with_capacity(text.len() + 2);
        if self.flags.sharp && can_backquote(text) {
            quoted.push(b'`');
            quoted.extend_from_slice(text);
            quoted.push(b'`');
        } else {
            append_quote(&mut quoted, text, self.flags.plus);
        }
        self.pad(&quoted);
    }

    /// `%x` and `%X` of strings and bytes.
    pub(super) fn hex_bytes(&mut self, text: &[u8], upper: bool) {
        let text = match self.flags.precision {
            Some(precision) => text.get(..precision).unwrap_or(text),
            None => text,
        };
        let wanted = self.flags.width.unwrap_or(0);
        if text.is_empty() {
            return self.padding(wanted);
        }
        let width = match (self.flags.space, self.flags.sharp) {
            (true, true) => 5 * text.len() - 1,
            (true, false) => 3 * text.len() - 1,
            (false, true) => 2 * text.len() + 2,
            (false, false) => 2 * text.len(),
        };
        let padding = wanted.saturating_sub(width);
        if !self.flags.minus {
            self.padding(padding);
        }
        let (digits, prefix): (&[u8; 16], &[u8]) =
            if upper { (b"0123456789ABCDEF", b"0X") } else { (b"0123456789abcdef", b"0x") };
        for (index, byte) in text.iter().enumerate() {
            if self.flags.space && index > 0 {
                self.out.push(b' ');
            }
            if self.flags.sharp && (self.flags.space || index == 0) {
                self.out.extend_from_slice(prefix);
            }
            self.out.push(digits[usize::from(byte >> 4)]);
            self.out.push(digits[usize::from(byte & 0xf)]);
        }
        if self.flags.minus {
            self.padding(padding);
        }
    }

    /// A string by any verb; `false` when the verb does not fit strings.
    pub(super) fn string(&mut self, text: &[u8], verb: char) -> bool {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => self.plain(text),
            'x' | 'X' => self.hex_bytes(text, verb == 'X'),
            'q' => self.quoted(text),
            _ => return false,
        }
        true
    }
}
