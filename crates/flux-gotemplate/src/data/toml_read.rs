//! TOML into maps.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::time::Time;
use crate::value::{Map, REPLACEMENT, Value};

/// Why a text is no TOML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("toml: line {line}: {message}")]
pub struct TomlError {
    line: usize,
    message: String,
}

/// How deep documents may be nested.
const MAX_DEPTH: usize = 200;

/// The map of a document: whole numbers as `int64`, dates as times in UTC.
pub fn read_toml(text: &[u8]) -> Result<Map, TomlError> {
    let text = crate::value::to_text(text);
    let failed = |at: usize, message: String| TomlError { line: text[..at].matches('\n').count() + 1, message };
    if let Some(at) = text.find(REPLACEMENT) {
        return Err(failed(at, "invalid UTF-8 byte".to_owned()));
    }
    let table = DeTable::parse(&text).map_err(|fault| {
        let at = fault.span().map_or(0, |span| span.start.min(text.len()));
        failed(at, fault.message().to_owned())
    })?;
    map(table.get_ref(), 0).map_err(|(at, message)| failed(at, message))
}

/// Where a fault is, and what it is.
type Fault = (usize, String);

fn map(table: &DeTable<'_>, depth: usize) -> Result<Map, Fault> {
    let entry = |(key, item): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
        Ok((key.get_ref().as_ref().into(), value(item, depth)?))
    };
    table.iter().map(entry).collect::<Result<Map, Fault>>()
}

fn value(item: &Spanned<DeValue<'_>>, depth: usize) -> Result<Value, Fault> {
    let at = item.span().start;
    if depth > MAX_DEPTH {
        return Err((at, "nested too deeply".to_owned()));
    }
    Ok(match item.get_ref() {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(number.as_str(), number.radix());
            Value::Int64(parsed.map_err(|_| (at, format!("{number} is out of range for int64")))?)
        }
        DeValue::Float(number) => {
            Value::Float(number.as_str().parse().map_err(|_| (at, format!("{number} is not a number")))?)
        }
        DeValue::Boolean(flag) => (*flag).into(),
        DeValue::Datetime(date) => Value::object(time(&date.to_string())),
        DeValue::Array(items) => {
            Value::list(items.iter().map(|item| value(item, depth + 1)).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => map(table, depth + 1)?.into(),
    })
}

/// A date, a time of day or both; what is missing is that of Go's zero time.
fn time(text: &str) -> Time {
    let layouts = ["2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02", "15:04:05"];
    let text = text.replace(' ', "T");
    layouts.iter().find_map(|layout| Time::parse(layout, &text).ok()).unwrap_or_else(Time::zero)
}
