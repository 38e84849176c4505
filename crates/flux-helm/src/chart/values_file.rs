//! `values.yaml`: all its documents, each over those before.

use flux_gotemplate::data::{Target, YamlError, read_yaml};
use flux_gotemplate::value::Entries;
use flux_gotemplate::{Map, Value};

/// Why a file of values could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValuesFileError {
    /// Three dashes at the start of a line with more than a comment behind them.
    #[error("error reading yaml document: invalid Yaml document separator: {0}")]
    Separator(String),
    /// A document that is not YAML or no map.
    #[error("cannot unmarshal yaml document")]
    Document(#[from] YamlError),
}

/// The values of a file: those of its documents merged, the later over the earlier.
pub fn load_values(text: &[u8]) -> Result<Map, ValuesFileError> {
    let mut merged: Option<Map> = None;
    let mut documents = Documents { rest: text };
    while let Some(document) = documents.next()? {
        let Value::Map(map) = read_yaml(&document, Target::Map)? else { continue };
        merged = Some(match merged {
            None => map,
            Some(before) => merge(&before, &map),
        });
    }
    // Null is no map to Go; what is read into it is one.
    Ok(merged.filter(|map| !map.is_nil()).unwrap_or_default())
}

/// A new map of both; where both have maps they are merged too, else `over` wins.
fn merge(below: &Map, over: &Map) -> Map {
    let mut entries: Entries = (*below.entries()).clone();
    for (key, value) in over.entries().iter() {
        let value = match (value, entries.get(key)) {
            (Value::Map(over), Some(Value::Map(below))) => merge(below, over).into(),
            _ => value.clone(),
        };
        entries.insert(key.clone(), value);
    }
    Map::from_entries(entries)
}

/// Splits a text where Kubernetes' reader of documents does.
struct Documents<'t> {
    rest: &'t [u8],
}

impl Documents<'_> {
    /// The next document, its lines ended by line feeds.
    fn next(&mut self) -> Result<Option<Vec<u8>>, ValuesFileError> {
        let mut document = Vec::new();
        while !self.rest.is_empty() {
            let end = self.rest.iter().position(|byte| *byte == b'\n');
            let (line, rest) = match end {
                Some(end) => (&self.rest[..end], &self.rest[end + 1..]),
                None => (self.rest, &[][..]),
            };
            self.rest = rest;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if let Some(behind) = line.strip_prefix(b"---") {
                let behind = behind.trim_ascii();
                if !behind.is_empty() && !behind.starts_with(b"#") {
                    return Err(ValuesFileError::Separator(String::from_utf8_lossy(behind).into_owned()));
                }
                if !document.is_empty() {
                    return Ok(Some(document));
                }
            }
            document.extend_from_slice(line);
            document.push(b'\n');
        }
        Ok(Some(document).filter(|document| !document.is_empty()))
    }
}
