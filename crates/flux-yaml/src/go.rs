//! Numbers as Go prints them.

/// The shortest text that reads back as `value`, with an exponent where Go's `%g` has one.
pub fn format_float(value: f64) -> String {
    if value == 0.0 {
        return if value.is_sign_negative() { "-0".to_owned() } else { "0".to_owned() };
    }
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    // Go decides at six digits for the shortest form, whatever their number.
    if (-4..6).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// The spellings of a boolean that Go's strconv takes.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::format_float;

    #[test]
    fn exponents_appear_where_go_prints_them() {
        for (value, expected) in [
            (1.5, "1.5"),
            (1e20, "1e+20"),
            (0.000_000_12, "1.2e-07"),
            (1_234_567.5, "1.2345675e+06"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (123_456.5, "123456.5"),
        ] {
            assert_eq!(format_float(value), expected);
        }
    }
}
