//! Dates and times as the Go libraries take them from plain scalars.

use std::fmt::Write;

/// `text` as RFC 3339, where it is a date, or a date with a time.
pub(crate) fn parse(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || bytes[4] != b'-' || !bytes[..4].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut reader = Reader(&text[5..]);
    let year: u32 = text[..4].parse().ok()?;
    let month = reader.number(1, 12)?;
    reader.expect('-')?;
    let day = reader.number(1, days(year, month))?;
    let mut result = format!("{year:04}-{month:02}-{day:02}T");
    if reader.0.is_empty() {
        result.push_str("00:00:00Z");
        return Some(result);
    }
    let zoned = match reader.next()? {
        'T' | 't' => true,
        ' ' => false,
        _ => return None,
    };
    let hour = reader.number(0, 23)?;
    reader.expect(':')?;
    let minute = reader.number(0, 59)?;
    reader.expect(':')?;
    let second = reader.number(0, 59)?;
    write!(result, "{hour:02}:{minute:02}:{second:02}").ok()?;
    result.push_str(&reader.fraction()?);
    if zoned {
        result.push_str(&reader.zone()?);
    } else {
        result.push('Z');
    }
    reader.0.is_empty().then_some(result)
}

fn days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

struct Reader<'t>(&'t str);

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.0.chars().next()?;
        self.0 = &self.0[c.len_utf8()..];
        Some(c)
    }

    fn expect(&mut self, what: char) -> Option<()> {
        (self.next()? == what).then_some(())
    }

    fn digits(&mut self, most: usize) -> &str {
        let count = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        digits
    }

    /// One or two digits in a range.
    fn number(&mut self, least: u32, most: u32) -> Option<u32> {
        let number = self.digits(2).parse().ok()?;
        (least..=most).contains(&number).then_some(number)
    }

    /// A fraction of a second without its trailing zeros.
    fn fraction(&mut self) -> Option<String> {
        if !self.0.starts_with('.') {
            return Some(String::new());
        }
        self.next();
        let digits = self.digits(usize::MAX);
        if digits.is_empty() {
            return None;
        }
        let digits = digits[..digits.len().min(9)].trim_end_matches('0');
        Some(if digits.is_empty() { String::new() } else { format!(".{digits}") })
    }

    fn zone(&mut self) -> Option<String> {
        let sign = match self.next()? {
            'Z' => return Some("Z".to_owned()),
            sign @ ('+' | '-') => sign,
            _ => return None,
        };
        let hour = self.digits(2).to_owned();
        self.expect(':')?;
        let minute = self.digits(2).to_owned();
        if hour.len() != 2 || minute.len() != 2 || hour.parse::<u32>().ok()? > 24 || minute.parse::<u32>().ok()? > 60 {
            return None;
        }
        Some(if hour == "00" && minute == "00" { "Z".to_owned() } else { format!("{sign}{hour}:{minute}") })
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn dates_and_times_become_rfc_3339() {
        assert_eq!(parse("2001-01-01").unwrap(), "2001-01-01T00:00:00Z");
        assert_eq!(parse("2001-1-2 3:04:05.120").unwrap(), "2001-01-02T03:04:05.12Z");
        assert_eq!(parse("2001-12-14t21:59:43.10-05:00").unwrap(), "2001-12-14T21:59:43.1-05:00");
    }

    #[test]
    fn what_only_looks_like_a_date_is_left_alone() {
        for text in ["2001-13-01", "2001-02-29", "2001-01-01 5", "20010101", "2001-01-01x", "2001-1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
