//! Values: read, merged and coalesced as Helm does it.
//!
//! Trees of values are [`Map`]s, shared by reference as Go's: what Helm lets two places share, such as the tables below
//! `global` of a chart and its subcharts, is shared here too, and what it copies is copied. Nothing here changes a tree
//! that it was handed, unless its name says so.

mod coalesce;
mod copy;
pub mod dependencies;
mod options;
mod path;
mod read;
pub mod schema;
pub mod strvals;
mod warning;

use flux_gotemplate::{Map, Value};

pub use coalesce::{CoalesceError, Coalesced, coalesce, coalesce_tables, merge, merge_tables};
pub use options::{Options, OptionsError};
pub use path::{NoTable, PathError, path_value, table};
pub use read::{ReadError, merge_maps, read, read_within};
pub use warning::Warning;

/// The key of the values that a chart and all its subcharts see.
pub const GLOBAL: &str = "global";

/// The value as a table, what Go's type assertion to `map[string]any` accepts.
fn as_table(value: &Value) -> Option<&Map> {
    value.as_map().filter(|map| map.is_plain())
}

/// The text in double quotes as Go's `%q` prints it.
fn quoted(text: &str) -> String {
    String::from_utf8_lossy(&flux_gotemplate::strconv::quote(text.as_bytes())).into_owned()
}
