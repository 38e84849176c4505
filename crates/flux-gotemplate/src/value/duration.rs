//! The text of a `time.Duration`.

/// What Go's `Duration.String` gives, for example `1h2m3.5s`, `1.5ms`, `0s`.
pub(crate) fn duration_text(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let magnitude = nanoseconds.unsigned_abs();
    if magnitude == 0 {
        return "0s".to_owned();
    }
    if magnitude < 1_000_000_000 {
        let (unit, name, places) = match magnitude {
            0..1_000 => (1, "ns", 0),
            1_000..1_000_000 => (1_000, "µs", 3),
            _ => (1_000_000, "ms", 6),
        };
        let fraction = fraction(magnitude % unit, places);
        return format!("{sign}{}{fraction}{name}", magnitude / unit);
    }
    let seconds = magnitude / 1_000_000_000;
    let fraction = fraction(magnitude % 1_000_000_000, 9);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}{fraction}s"),
        (0, _) => format!("{sign}{minutes}m{seconds}{fraction}s"),
        _ => format!("{sign}{hours}h{minutes}m{seconds}{fraction}s"),
    }
}

fn fraction(value: u64, places: usize) -> String {
    if value == 0 {
        return String::new();
    }
    let digits = format!("{value:0places$}");
    format!(".{}", digits.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::duration_text;

    #[test]
    fn durations_are_written_in_their_largest_units() {
        assert_eq!(duration_text(0), "0s");
        assert_eq!(duration_text(1_500), "1.5µs");
        assert_eq!(duration_text(-2_000_000), "-2ms");
        assert_eq!(duration_text(3_723_500_000_000), "1h2m3.5s");
        assert_eq!(duration_text(60_000_000_000), "1m0s");
        assert_eq!(duration_text(i64::MIN), "-2562047h47m16.854775808s");
    }
}
