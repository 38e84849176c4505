//! Files of values.

use flux_gotemplate::Map;
use flux_gotemplate::data::{Target, YamlError, read_yaml};

use super::as_table;

/// Why a file of values cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file is larger than its reader allows.
    #[error("values larger than {limit} bytes")]
    TooLarge {
        /// The most bytes.
        limit: usize,
    },
    /// Something other than a comment stands behind `---`.
    #[error("error reading yaml document: invalid Yaml document separator: {0}")]
    Separator(String),
    /// A document is no YAML, or no table.
    #[error("cannot unmarshal yaml document")]
    Document(#[source] YamlError),
}

impl ReadError {
    /// What is wrong, with its causes, but without any part of the file: for files that may be secret.
    #[must_use]
    pub fn without_values(&self) -> String {
        match self {
            Self::TooLarge { .. } => self.to_string(),
            Self::Separator(_) => "error reading yaml document: invalid Yaml document separator".to_owned(),
            Self::Document(err) => format!("cannot unmarshal yaml document: {}", err.without_values()),
        }
    }
}

/// The values in a file that consists of YAML documents, later ones over earlier ones.
pub fn read(text: &[u8]) -> Result<Map, ReadError> {
    let values = Map::new();
    let mut documents = Documents { rest: text };
    while let Some(document) = documents.next_document()? {
        let value = read_yaml(&document, Target::Map).map_err(ReadError::Document)?;
        if let Some(over) = value.as_map() {
            merge_into(&values, over);
        }
    }
    Ok(values)
}

/// What [`merge_maps`] gives, in `under` itself, which nobody else may hold; takes no longer than `over` is large.
fn merge_into(under: &Map, over: &Map) {
    for (key, value) in &*over.entries() {
        let below = under.get(key.as_bytes());
        match (below.as_ref().and_then(as_table), as_table(value)) {
            (Some(under), Some(over)) => merge_into(under, over),
            _ => under.insert(key.clone(), value.clone()),
        }
    }
}

/// What [`read`] gives for a file of at most `limit` bytes.
pub fn read_within(text: &[u8], limit: usize) -> Result<Map, ReadError> {
    if text.len() > limit {
        return Err(ReadError::TooLarge { limit });
    }
    read(text)
}

/// Both maps in a new one, where tables are merged and else `over` wins; tables of one of them only are shared with it.
#[must_use]
pub fn merge_maps(under: &Map, over: &Map) -> Map {
    let mut merged = (*under.entries()).clone();
    for (key, value) in &*over.entries() {
        let below = as_table(value).and_then(|over| Some(merge_maps(as_table(merged.get(key)?)?, over)));
        merged.insert(key.clone(), below.map_or_else(|| value.clone(), Into::into));
    }
    Map::from_entries(merged)
}

/// Splits a file where a line begins with three dashes, even within a text, as Kubernetes' reader does.
struct Documents<'t> {
    rest: &'t [u8],
}

impl Documents<'_> {
    fn next_document(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        let mut document = Vec::new();
        while !self.rest.is_empty() {
            let (line, rest) = match self.rest.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    let (line, rest) = self.rest.split_at(end);
                    (line.strip_suffix(b"\r").unwrap_or(line), rest.strip_prefix(b"\n").unwrap_or(rest))
                }
                None => (self.rest, &[][..]),
            };
            self.rest = rest;
            if let Some(behind) = line.strip_prefix(b"---") {
                let behind = String::from_utf8_lossy(behind);
                let behind = behind.trim();
                if !behind.is_empty() && !behind.starts_with('#') {
                    return Err(ReadError::Separator(behind.to_owned()));
                }
                if !document.is_empty() {
                    return Ok(Some(document));
                }
            }
            document.extend_from_slice(line);
            document.push(b'\n');
        }
        Ok((!document.is_empty()).then_some(document))
    }
}
