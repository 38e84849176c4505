//! What Helm would log while it puts values together.

use std::fmt;

use super::quoted;

/// Something in the values that was passed over. The text is Helm's, without the values themselves: they may be secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// A chart says a plain value where its user says a table.
    SkippedValue {
        /// The path from the root chart.
        path: String,
    },
    /// A chart says a table where its user says a plain value.
    TableKept {
        /// The path from the root chart.
        path: String,
    },
    /// A chart says a plain value where a table has to stay.
    ValueIgnored {
        /// The path from the root chart.
        path: String,
    },
    /// The `global` of the subchart is no table.
    GlobalsOfSubchart,
    /// The `global` of the parent is no table.
    GlobalsOfParent,
    /// A table of the parent's globals meets a plain value of the subchart's.
    GlobalConflict {
        /// The key below `global`.
        key: String,
    },
    /// A plain value of the parent's globals meets a table of the subchart's.
    GlobalTable {
        /// The key below `global`.
        key: String,
    },
    /// A condition's path leads to what is neither true nor false.
    Condition {
        /// The path.
        path: String,
        /// The subchart.
        chart: String,
    },
    /// A tag is neither true nor false.
    Tag {
        /// The tag.
        tag: String,
        /// The subchart.
        chart: String,
    },
    /// A schema refers to a `urn:` that nothing is known about: everything is taken for right there.
    UnresolvedUrn {
        /// The reference.
        urn: String,
    },
    /// There is no table to import from a subchart.
    Import {
        /// The subchart.
        chart: String,
        /// The path below the subchart's values.
        child: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SkippedValue { path } => write!(f, "skipped value for {path}: Not a table."),
            Self::TableKept { path } => write!(f, "cannot overwrite table with non table for {path}"),
            Self::ValueIgnored { path } => {
                write!(f, "destination for {path} is a table. Ignoring non-table value")
            }
            Self::GlobalsOfSubchart => f.write_str("skipping globals because destination global is not a table."),
            Self::GlobalsOfParent => f.write_str("skipping globals because source global is not a table."),
            Self::GlobalConflict { key } => {
                write!(f, "Conflict: cannot merge map onto non-map for {}. Skipping.", quoted(key))
            }
            Self::GlobalTable { key } => write!(f, "key {key} is table. Skipping"),
            Self::Condition { path, chart } => {
                write!(f, "condition {path} of chart {chart} is neither true nor false")
            }
            Self::Tag { tag, chart } => write!(f, "tag {tag} of chart {chart} is neither true nor false"),
            Self::UnresolvedUrn { urn } => {
                write!(f, "unresolved URN reference {urn} ignored; using permissive schema")
            }
            Self::Import { chart, child } => write!(f, "chart {chart} has no table {child} to import"),
        }
    }
}
