//! The formats: from text to trees and back, byte for byte as SOPS 3.13.2 does.

mod dotenv;
mod ini;
mod json;
mod yaml;

use crate::metadata::Layout;
use crate::{Branch, Entry, Error, Format, Value};
use flux_yaml::format_float;

/// How deep collections may stand in one another.
pub(crate) const DEPTH: usize = 200;

/// How the metadata stands in a format.
pub(crate) fn layout(format: Format) -> Layout {
    match format {
        Format::Yaml | Format::Json | Format::Binary => Layout::Nested,
        Format::Ini => Layout::Section,
        Format::Dotenv => Layout::Flat,
    }
}

/// The trees of an encrypted document, metadata included.
pub(crate) fn read_encrypted(data: &[u8], format: Format) -> Result<Vec<Branch>, Error> {
    match format {
        Format::Binary => read(data, Format::Json),
        other => read(data, other),
    }
}

/// The trees of a plain document.
pub(crate) fn read_plain(data: &[u8], format: Format) -> Result<Vec<Branch>, Error> {
    match format {
        Format::Binary => Ok(vec![vec![Entry::new(BINARY_KEY, Value::Text(data.to_vec()))]]),
        other => read(data, other),
    }
}

/// The key that holds the content of a binary document.
const BINARY_KEY: &str = "data";

fn read(data: &[u8], format: Format) -> Result<Vec<Branch>, Error> {
    let result = match format {
        Format::Yaml => yaml::read(data),
        Format::Json | Format::Binary => json::read(data).map(|branch| vec![branch]),
        Format::Dotenv => dotenv::read(data).map(|branch| vec![branch]),
        Format::Ini => ini::read(data).map(|branch| vec![branch]),
    };
    result.map_err(|message| Error::Syntax { format, message })
}

/// The text of trees with their metadata.
pub(crate) fn print_encrypted(branches: &[Branch], format: Format) -> Result<Vec<u8>, Error> {
    match format {
        Format::Binary => print(branches, Format::Json),
        other => print(branches, other),
    }
}

/// The text of plain trees.
pub(crate) fn print_plain(branches: &[Branch], format: Format) -> Result<Vec<u8>, Error> {
    print(branches, format)
}

fn print(branches: &[Branch], format: Format) -> Result<Vec<u8>, Error> {
    let first = || branches.first().ok_or_else(|| "there is no document".to_owned());
    let result = match format {
        Format::Yaml => yaml::print(branches),
        Format::Json => first().and_then(json::print),
        Format::Dotenv => first().and_then(dotenv::print),
        Format::Ini => ini::print(branches),
        Format::Binary => binary(branches),
    };
    result.map_err(|message| Error::Print { format, message })
}

fn binary(branches: &[Branch]) -> Result<Vec<u8>, String> {
    let [branch] = branches else { return Err("there must be exactly one tree branch".to_owned()) };
    match branch.iter().find(|entry| entry.name() == Some(BINARY_KEY)).map(|entry| &entry.value) {
        Some(Value::Text(text)) => Ok(text.clone()),
        Some(_) => Err("'data' key in tree does not have a string value".to_owned()),
        None => Err("no binary data found in tree".to_owned()),
    }
}

/// A simple value as a text without quotes, for the formats whose values are texts.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Float(number) => float(*number),
        Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Value::Time(time) => whole_seconds(time),
        Value::Comment(comment) => comment.text.clone(),
        Value::List(_) | Value::Branch(_) => String::new(),
    }
}

/// A number that cannot be taken for a whole one.
fn float(number: f64) -> String {
    if !number.is_finite() {
        return crate::cipher::decimal(number);
    }
    let text = format_float(number).to_uppercase();
    if text.contains(['.', 'E']) { text } else { format!("{number:.1}") }
}

fn whole_seconds(time: &str) -> String {
    let Some((seconds, rest)) = time.split_at_checked(19) else { return time.to_owned() };
    format!("{seconds}{}", rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit()))
}
