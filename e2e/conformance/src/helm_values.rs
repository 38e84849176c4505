//! Helm's values: recorded calls of its own tests.

use std::path::Path;

use anyhow::{Context, Result};
use flux_gotemplate::data::{JsonStyle, Target, read_json, write_json};
use flux_gotemplate::{Map, Value as Tree};
use flux_helm::chart::{Chart, Metadata};
use flux_helm::values;
use flux_helm::values::schema::Documents;
use flux_helm::values::strvals::{self, Grammar};
use serde_json::{Value, json};

use crate::case::{Answer, Case, Compared, Recorded, read_json_lines, text};

/// No recorded tree is larger as JSON.
const MOST_BYTES: usize = 1 << 28;

/// Coalescing and merging of charts and tables.
pub(crate) fn coalesced(path: &Path) -> Result<Vec<Case>> {
    cases(path, |case| {
        let result = match case["fn"].as_str() {
            Some("CoalesceValues") => values::coalesce(&chart(&case["chart"])?, &map(&case["vals"])?),
            Some("MergeValues") => values::merge(&chart(&case["chart"])?, &map(&case["vals"])?),
            Some("CoalesceTables") => values::coalesce_tables(&destination(case)?, &map(&case["src"])?),
            Some("MergeTables") => values::merge_tables(&destination(case)?, &map(&case["src"])?),
            other => anyhow::bail!("no such call: {other:?}"),
        };
        compared(result.map(|coalesced| coalesced.values), case)
    })
}

/// Aliases, conditions, tags and imported values: the whole chart is compared.
pub(crate) fn dependencies(path: &Path) -> Result<Vec<Case>> {
    cases(path, |case| {
        let mut chart = chart(&case["chart"])?;
        let own = values::dependencies::process(&mut chart, &map(&case["vals"])?);
        let answer = match own {
            Ok(_) => Ok(pretty(&dumped(&chart, "")?)?),
            Err(err) => Err(err.to_string()),
        };
        Ok(Compared { answer, recorded: recorded(case, pretty(&without_empty_values(&case["outChart"]))?) })
    })
}

/// Lines of values.
pub(crate) fn lines(path: &Path) -> Result<Vec<Case>> {
    cases(path, |case| {
        let grammar = match case["fn"].as_str() {
            Some("Parse" | "ParseInto") => Grammar::Typed,
            Some("ParseString" | "ParseIntoString") => Grammar::Text,
            Some("ParseJSON") => Grammar::Json,
            Some("ParseLiteral" | "ParseLiteralInto") => Grammar::Literal,
            other => anyhow::bail!("no such call: {other:?}"),
        };
        let into = case.get("dest").map_or_else(|| Ok(Map::new()), map)?;
        compared(strvals::parse_into(&text(&case["input"]), grammar, &into).map(|()| into), case)
    })
}

/// Values against a schema.
pub(crate) fn schemas(path: &Path) -> Result<Vec<Case>> {
    cases(path, |case| {
        let schema = text(&case["schema"]);
        let own = values::schema::validate_single(schema.as_bytes(), &map(&case["values"])?, &Documents::new());
        Ok(Compared { answer: own.map(|_| String::new()), recorded: recorded(case, String::new()) })
    })
}

/// Versions of charts against ranges.
pub(crate) fn ranges(path: &Path) -> Result<Vec<Case>> {
    cases(path, |case| {
        let own = values::dependencies::is_compatible_range(&text(&case["constraint"]), &text(&case["version"]));
        Ok(Compared { answer: Ok(own.to_string()), recorded: Recorded::Output(case["output"].to_string()) })
    })
}

/// A case for each line of a file, named by the call and the line.
fn cases(path: &Path, run: fn(&Value) -> Result<Compared>) -> Result<Vec<Case>> {
    let case = |(line, case): (usize, Value)| {
        let name = case["fn"].as_str().or(case["kind"].as_str()).unwrap_or("case");
        Case::new(format!("{name}-{line}"), move || run(&case))
    };
    Ok(read_json_lines(path)?.into_iter().map(case).collect())
}

/// A tree against `output`, or an error against `error`.
fn compared(own: Result<Map, impl std::error::Error>, case: &Value) -> Result<Compared> {
    let answer: Answer = match own {
        Ok(tree) => Ok(pretty(&plain(&tree)?)?),
        Err(err) => Err(chain(&err)),
    };
    Ok(Compared { answer, recorded: recorded(case, pretty(&case["output"])?) })
}

/// The recorded error, or this output.
fn recorded(case: &Value, output: String) -> Recorded {
    case["error"].as_str().map_or(Recorded::Output(output), |error| Recorded::failed(error.to_owned()))
}

fn chain(err: &dyn std::error::Error) -> String {
    err.source().map_or_else(|| err.to_string(), |source| format!("{err}: {}", chain(source)))
}

/// A chart as it was recorded: its metadata by Go's names or by those of `Chart.yaml`.
fn chart(case: &Value) -> Result<Chart> {
    let metadata = if case["metadata"]["name"].is_string() {
        serde_json::from_value(case["metadata"].clone())?
    } else {
        Metadata { name: text(&case["name"]), ..Metadata::default() }
    };
    let mut own = Chart::new(metadata);
    own.values = map(&case["values"])?;
    own.dependencies = case["dependencies"].as_array().into_iter().flatten().map(chart).collect::<Result<_>>()?;
    Ok(own)
}

/// The chart as it was recorded.
fn dumped(chart: &Chart, parent: &str) -> Result<Value> {
    let path = if parent.is_empty() { chart.name().to_owned() } else { format!("{parent}/charts/{}", chart.name()) };
    let subcharts = chart.dependencies.iter().map(|subchart| dumped(subchart, &path)).collect::<Result<Vec<_>>>()?;
    Ok(without_empty_values(&json!({
        "dependencies": if subcharts.is_empty() { Value::Null } else { subcharts.into() },
        "fullPath": path,
        "metadata": serde_json::to_value(&chart.metadata)?,
        "name": chart.name(),
        "values": plain(&chart.values)?,
    })))
}

/// No values are the same as empty ones.
fn without_empty_values(chart: &Value) -> Value {
    let mut chart = chart.clone();
    if chart["values"] == json!({}) {
        chart["values"] = Value::Null;
    }
    for subchart in chart["dependencies"].as_array_mut().into_iter().flatten() {
        *subchart = without_empty_values(subchart);
    }
    chart
}

/// The table to merge into. Where values were imported, equal tables were one and the same, which JSON cannot say.
fn destination(case: &Value) -> Result<Map> {
    let into = map(&case["dst"])?;
    if case["src"]["imported-chartA-B"].is_object() {
        let mut known: Vec<(&Value, Tree)> = Vec::new();
        for (key, value) in case["dst"].as_object().into_iter().flatten().filter(|(_, value)| value.is_object()) {
            match known.iter().find(|(other, _)| *other == value) {
                Some((_, shared)) => into.insert(key.as_str().into(), shared.clone()),
                None => known.extend(into.get(key.as_bytes()).map(|tree| (value, tree))),
            }
        }
    }
    Ok(into)
}

/// A tree of values as templates have it.
fn map(value: &Value) -> Result<Map> {
    if value.is_null() {
        return Ok(Map::nil_plain());
    }
    let tree = read_json(value.to_string().as_bytes(), Target::Map)?;
    tree.as_map().cloned().context("no table of values")
}

fn plain(tree: &Map) -> Result<Value> {
    let text = write_json(&Tree::Map(tree.clone()), JsonStyle::Raw, MOST_BYTES)?;
    Ok(serde_json::from_slice(&text)?)
}

/// JSON with sorted keys, one to a line.
fn pretty(value: &Value) -> Result<String> {
    let tree = read_json(value.to_string().as_bytes(), Target::Any)?;
    Ok(String::from_utf8(write_json(&tree, JsonStyle::Indented, MOST_BYTES)?)?)
}
