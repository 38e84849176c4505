//! The values of a chart and its subcharts in one tree.

use std::collections::HashSet;

use flux_gotemplate::{Map, Value};

use super::copy::{Copies, MAX_DEPTH, Nulls, deeper};
use super::{GLOBAL, Warning, as_table};
use crate::chart::Chart;

/// Why values cannot be put together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoalesceError {
    /// Something other than a table stands where the values of a subchart belong.
    #[error("type mismatch on {chart}: values of a subchart have to be a table, not {found}")]
    Mismatch {
        /// The subchart.
        chart: String,
        /// The type of what is there.
        found: String,
    },
    /// Tables stand in one another deeper than values can be written.
    #[error("values are nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// The values are too many.
    #[error("more than {0} values")]
    TooMany(usize),
    /// Aliases give a chart to many parents, and these in turn.
    #[error("dependencies make more than {0} charts by their aliases")]
    TooManyCharts(usize),
    /// The caller does not want the values any more.
    #[error("putting values together was cancelled")]
    Cancelled,
}

/// Values that were put together.
#[derive(Clone)]
pub struct Coalesced {
    /// The values.
    pub values: Map,
    /// What was passed over, in the order in which it was met.
    pub warnings: Vec<Warning>,
}

/// The user's values over those of the chart, over those of its subcharts; a key with null is left out.
///
/// What is below `global` goes down into all subcharts, where its nested tables are shared with the parent's. The result
/// shares no table with the chart or with `values`.
pub fn coalesce(chart: &Chart, values: &Map) -> Result<Coalesced, CoalesceError> {
    Coalescing::run(&mut Copies::new(), chart, values, Nulls::Drop)
}

/// What [`coalesce`] gives, but with the keys whose value is null, for values that will be coalesced again.
pub fn merge(chart: &Chart, values: &Map) -> Result<Coalesced, CoalesceError> {
    Coalescing::run(&mut Copies::new(), chart, values, Nulls::Keep)
}

/// Puts into `into` what `from` has and it has not; a null in `into` takes the key away that `from` has.
///
/// Changes both: tables of `from` become shared, and nulls of `into` are noted in it.
pub fn coalesce_tables(into: &Map, from: &Map) -> Result<Coalesced, CoalesceError> {
    Coalescing::tables_of(&mut Copies::new(), into, from, Nulls::Drop)
}

/// What [`coalesce_tables`] does, but a null in `into` stays.
pub fn merge_tables(into: &Map, from: &Map) -> Result<Coalesced, CoalesceError> {
    Coalescing::tables_of(&mut Copies::new(), into, from, Nulls::Keep)
}

/// Values being put together, as far as a budget goes.
pub(super) struct Coalescing<'c> {
    copies: &'c mut Copies,
    warnings: Vec<Warning>,
}

impl<'c> Coalescing<'c> {
    fn new(copies: &'c mut Copies) -> Self {
        Self { copies, warnings: Vec::new() }
    }

    /// What [`coalesce`] and [`merge`] give.
    pub(super) fn run(
        copies: &'c mut Copies,
        chart: &Chart,
        values: &Map,
        nulls: Nulls,
    ) -> Result<Coalesced, CoalesceError> {
        let mut coalescing = Self::new(copies);
        let values = coalescing.copies.map(values, Nulls::Keep)?;
        coalescing.chart(chart, &values, "", nulls)?;
        Ok(Coalesced { values, warnings: coalescing.warnings })
    }

    /// What [`coalesce_tables`] and [`merge_tables`] do.
    pub(super) fn tables_of(
        copies: &'c mut Copies,
        into: &Map,
        from: &Map,
        nulls: Nulls,
    ) -> Result<Coalesced, CoalesceError> {
        let mut coalescing = Self::new(copies);
        let values = if into.is_nil() && !from.is_nil() { from } else { into }.clone();
        coalescing.tables(into, from, "", nulls, 0)?;
        Ok(Coalesced { values, warnings: coalescing.warnings })
    }

    /// Completes `into`, the values for the chart, by the chart's own and those of its subcharts.
    fn chart(&mut self, chart: &Chart, into: &Map, prefix: &str, nulls: Nulls) -> Result<(), CoalesceError> {
        let path = joined(prefix, chart.name());
        self.own_values(chart, into, &path, nulls)?;
        for subchart in &chart.dependencies {
            let values = values_of(subchart, into)?;
            self.globals(&values, into, &path)?;
            deeper(|| self.chart(subchart, &values, &path, nulls))?;
        }
        Ok(())
    }

    fn own_values(&mut self, chart: &Chart, into: &Map, path: &str, nulls: Nulls) -> Result<(), CoalesceError> {
        let subcharts: HashSet<&[u8]> = chart.dependencies.iter().map(|sub| sub.name().as_bytes()).collect();
        for (key, own) in &*chart.values.entries() {
            match into.get(key.as_bytes()) {
                None if nulls == Nulls::Drop && matches!(own, Value::Nil) => {}
                None => into.insert(key.clone(), self.copies.value(own, nulls)?),
                Some(Value::Nil) if nulls == Nulls::Drop => {
                    into.remove(key.as_bytes());
                }
                Some(value) => {
                    let Some(into) = as_table(&value) else { continue };
                    let path = joined(path, &key.to_text());
                    let Some(own) = as_table(own) else {
                        if !matches!(own, Value::Nil) {
                            self.warnings.push(Warning::SkippedValue { path });
                        }
                        continue;
                    };
                    // Nulls for a subchart are kept until its own values are there.
                    let nulls = if subcharts.contains(key.as_bytes()) { Nulls::Keep } else { nulls };
                    let own = self.copies.map(own, nulls)?;
                    self.tables(into, &own, &path, nulls, 0)?;
                }
            }
        }
        Ok(())
    }

    /// Puts the parent's globals over those of the subchart.
    fn globals(&mut self, values: &Map, parent: &Map, path: &str) -> Result<(), CoalesceError> {
        let Some(into) = globals_of(values) else {
            self.warnings.push(Warning::GlobalsOfSubchart);
            return Ok(());
        };
        let Some(from) = globals_of(parent) else {
            self.warnings.push(Warning::GlobalsOfParent);
            return Ok(());
        };
        for (key, value) in &*from.entries() {
            let below = into.get(key.as_bytes());
            let below = below.as_ref().map(as_table);
            match (as_table(value), below) {
                (Some(_), Some(None)) => {
                    self.warnings.push(Warning::GlobalConflict { key: key.to_text().into_owned() });
                }
                (Some(table), below) => {
                    // Only the outermost table is copied: nested ones stay one with the parent's.
                    let table = Map::from_entries((*table.entries()).clone());
                    if let Some(below) = below.flatten() {
                        self.tables(&table, below, &joined(path, &key.to_text()), Nulls::Keep, 0)?;
                    }
                    into.insert(key.clone(), table.into());
                }
                (None, Some(Some(_))) => {
                    self.warnings.push(Warning::GlobalTable { key: key.to_text().into_owned() });
                }
                (None, Some(None) | None) => into.insert(key.clone(), value.clone()),
            }
        }
        values.insert(GLOBAL.into(), into.into());
        Ok(())
    }

    fn tables(&mut self, into: &Map, from: &Map, path: &str, nulls: Nulls, depth: usize) -> Result<(), CoalesceError> {
        if from.is_nil() || into.is_nil() || into.is(from) {
            return Ok(());
        }
        if depth > MAX_DEPTH {
            return Err(CoalesceError::TooDeep);
        }
        let original = from.entries();
        for (key, value) in &*into.entries() {
            if matches!(value, Value::Nil) {
                from.insert(key.clone(), Value::Nil);
            }
        }
        for (key, value) in &*from.entries() {
            self.copies.spend()?;
            let Some(present) = into.get(key.as_bytes()) else {
                into.insert(key.clone(), value.clone());
                continue;
            };
            // A null hides only what the chart has; one for an unknown key stays.
            let hides = || original.get(key).is_some_and(|value| !matches!(value, Value::Nil));
            if nulls == Nulls::Drop && matches!(present, Value::Nil) && hides() {
                into.remove(key.as_bytes());
                continue;
            }
            let path = || joined(path, &key.to_text());
            match (as_table(&present), as_table(value)) {
                (Some(into), Some(from)) => deeper(|| self.tables(into, from, &path(), nulls, depth + 1))?,
                (None, Some(_)) => self.warnings.push(Warning::TableKept { path: path() }),
                (Some(_), None) if !matches!(value, Value::Nil) => {
                    self.warnings.push(Warning::ValueIgnored { path: path() });
                }
                (Some(_) | None, None) => {}
            }
        }
        Ok(())
    }
}

/// The table for a subchart in its parent's values, made where it is not there.
fn values_of(subchart: &Chart, parent: &Map) -> Result<Map, CoalesceError> {
    let name = subchart.name();
    match parent.get(name.as_bytes()) {
        None => {
            let values = Map::new();
            parent.insert(name.into(), values.clone().into());
            Ok(values)
        }
        Some(value) => as_table(&value)
            .cloned()
            .ok_or_else(|| CoalesceError::Mismatch { chart: name.to_owned(), found: value.type_name().into_owned() }),
    }
}

/// The table of globals, an empty one where there is none; nothing where it is no table.
fn globals_of(values: &Map) -> Option<Map> {
    values.get(GLOBAL.as_bytes()).map_or_else(|| Some(Map::new()), |globals| as_table(&globals).cloned())
}

fn joined(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}
