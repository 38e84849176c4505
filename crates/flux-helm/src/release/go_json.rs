//! JSON as Go's encoding/json writes it: `<`, `>`, `&` and two line separators as escapes, numbers in Go's form.

use std::io;

use flux_gotemplate::Value;
use flux_gotemplate::data::{JsonStyle, write_json};
use serde::Serialize;
use serde_json::ser::Formatter;

/// The value in one line, without a line break at its end.
pub(super) fn to_vec(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, Go))?;
    Ok(out)
}

struct Go;

/// The longest form of a number, in bytes.
const NUMBER: usize = 64;

impl Formatter for Go {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, number: f64) -> io::Result<()> {
        let text = write_json(&Value::Float(number), JsonStyle::Escaped, NUMBER).map_err(io::Error::other)?;
        writer.write_all(&text)
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, special) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut characters = special.chars();
            if let Some(character) = characters.next() {
                write!(writer, "\\u{:04x}", u32::from(character))?;
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_of_html_and_line_separators_are_escaped() {
        let text = "<a href=\"x\">&\u{2028}\u{2029}é\u{7f}\u{8}\u{c}\u{1f}\t\r\n\\</a>";
        let expected = r#""\u003ca href=\"x\"\u003e\u0026\u2028\u2029é"#.to_owned()
            + "\u{7f}"
            + r#"\b\f\u001f\t\r\n\\\u003c/a\u003e""#;
        assert_eq!(String::from_utf8(to_vec(&text).unwrap()).unwrap(), expected);
    }

    #[test]
    fn numbers_have_gos_form() {
        let numbers = [1.0, -0.0, 0.5, 1e6, 1e20, 1e21, 1e-6, 1e-7, 1.5e-9, 123_456_789_012_345_680.0];
        let expected = "[1,-0,0.5,1000000,100000000000000000000,1e+21,0.000001,1e-7,1.5e-9,123456789012345680]";
        assert_eq!(String::from_utf8(to_vec(&numbers).unwrap()).unwrap(), expected);
    }
}
