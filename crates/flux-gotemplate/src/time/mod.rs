//! Go's times and durations: layouts, zones, arithmetic.
//!
//! The local zone is UTC: an engine has no environment to take another from.

mod civil;
mod duration;
mod format;
mod layout;
mod methods;
mod parse;
mod zone;

use std::fmt::Write as _;

use civil::Civil;
pub(crate) use duration::{SECOND, format_duration, parse_duration, round};
pub use methods::Time;
pub(crate) use parse::TimeError;
pub(crate) use zone::Zone;

/// `text` in double quotes as Go's time package writes it in errors: bytes beyond ASCII as escapes.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=0x7f => quoted.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => _ = write!(quoted, "\\x{byte:02x}"),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(layout: &str, value: &str, shown: &str) -> String {
        let time = Time::parse(layout, value).unwrap();
        String::from_utf8(time.format(shown.as_bytes())).unwrap()
    }

    #[test]
    fn layouts_show_all_parts_of_a_time() {
        let value = "2021-07-05T13:04:05.120456789Z";
        for (layout, expected) in [
            ("2006 06 1 01 Jan January 2 _2 02 002 __2", "2021 21 7 07 Jul July 5  5 05 186 186"),
            ("Mon Monday 15 3 03 4 04 5 05 PM pm", "Mon Monday 13 1 01 4 04 5 05 PM pm"),
            (".000 .999 ,00 .9999", ".120 .12 ,12 .1204"),
            ("Z0700 Z07:00 -0700 -07 -07:00:00 MST", "Z Z +0000 +00 +00:00:00 UTC"),
            ("_2006 Janet Montag 2006", "_2021 Janet Montag 2021"),
        ] {
            assert_eq!(show("2006-01-02T15:04:05Z07:00", value, layout), expected);
        }
    }

    #[test]
    fn times_are_read_after_a_layout() {
        let default = "2006-01-02 15:04:05.999999999 -0700 MST";
        for (layout, value, expected) in [
            ("2006-01-02", "2021-03-04", "2021-03-04 00:00:00 +0000 UTC"),
            ("Jan _2 06 3:04pm", "mar  4 69 12:30am", "1969-03-04 00:30:00 +0000 UTC"),
            ("2006 002", "2020 060", "2020-02-29 00:00:00 +0000 UTC"),
            ("02 Jan 2006 -0700", "01 Feb 2021 +0130", "2021-02-01 00:00:00 +0130 +0130"),
            ("06 02", "-1 03", "1999-01-03 00:00:00 +0000 UTC"),
            ("2006 MST", "2021 CEST", "2021-01-01 00:00:00 +0000 CEST"),
            ("15:04:05", "01:02:03.5", "0000-01-01 01:02:03.5 +0000 UTC"),
        ] {
            assert_eq!(show(layout, value, default), expected, "{layout}");
        }
    }

    #[test]
    fn faults_name_the_part_that_does_not_fit() {
        for (layout, value, expected) in [
            ("2006-01-02", "x", r#"parsing time "x" as "2006-01-02": cannot parse "x" as "2006""#),
            ("2006-01-02", "2021/03", r#"parsing time "2021/03" as "2006-01-02": cannot parse "/03" as "-""#),
            ("2006-01-02", "2021-13-01", r#"parsing time "2021-13-01": month out of range"#),
            ("2006-01-02", "2021-02-30", r#"parsing time "2021-02-30": day out of range"#),
            ("2006", "2021x", r#"parsing time "2021x": extra text: "x""#),
        ] {
            assert_eq!(Time::parse(layout, value).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn zones_are_known_by_name() {
        let time = Time::from_unix(1_626_354_855, 0).in_zone(Zone::load("America/New_York").unwrap());
        assert_eq!(time.format(b"15:04 MST -07"), b"09:14 EDT -04");
        assert!(Zone::load("Nowhere/City").is_none());
        assert!(Zone::load("america/new_york").is_none());
    }
}
