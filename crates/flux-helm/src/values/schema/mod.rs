//! Values against `values.schema.json`, drafts 4 to 2020-12, with the words of the library that Helm uses.
//!
//! Nothing is fetched here: a schema that refers to others gets them from the caller's [`Documents`], and [`wanted`] tells
//! which. Formats count up to draft 7, as in that library. Texts of values are not shown in faults: they may be secret.

mod compile;
mod fault;
mod formats;
mod groups;
mod json;
mod number;
mod patterns;
mod words;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use flux_gotemplate::{Map, Value};

use super::{Warning, as_table};
use crate::chart::Chart;

/// Schemas by their addresses, without fragments, as [`wanted`] names them.
pub type Documents = BTreeMap<String, serde_json::Value>;

/// Whether values are held against the schemas of their charts.
#[derive(Clone, Copy, Debug)]
pub enum Check<'a> {
    /// They are not.
    Skip,
    /// They are, and these documents are what schemas may refer to.
    With(&'a Documents),
}

impl Default for Check<'_> {
    /// They are, and schemas may refer to nothing.
    fn default() -> Self {
        static NONE: Documents = Documents::new();
        Self::With(&NONE)
    }
}

/// Values that are not as the schemas of their charts want them, or schemas that are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaError {
    /// What is wrong, by chart: the chart itself first, then its subcharts.
    pub charts: Vec<ChartFaults>,
}

/// What is wrong with the values of one chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartFaults {
    /// The chart's name.
    pub chart: String,
    /// The faults, one line each: `- at '/path': …`, indented below what they are a part of.
    pub faults: String,
}

impl std::error::Error for SchemaError {}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ChartFaults { chart, faults } in &self.charts {
            writeln!(f, "{chart}:\n{faults}")?;
        }
        Ok(())
    }
}

/// Holds coalesced values against the schemas of the chart and of its subcharts.
///
/// A reference to a `urn:` that is not among the documents is met by everything, and told as a warning; one to any other
/// missing document is a fault.
pub fn validate(chart: &Chart, values: &Map, documents: &Documents) -> Result<Vec<Warning>, SchemaError> {
    let mut warnings = Vec::new();
    let mut charts = Vec::new();
    validate_chart(chart, values, documents, &mut warnings, &mut charts);
    if charts.is_empty() { Ok(warnings) } else { Err(SchemaError { charts }) }
}

/// Holds values against one schema; the error has the faults as [`ChartFaults`] has them.
pub fn validate_single(schema: &[u8], values: &Map, documents: &Documents) -> Result<Vec<Warning>, String> {
    compile::guarded(|| {
        let (compiled, unresolved) = compile::compile(schema, documents)?;
        compiled.validate(values)?;
        Ok(unresolved.into_iter().map(|urn| Warning::UnresolvedUrn { urn }).collect())
    })
}

/// The addresses of documents that the chart's schemas and those of its subcharts refer to, and that are missing.
///
/// What is fetched may refer to more: ask again with it until nothing is wanted. Only `http:`, `https:` and `urn:` are
/// named; files are never read. Whether to fetch is for the caller to decide: a chart chooses these addresses.
pub fn wanted(chart: &Chart, documents: &Documents) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if let Some(schema) = &chart.schema {
        found.extend(compile::guarded(|| Ok(compile::wanted(&schema.data, documents))).unwrap_or_default());
    }
    for subchart in &chart.dependencies {
        found.extend(wanted(subchart, documents));
    }
    found
}

fn validate_chart(
    chart: &Chart,
    values: &Map,
    documents: &Documents,
    warnings: &mut Vec<Warning>,
    charts: &mut Vec<ChartFaults>,
) {
    if let Some(schema) = &chart.schema {
        match validate_single(&schema.data, values, documents) {
            Ok(found) => warnings.extend(found),
            Err(faults) => charts.push(ChartFaults { chart: chart.name().to_owned(), faults }),
        }
    }
    for subchart in &chart.dependencies {
        match values.get(subchart.name().as_bytes()) {
            None | Some(Value::Nil) => {}
            Some(value) => match as_table(&value) {
                Some(values) => validate_chart(subchart, values, documents, warnings, charts),
                None => charts.push(ChartFaults {
                    chart: subchart.name().to_owned(),
                    faults: format!("invalid type for values: expected object (map), got {}", value.type_name()),
                }),
            },
        }
    }
}
