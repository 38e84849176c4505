//! Values by paths of keys with dots between them.

use flux_gotemplate::{Map, Value};

use super::{as_table, quoted};

/// There is no table at a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a table", quoted(.key))]
pub struct NoTable {
    /// The key.
    pub key: String,
}

/// There is no value at a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path is empty.
    #[error("YAML path cannot be empty")]
    Empty,
    /// Nothing is there, or a table.
    #[error("{} is not a value", quoted(.key))]
    NoValue {
        /// The last key of the path.
        key: String,
    },
}

/// The table at `path` below `values`, shared with it.
pub fn table(values: &Map, path: &str) -> Result<Map, NoTable> {
    path.split('.').try_fold(values.clone(), |at, key| {
        let found = at.get(key.as_bytes());
        found.as_ref().and_then(as_table).cloned().ok_or_else(|| NoTable { key: key.to_owned() })
    })
}

/// The value at `path` below `values`, which must not be a table.
pub fn path_value(values: &Map, path: &str) -> Result<Value, PathError> {
    if path.is_empty() {
        return Err(PathError::Empty);
    }
    let (at, key) = match path.rsplit_once('.') {
        Some((above, key)) => (table(values, above).ok(), key),
        None => (Some(values.clone()), path),
    };
    let found = at.and_then(|at| at.get(key.as_bytes())).filter(|value| as_table(value).is_none());
    found.ok_or_else(|| PathError::NoValue { key: key.to_owned() })
}
