//! How floating-point numbers are written.

/// `value` as Go's `strconv.FormatFloat` writes it: `format` is one of `b e E f g G x X`, `precision` the number of
/// digits, `None` for the fewest that read back the same.
pub fn format_float(value: f64, format: u8, precision: Option<usize>) -> String {
    let mut out = Vec::with_capacity(24);
    append_float(&mut out, value, format, precision);
    String::from_utf8(out).unwrap_or_default()
}

/// Appends what [`format_float`] gives.
pub fn append_float(out: &mut Vec<u8>, value: f64, format: u8, precision: Option<usize>) {
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
        return;
    }
    if value.is_infinite() {
        out.extend_from_slice(if value < 0.0 { b"-Inf" } else { b"+Inf" });
        return;
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    let value = value.abs();
    match (format, precision) {
        (b'b', _) => binary(out, value),
        (b'x' | b'X', _) => hexadecimal(out, value, format, precision),
        (b'e' | b'E', None) => {
            let digits = Digits::shortest(value);
            let places = digits.len().saturating_sub(1);
            digits.exponential(out, places, format);
        }
        (b'e' | b'E', Some(places)) => {
            Digits::rounded(value, places.saturating_add(1)).exponential(out, places, format);
        }
        (b'f', None) => {
            let digits = Digits::shortest(value);
            let places = digits.fraction();
            digits.fixed(out, places);
        }
        (b'f', Some(places)) => fixed(out, value, places),
        (_, None) => {
            if value < 1e6 && value.fract() == 0.0 {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below a million")]
                out.extend_from_slice((value as u32).to_string().as_bytes());
                return;
            }
            let digits = Digits::shortest(value);
            let nd = digits.len();
            general(out, &digits, nd, 6, format);
        }
        (_, Some(precision)) => {
            let precision = precision.max(1);
            let digits = Digits::rounded(value, precision);
            let nd = digits.len();
            let threshold =
                if precision > nd && i64::try_from(nd).is_ok_and(|nd| nd >= digits.point) { nd } else { precision };
            general(out, &digits, precision, threshold, format);
        }
    }
}

/// The most digits after the point that a float64 can have; all further ones are zeros.
const MOST_PLACES: usize = 1100;

/// Fewer digits than these tell a float64 from its neighbours without a tie.
const LONG: usize = 15;

/// Decimal digits of a number: `0.DIGITS` times ten to the `point`, without zeros at the end.
struct Digits {
    digits: Vec<u8>,
    point: i64,
}

impl Digits {
    fn shortest(value: f64) -> Self {
        let shortest = Self::read(&format!("{value:e}"));
        // Of two that are equally near, Go takes the even one and Rust the larger. Only long ones can be.
        if shortest.len() >= LONG {
            let even = Self::rounded(value, shortest.len());
            if even.value() == Some(value) {
                return even;
            }
        }
        shortest
    }

    /// The number that the digits read back as.
    fn value(&self) -> Option<f64> {
        format!("0.{}e{}", String::from_utf8_lossy(&self.digits), self.point).parse().ok()
    }

    /// Rounded to `count` significant digits.
    fn rounded(value: f64, count: usize) -> Self {
        let places = count.saturating_sub(1).min(MOST_PLACES);
        Self::read(&format!("{value:.places$e}"))
    }

    /// Reads what Rust writes: `d.ddde±x`.
    fn read(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let point = if digits.is_empty() { 0 } else { exponent.parse::<i64>().unwrap_or_default() + 1 };
        Self { digits, point }
    }

    fn len(&self) -> usize {
        self.digits.len()
    }

    fn digit(&self, index: usize) -> u8 {
        self.digits.get(index).copied().unwrap_or(b'0')
    }

    /// The number of digits after the point.
    fn fraction(&self) -> usize {
        let len = i64::try_from(self.len()).unwrap_or(i64::MAX);
        usize::try_from(len - self.point).unwrap_or(0)
    }

    fn exponential(&self, out: &mut Vec<u8>, places: usize, letter: u8) {
        out.push(self.digit(0));
        if places > 0 {
            out.push(b'.');
            let known = self.digits.get(1..).unwrap_or_default();
            let known = known.get(..places).unwrap_or(known);
            out.extend_from_slice(known);
            out.resize(out.len() + places - known.len(), b'0');
        }
        out.push(letter);
        let exponent = if self.digits.is_empty() { 0 } else { self.point - 1 };
        out.push(if exponent < 0 { b'-' } else { b'+' });
        out.extend_from_slice(format!("{:02}", exponent.unsigned_abs()).as_bytes());
    }

    fn fixed(&self, out: &mut Vec<u8>, places: usize) {
        let whole = usize::try_from(self.point).unwrap_or(0);
        if whole == 0 {
            out.push(b'0');
        }
        out.extend((0..whole).map(|index| self.digit(index)));
        if places > 0 {
            out.push(b'.');
            for place in 0..places {
                let index = i64::try_from(place).unwrap_or(i64::MAX).saturating_add(self.point);
                out.push(usize::try_from(index).map_or(b'0', |index| self.digit(index)));
            }
        }
    }
}

fn fixed(out: &mut Vec<u8>, value: f64, places: usize) {
    let known = places.min(MOST_PLACES);
    out.extend_from_slice(format!("{value:.known$}").as_bytes());
    out.resize(out.len() + places - known, b'0');
}

/// The `%g` form: exponential when the exponent is below -4 or not below `threshold`.
fn general(out: &mut Vec<u8>, digits: &Digits, precision: usize, threshold: usize, format: u8) {
    let exponent = digits.point - 1;
    let threshold = i64::try_from(threshold).unwrap_or(i64::MAX);
    if exponent < -4 || exponent >= threshold {
        let precision = precision.min(digits.len());
        digits.exponential(out, precision.saturating_sub(1), if format == b'G' { b'E' } else { b'e' });
    } else {
        digits.fixed(out, digits.fraction());
    }
}

/// Mantissa and exponent of a finite number: `mantissa * 2^exponent`.
fn parts(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let exponent = i32::try_from((bits >> 52) & 0x7ff).unwrap_or_default();
    let mantissa = bits & ((1 << 52) - 1);
    if exponent == 0 { (mantissa, -1074) } else { (mantissa | 1 << 52, exponent - 1075) }
}

fn binary(out: &mut Vec<u8>, value: f64) {
    let (mantissa, exponent) = parts(value);
    out.extend_from_slice(format!("{mantissa}p{exponent:+}").as_bytes());
}

fn hexadecimal(out: &mut Vec<u8>, value: f64, format: u8, precision: Option<usize>) {
    let (mut mantissa, mut exponent) = parts(value);
    if mantissa == 0 {
        exponent = 0;
    } else {
        // One bit before the point, 60 after it.
        let shift = mantissa.leading_zeros() - 3;
        mantissa <<= shift;
        exponent += 60 - i32::try_from(shift).unwrap_or_default();
    }
    if let Some(places) = precision
        && places < 15
    {
        let shift = 60 - 4 * u32::try_from(places).unwrap_or_default();
        let extra = mantissa & ((1 << shift) - 1);
        mantissa >>= shift;
        let half = 1 << (shift - 1);
        if extra > half || extra == half && mantissa & 1 == 1 {
            mantissa += 1;
        }
        mantissa <<= shift;
        if mantissa & (1 << 61) != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    out.extend_from_slice(if format == b'X' { b"0X" } else { b"0x" });
    out.push(if mantissa & (1 << 60) == 0 { b'0' } else { b'1' });
    let fraction = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let fraction = match precision {
        None => fraction.trim_end_matches('0').to_owned(),
        Some(places) => format!("{fraction:0<places$}").chars().take(places).collect(),
    };
    if !fraction.is_empty() {
        out.push(b'.');
        let upper = format == b'X';
        out.extend(fraction.bytes().map(|digit| if upper { digit.to_ascii_uppercase() } else { digit }));
    }
    out.push(if format == b'X' { b'P' } else { b'p' });
    out.push(if exponent < 0 { b'-' } else { b'+' });
    out.extend_from_slice(format!("{:02}", exponent.unsigned_abs()).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_does() {
        let check = |value, format, precision, expected: &str| {
            assert_eq!(format_float(value, format, precision), expected);
        };
        check(1e6, b'g', None, "1e+06");
        check(123_456.0, b'g', None, "123456");
        check(0.00001, b'g', None, "1e-05");
        check(0.1, b'g', None, "0.1");
        check(-0.0, b'g', None, "-0");
        check(1e21, b'f', None, "1000000000000000000000");
        check(100.0, b'g', Some(3), "100");
        check(1234.5678, b'g', Some(3), "1.23e+03");
        check(0.5, b'f', Some(0), "0");
        check(2.5, b'e', Some(2), "2.50e+00");
        check(19_243_476_423_923.812, b'g', None, "1.9243476423923812e+13");
        check(1.0, b'x', None, "0x1p+00");
        check(3.5, b'x', Some(1), "0x1.cp+01");
        check(1.0, b'b', None, "4503599627370496p-52");
        check(f64::INFINITY, b'g', None, "+Inf");
    }
}
