//! YAML that is good to read and the same on every run: block style, keys in alphabetical order, long texts folded.

use serde_json::Value;

/// Texts longer than this, spaces included, are folded into lines of at most this many characters.
const WIDTH: usize = 100;

/// One document, opened by `---`.
pub(crate) fn document(value: &Value) -> String {
    let mut out = String::from("---\n");
    match value {
        Value::Object(_) | Value::Array(_) => block(&mut out, value, 0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            scalar(&mut out, value, 0);
        }
    }
    out
}

/// Writes the entries of a mapping or a sequence, each on a line of its own that starts at `indent`.
fn block(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| name.as_str());
            for (name, value) in fields {
                pad(out, indent);
                out.push_str(&text(name));
                out.push(':');
                entry(out, value, indent);
            }
        }
        Value::Array(items) => {
            for item in items {
                pad(out, indent);
                out.push('-');
                // The first field of a mapping goes on the line of its dash.
                if is_block(item) {
                    let start = out.len();
                    block(out, item, indent + 2);
                    out.replace_range(start..start + indent + 2, " ");
                } else {
                    scalar(out, item, indent);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => scalar(out, value, indent),
    }
}

/// Writes the value of a field whose name starts at `indent`. Sequences start where the name does.
fn entry(out: &mut String, value: &Value, indent: usize) {
    if is_block(value) {
        out.push('\n');
        block(out, value, if value.is_array() { indent } else { indent + 2 });
    } else {
        scalar(out, value, indent);
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Writes a value after the colon or the dash that is there, and ends the line.
fn scalar(out: &mut String, value: &Value, indent: usize) {
    out.push(' ');
    match value {
        Value::String(long) if long.chars().count() > WIDTH && can_fold(long) => return fold(out, long, indent + 2),
        Value::String(short) => out.push_str(&text(short)),
        // Bounds of schemas are floats in Kubernetes' types, whatever the field is.
        Value::Number(number) => out.push_str(number.to_string().trim_end_matches(".0")),
        // Only empty collections come here, and JSON's form of them is YAML's.
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => out.push_str(&value.to_string()),
    }
    out.push('\n');
}

/// Whether folding and unfolding gives the text back: prose of words with single spaces between them.
fn can_fold(text: &str) -> bool {
    let words = || text.split(' ');
    !text.contains(['\n', '\t']) && words().all(|word| !word.is_empty()) && words().all(|word| word.len() < WIDTH)
}

fn fold(out: &mut String, text: &str, indent: usize) {
    out.push_str(">-");
    let mut column = usize::MAX;
    for word in text.split(' ') {
        let width = word.chars().count();
        if column.saturating_add(1 + width) > WIDTH {
            out.push('\n');
            pad(out, indent);
            column = indent + width;
        } else {
            out.push(' ');
            column += 1 + width;
        }
        out.push_str(word);
    }
    out.push('\n');
}

/// A text as it is where YAML reads it back as that text, in quotes elsewhere.
fn text(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let opens_well = first.is_ascii_alphabetic() || matches!(first, '/' | '^' | '.' | '_' | '(');
    opens_well
        && !text.ends_with([':', ' '])
        && !text.contains(": ")
        && !text.contains(" #")
        && text.chars().all(|character| (' '..='~').contains(&character))
        && !is_keyword(text)
        && !text.starts_with("...")
        && !text.strip_prefix('.').is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))
}

/// The words that YAML 1.1 reads as booleans, null or numbers.
fn is_keyword(text: &str) -> bool {
    const WORDS: [&str; 14] =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null", ".inf", ".nan", "inf", "nan", "~"];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

fn quoted(text: &str) -> String {
    if text.chars().all(|character| (' '..='~').contains(&character)) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        // JSON's strings are YAML's double-quoted ones.
        Value::from(text).to_string()
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mappings_are_sorted_and_sequences_start_at_their_name() {
        let value = json!({ "b": [1.0, { "d": true, "c": [] }, "x"], "a": { "z": {}, "x": "text" } });
        let expected = "---\na:\n  x: text\n  z: {}\nb:\n- 1\n- c: []\n  d: true\n- x\n";
        assert_eq!(document(&value), expected);
    }

    #[test]
    fn texts_that_yaml_would_misread_are_quoted() {
        let value = json!(["true", "10m", "60s", "*", "a: b", "it's", "", "on", "oci", "a #b", "-1", "line\nbreak"]);
        let expected = "---\n- 'true'\n- '10m'\n- '60s'\n- '*'\n- 'a: b'\n- it's\n- ''\n- 'on'\n- oci\n- 'a #b'\n- '-1'\n- \"line\\nbreak\"\n";
        assert_eq!(document(&value), expected);
    }

    #[test]
    fn long_texts_are_folded_between_words() {
        let value = json!({ "a": { "description": "word ".repeat(30).trim() } });
        let text = document(&value);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[2], "  description: >-");
        assert_eq!(lines[3].len(), 98);
        assert_eq!(lines.len(), 5);
        let unfolded: Vec<_> = lines[3..].iter().map(|line| line.trim()).collect();
        assert_eq!(unfolded.join(" "), "word ".repeat(30).trim());
    }
}
