//! Lines of values as `--set` and its kin take them: `name=value,list[0].name={a,b}`.
//!
//! A line is put into a tree as it is read: what stands before a fault has been set when the error is returned.

mod error;
mod parser;
mod scan;

use flux_gotemplate::{Map, Value};

pub use error::{ReaderError, StrvalsError};

use parser::{Parser, Values};

/// The highest index of a list.
pub const MAX_INDEX: usize = 65_536;

/// How many dots a name may have.
pub const MAX_NAME_LEVELS: usize = 30;

/// How a line says values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    /// `--set`: booleans, null and whole numbers are what they look like, all else is text.
    Typed,
    /// `--set-string`: all values are text.
    Text,
    /// `--set-json`: each value is a JSON document; nothing at all is null.
    Json,
    /// `--set-literal`: one name, and all behind its equals sign is its text.
    Literal,
}

/// The values that a line says.
pub fn parse(line: &str, grammar: Grammar) -> Result<Map, StrvalsError> {
    let values = Map::new();
    parse_into(line, grammar, &values)?;
    Ok(values)
}

/// Sets in `into` what the line says, over what is there.
pub fn parse_into(line: &str, grammar: Grammar, into: &Map) -> Result<(), StrvalsError> {
    let values = match grammar {
        Grammar::Typed => Values::Typed,
        Grammar::Text => Values::Text,
        Grammar::Json => Values::Json,
        Grammar::Literal => Values::Literal,
    };
    Parser::new(line, values).parse(into)
}

/// Sets in `into` what the line says as `--set-file`: each value is a name that `read` turns into the value.
pub fn parse_files_into(
    line: &str,
    into: &Map,
    read: &mut dyn FnMut(&str) -> Result<Value, ReaderError>,
) -> Result<(), StrvalsError> {
    Parser::new(line, Values::Read(read)).parse(into)
}
