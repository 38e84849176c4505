//! YAML as yaml.v3 writes it with an indentation of two: lists stand deeper than their keys, nothing is folded.

use flux_yaml::{Node, Resolved, Style, Tag, natural, print_styled, yaml3, yaml11};

use super::{Form, MAX_DEPTH, MarshalError, form};
use crate::strconv::format_float;
use crate::time::{Time, format_duration};
use crate::value::{GoStr, Value};

/// The longest key that is written before a colon.
const SIMPLE_KEY: usize = 128;

/// The value as YAML of about `limit` bytes at most, with a line break at its end.
pub fn write_yaml_pretty(value: &Value, limit: usize) -> Result<String, MarshalError> {
    let mut printer = Printer { out: String::new(), depth: 0, limit };
    printer.value(value, Place { indent: 0, after: After::Nothing })?;
    printer.end_line();
    Ok(printer.out)
}

#[derive(Clone, Copy)]
struct Place {
    /// The column of the collection that holds the value.
    indent: usize,
    after: After,
}

/// What stands before a value on its line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Nothing,
    Key,
    Dash,
}

struct Printer {
    out: String,
    depth: usize,
    limit: usize,
}

impl Printer {
    fn value(&mut self, value: &Value, place: Place) -> Result<(), MarshalError> {
        if self.out.len() > self.limit {
            return Err(MarshalError::TooLong(self.limit));
        }
        if self.depth > MAX_DEPTH {
            return Err(MarshalError::Cycle(value.type_name().into_owned()));
        }
        self.depth += 1;
        let written = super::deeper(|| self.unchecked_value(value, place));
        self.depth -= 1;
        written
    }

    fn unchecked_value(&mut self, value: &Value, place: Place) -> Result<(), MarshalError> {
        match value {
            Value::List(list) if !list.is_empty() => return self.list(list.items(), place),
            Value::Map(map) if !map.is_empty() => {
                let entries = map.entries();
                return self.map(entries.iter().collect(), place);
            }
            Value::Object(object) => {
                if let Some(time) = Time::of(value) {
                    let text = String::from_utf8_lossy(&time.rfc3339()).into_owned();
                    self.plain(&text, place);
                    return Ok(());
                }
                return match form(&**object) {
                    Form::Value(inner) => self.value(&inner, place),
                    Form::Fields(fields) if fields.is_empty() => {
                        self.plain("{}", place);
                        Ok(())
                    }
                    Form::Fields(fields) => {
                        let lower = |name: &GoStr| GoStr::from(name.to_text().to_lowercase());
                        let fields: Vec<_> = fields.iter().map(|(name, value)| (lower(name), value)).collect();
                        self.map(fields.iter().map(|(name, value)| (name, *value)).collect(), place)
                    }
                };
            }
            Value::Bytes(bytes) if !bytes.is_empty() => {
                let items: Vec<Value> = bytes.as_bytes().iter().map(|byte| Value::Uint8(*byte)).collect();
                return self.list(&items, place);
            }
            Value::Str(text) => self.text(&text.to_text(), place),
            other => {
                let text = scalar(other)?;
                self.plain(&text, place);
            }
        }
        Ok(())
    }

    fn plain(&mut self, text: &str, place: Place) {
        if place.after != After::Nothing {
            self.out.push(' ');
        }
        self.out.push_str(text);
    }

    fn text(&mut self, text: &str, place: Place) {
        let written = written(text, style(text));
        // The lines of a block stand two columns deeper than what holds it.
        let deeper = format!("\n{}", " ".repeat(place.indent));
        let mut lines = written.split('\n');
        self.plain(lines.next().unwrap_or_default(), place);
        for line in lines {
            self.out.push_str(if line.is_empty() { "\n" } else { &deeper });
            self.out.push_str(line);
        }
    }

    fn list(&mut self, items: &[Value], place: Place) -> Result<(), MarshalError> {
        let indent = if place.after == After::Nothing { place.indent } else { place.indent + 2 };
        for (at, item) in items.iter().enumerate() {
            self.begin(at == 0, indent, place.after);
            self.out.push('-');
            self.value(item, Place { indent, after: After::Dash })?;
        }
        Ok(())
    }

    fn map(&mut self, mut entries: Vec<(&GoStr, &Value)>, place: Place) -> Result<(), MarshalError> {
        entries.sort_by(|(a, _), (b, _)| natural(&a.to_text(), &b.to_text()));
        let indent = if place.after == After::Nothing { place.indent } else { place.indent + 2 };
        for (at, (key, value)) in entries.into_iter().enumerate() {
            self.begin(at == 0, indent, place.after);
            self.key(&key.to_text(), indent);
            self.out.push(':');
            self.value(value, Place { indent, after: After::Key })?;
        }
        Ok(())
    }

    fn key(&mut self, key: &str, indent: usize) {
        if key.len() > SIMPLE_KEY || key.contains('\n') {
            self.out.push('?');
            self.text(key, Place { indent, after: After::Key });
            self.end_line();
            self.out.push_str(&" ".repeat(indent));
        } else {
            self.out.push_str(&written(key, style(key)));
        }
    }

    fn begin(&mut self, first: bool, indent: usize, after: After) {
        if first && after == After::Dash {
            self.out.push(' ');
            return;
        }
        self.end_line();
        self.out.push_str(&" ".repeat(indent));
    }

    fn end_line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }
}

/// How yaml.v3 wants a text written.
fn style(text: &str) -> Style {
    if text.contains('\n') {
        return Style::Literal;
    }
    let means_text =
        matches!(yaml3(text), Resolved::Str | Resolved::Merge) && !matches!(yaml11(text), Resolved::Bool(_));
    if means_text && !is_base_60(text) { Style::Plain } else { Style::DoubleQuoted }
}

/// A text in a style, or the nearest that it allows; blocks are indented by two.
fn written(text: &str, style: Style) -> String {
    let mut node = Node::string(text);
    node.style = style;
    node.tag = Tag::Str;
    let mut written = print_styled(&node);
    if !written.starts_with('|') {
        written.truncate(written.trim_end_matches('\n').len());
    }
    written
}

/// Numbers to the base of 60, which older readers know.
fn is_base_60(text: &str) -> bool {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let sixty = |part: &str| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    let mut parts = whole.split(':');
    let first = parts.next().is_some_and(|part| part.starts_with(|c: char| c.is_ascii_digit()) && digits(part));
    whole.contains(':') && first && parts.all(sixty) && digits(fraction)
}

/// The text of what is neither text nor collection, or an empty collection.
fn scalar(value: &Value) -> Result<String, MarshalError> {
    Ok(match value {
        Value::Nil => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) | Value::Int64(number) => number.to_string(),
        Value::Int32(number) => number.to_string(),
        Value::Uint8(number) => number.to_string(),
        Value::Uint64(number) => number.to_string(),
        Value::Float(number) if number.is_nan() => ".nan".to_owned(),
        Value::Float(number) if number.is_infinite() => if *number > 0.0 { ".inf" } else { "-.inf" }.to_owned(),
        Value::Float(number) => format_float(*number, b'g', None),
        Value::Duration(nanoseconds) => format_duration(*nanoseconds),
        Value::List(_) | Value::Bytes(_) => "[]".to_owned(),
        Value::Map(_) | Value::Error(_) => "{}".to_owned(),
        Value::Complex(_) | Value::Func(_) => {
            return Err(MarshalError::Type(value.type_name().into_owned()));
        }
        Value::Str(_) | Value::Object(_) => String::new(),
    })
}
