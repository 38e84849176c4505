//! Objects of the cluster, for the function `lookup`.

use std::error::Error;

use flux_gotemplate::value::Entries;
use flux_gotemplate::{Map, Value};
use serde_json::Value as Json;

/// What a template asks the cluster for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<'q> {
    /// The group and version.
    pub api_version: &'q str,
    /// The kind.
    pub kind: &'q str,
    /// The namespace; empty for all, and for objects without one.
    pub namespace: &'q str,
    /// The name; empty for a list of all objects.
    pub name: &'q str,
}

/// A cluster that templates may look at.
pub trait Cluster: Send + Sync {
    /// The object, or without a name the list of them; `None` where the cluster has it not. The rendering waits for
    /// the answer.
    fn lookup(&self, query: Query<'_>) -> Result<Option<Json>, Box<dyn Error + Send + Sync>>;
}

/// The object as templates see it, integers as `int64`; an empty map of none. With about what it takes in memory.
pub(super) fn value(found: Option<Json>) -> (Value, usize) {
    let mut bytes = 0;
    let value = found.map_or_else(|| Map::new().into(), |found| converted(found, &mut bytes));
    (value, bytes)
}

fn converted(json: Json, bytes: &mut usize) -> Value {
    *bytes += size_of::<Value>();
    match json {
        Json::Null => Value::Nil,
        Json::Bool(flag) => flag.into(),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int64(number),
            None => number.as_f64().unwrap_or_default().into(),
        },
        Json::String(text) => {
            *bytes += text.len();
            text.into()
        }
        Json::Array(items) => Value::list(items.into_iter().map(|item| converted(item, bytes)).collect()),
        Json::Object(fields) => {
            let mut entries = Entries::new();
            for (key, field) in fields {
                *bytes += key.len();
                entries.insert(key.into(), converted(field, bytes));
            }
            Map::from_entries(entries).into()
        }
    }
}
