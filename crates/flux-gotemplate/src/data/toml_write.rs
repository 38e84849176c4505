//! TOML as BurntSushi's library writes it: plain keys first, then tables, each level two columns deeper.

use super::{Form, MAX_DEPTH, form, sorted};
use crate::strconv::format_float;
use crate::time::{Time, format_duration};
use crate::value::{Entries, GoStr, Value};

/// Why a value has no such form, in the library's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarshalTomlError {
    /// Nothing cannot stand in a list.
    #[error("toml: cannot encode array with nil element")]
    NilElement,
    /// A list of tables needs a key.
    #[error("toml: top-level values must be Go maps or structs")]
    NoKey,
    /// A function or another type that cannot be written.
    #[error("unsupported type: {0}")]
    Type(&'static str),
    /// Nothing at all; the library panics in reflection.
    #[error("reflect: call of reflect.Value.Type on zero Value")]
    Nil,
    /// Deeper than is written; most likely the value contains itself.
    #[error("toml: values are nested too deeply")]
    Depth,
    /// The text would be longer than allowed: values share parts, so that little memory may stand for much text.
    #[error("text is longer than {0} bytes")]
    TooLong(usize),
}

/// The value as TOML of about `limit` bytes at most.
pub fn write_toml(value: &Value, limit: usize) -> Result<Vec<u8>, MarshalTomlError> {
    if matches!(value, Value::Nil) {
        return Err(MarshalTomlError::Nil);
    }
    let mut writer = Writer { out: Vec::new(), keys: Vec::new(), depth: 0, limit, looks_left: limit };
    writer.entry(value)?;
    Ok(writer.out)
}

/// What a value is to TOML.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Nil,
    Scalar,
    Array,
    Table,
    Tables,
}

struct Writer {
    out: Vec<u8>,
    /// The path of keys to what is being written.
    keys: Vec<GoStr>,
    depth: usize,
    limit: usize,
    /// How often the shape of a value may be asked for; at each level those below are looked at again.
    looks_left: usize,
}

impl Writer {
    /// What a value is to TOML; lists are looked through.
    fn shape(&mut self, value: &Value, depth: usize) -> Result<Shape, MarshalTomlError> {
        self.looks_left = self.looks_left.checked_sub(1).ok_or(MarshalTomlError::TooLong(self.limit))?;
        if depth > MAX_DEPTH {
            return Err(MarshalTomlError::Depth);
        }
        Ok(match value {
            Value::Nil => Shape::Nil,
            Value::Map(map) if map.is_nil() => Shape::Nil,
            Value::List(list) if list.is_nil() => Shape::Nil,
            Value::Map(_) | Value::Error(_) => Shape::Table,
            Value::List(list) if list.is_empty() => Shape::Array,
            Value::List(list) => {
                let mut tables = true;
                for item in list.items() {
                    match super::deeper(|| self.shape(item, depth + 1))? {
                        Shape::Nil => return Err(MarshalTomlError::NilElement),
                        Shape::Table => {}
                        Shape::Scalar | Shape::Array | Shape::Tables => tables = false,
                    }
                }
                if tables { Shape::Tables } else { Shape::Array }
            }
            Value::Object(_) if Time::of(value).is_some() => Shape::Scalar,
            Value::Object(object) => match form(&**object) {
                Form::Value(inner) => self.shape(&inner, depth + 1)?,
                Form::Fields(_) => Shape::Table,
            },
            Value::Complex(_) | Value::Func(_) => return Err(MarshalTomlError::Type(value.kind().name())),
            Value::Bytes(_) => Shape::Array,
            Value::Bool(_)
            | Value::Int(_)
            | Value::Int32(_)
            | Value::Int64(_)
            | Value::Uint8(_)
            | Value::Uint64(_)
            | Value::Float(_)
            | Value::Str(_)
            | Value::Duration(_) => Shape::Scalar,
        })
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn check(&self) -> Result<(), MarshalTomlError> {
        if self.out.len() > self.limit { Err(MarshalTomlError::TooLong(self.limit)) } else { Ok(()) }
    }

    fn newline(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b'\n');
        }
    }

    fn indent(&mut self) {
        let width = 2 * self.keys.len().saturating_sub(1);
        self.out.resize(self.out.len() + width, b' ');
    }

    /// Writes what stands at the current path.
    fn entry(&mut self, value: &Value) -> Result<(), MarshalTomlError> {
        self.check()?;
        self.depth += 1;
        let written = super::deeper(|| match self.shape(value, self.depth)? {
            Shape::Nil => Ok(()),
            Shape::Scalar | Shape::Array => self.key_value(value),
            Shape::Table => self.table(value),
            Shape::Tables => self.tables(value),
        });
        self.depth -= 1;
        written
    }

    fn key_value(&mut self, value: &Value) -> Result<(), MarshalTomlError> {
        let Some(key) = self.keys.last().cloned() else { return self.element(value) };
        self.indent();
        self.key(&key);
        self.text(" = ");
        self.element(value)?;
        self.newline();
        Ok(())
    }

    fn table(&mut self, value: &Value) -> Result<(), MarshalTomlError> {
        if self.keys.len() == 1 {
            self.newline();
        }
        if !self.keys.is_empty() {
            self.header("[", "]");
        }
        self.contents(value)
    }

    fn tables(&mut self, value: &Value) -> Result<(), MarshalTomlError> {
        if self.keys.is_empty() {
            return Err(MarshalTomlError::NoKey);
        }
        let Value::List(list) = value else { return Ok(()) };
        for item in list.items() {
            self.newline();
            self.header("[[", "]]");
            self.contents(item)?;
        }
        Ok(())
    }

    fn header(&mut self, open: &str, close: &str) {
        self.indent();
        self.text(open);
        for (at, key) in self.keys.clone().iter().enumerate() {
            self.text(if at > 0 { "." } else { "" });
            self.key(key);
        }
        self.text(close);
        self.newline();
    }

    /// The entries of a table: those that are no tables first.
    fn contents(&mut self, value: &Value) -> Result<(), MarshalTomlError> {
        let (plain, tables) = self.parted(&entries(value))?;
        for (key, value) in plain.into_iter().chain(tables) {
            self.keys.push(key);
            self.entry(&value)?;
            self.keys.pop();
        }
        Ok(())
    }

    /// The entries that are no tables and those that are, each in the order of the keys.
    fn parted(&mut self, entries: &Entries) -> Result<(Pairs, Pairs), MarshalTomlError> {
        let (mut plain, mut tables) = (Vec::new(), Vec::new());
        for (key, value) in entries {
            let is_table = matches!(self.shape(value, 0)?, Shape::Table | Shape::Tables);
            if is_table { &mut tables } else { &mut plain }.push((key.clone(), value.clone()));
        }
        Ok((plain, tables))
    }

    fn key(&mut self, key: &GoStr) {
        let bare = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if !key.is_empty() && key.as_bytes().iter().all(bare) {
            self.out.extend_from_slice(key.as_bytes());
        } else {
            self.quoted(key.as_bytes());
        }
    }

    fn quoted(&mut self, text: &[u8]) {
        self.out.push(b'"');
        for byte in text {
            match byte {
                b'"' => self.text("\\\""),
                b'\\' => self.text("\\\\"),
                b'\t' => self.text("\\t"),
                b'\n' => self.text("\\n"),
                b'\r' => self.text("\\r"),
                0x08 => self.text("\\b"),
                0x0c => self.text("\\f"),
                0..=0x1f | 0x7f => self.text(&format!("\\u{byte:04x}")),
                _ => self.out.push(*byte),
            }
        }
        self.out.push(b'"');
    }

    /// A value within a line.
    fn element(&mut self, value: &Value) -> Result<(), MarshalTomlError> {
        self.check()?;
        match value {
            Value::Str(text) => self.quoted(text.as_bytes()),
            Value::Bool(flag) => self.text(if *flag { "true" } else { "false" }),
            Value::Int(number) | Value::Int64(number) => self.text(&number.to_string()),
            Value::Int32(number) => self.text(&number.to_string()),
            Value::Uint8(number) => self.text(&number.to_string()),
            Value::Uint64(number) => self.text(&number.to_string()),
            Value::Float(number) => self.text(&float(*number)),
            Value::Duration(nanoseconds) => self.quoted(format_duration(*nanoseconds).as_bytes()),
            Value::List(list) => super::deeper(|| self.array(list.items()))?,
            Value::Bytes(bytes) => {
                let items: Vec<Value> = bytes.as_bytes().iter().map(|byte| Value::Uint8(*byte)).collect();
                self.array(&items)?;
            }
            Value::Object(object) => match (Time::of(value), form(&**object)) {
                (Some(time), _) => self.out.extend(time.rfc3339()),
                (None, Form::Value(inner)) => self.element(&inner)?,
                (None, Form::Fields(_)) => self.inline_table(value)?,
            },
            Value::Map(_) | Value::Error(_) => super::deeper(|| self.inline_table(value))?,
            Value::Nil | Value::Complex(_) | Value::Func(_) => return Err(MarshalTomlError::Type(value.kind().name())),
        }
        Ok(())
    }

    fn array(&mut self, items: &[Value]) -> Result<(), MarshalTomlError> {
        self.out.push(b'[');
        for (at, item) in items.iter().enumerate() {
            self.text(if at > 0 { ", " } else { "" });
            self.element(item)?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn inline_table(&mut self, value: &Value) -> Result<(), MarshalTomlError> {
        let (plain, tables) = self.parted(&entries(value))?;
        let last_plain = plain.len() - usize::from(tables.is_empty() && !plain.is_empty());
        let tables_end = tables.len().saturating_sub(1);
        self.out.push(b'{');
        for (at, (key, value)) in plain.into_iter().enumerate() {
            self.inline_entry(&key, &value, at < last_plain)?;
        }
        for (at, (key, value)) in tables.into_iter().enumerate() {
            self.inline_entry(&key, &value, at < tables_end)?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn inline_entry(&mut self, key: &GoStr, value: &Value, more: bool) -> Result<(), MarshalTomlError> {
        if self.shape(value, 0)? == Shape::Nil {
            return Ok(());
        }
        self.key(key);
        self.text(" = ");
        self.element(value)?;
        self.text(if more { ", " } else { "" });
        Ok(())
    }
}

/// Keys with their values.
type Pairs = Vec<(GoStr, Value)>;

fn entries(value: &Value) -> Entries {
    match value {
        Value::Map(map) => (*map.entries()).clone(),
        Value::Object(object) => match form(&**object) {
            Form::Value(inner) => entries(&inner),
            Form::Fields(fields) => sorted(fields),
        },
        _ => Entries::new(),
    }
}

/// A number that shows that it is a floating point one.
fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let text = format_float(number, b'g', None);
    if text.contains(['e', '.']) { text } else { format!("{text}.0") }
}
