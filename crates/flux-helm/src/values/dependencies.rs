//! Which subcharts a chart uses, and what it imports from their values.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use flux_gotemplate::data::{Target, read_json};
use flux_gotemplate::{Map, Value, fmt};
use flux_semver::{Constraint, Version};

use super::coalesce::{CoalesceError, Coalescing};
use super::copy::{Allowance, Nulls};
use super::path::{path_value, table};
use super::{GLOBAL, Warning, as_table};
use crate::chart::{Chart, Dependency};

/// The table of values that enable subcharts by their tags.
const TAGS: &str = "tags";

/// The table of a subchart's values that can be imported by a name alone.
const EXPORTS: &str = "exports";

/// The most bytes of a path in `import-values` that is not written as a text.
const MAX_PATH: usize = 64 << 10;

/// The most charts that aliases may make: they multiply where charts with aliases stand in one another.
const MAX_CHARTS: usize = 10_000;

/// A chart counts once more for each so many files, whose names its copies have for themselves.
const FILES_OF_A_CHART: usize = 100;

/// Makes the chart what it is for these values: subcharts get their aliases, disabled ones are gone, and imported values
/// are among the chart's own.
///
/// Conditions decide over tags, each by the first path that leads to true or false. Subcharts that `Chart.yaml` does not
/// name stay. Returns what was passed over; what coalescing itself passes over is told when the values are coalesced.
/// A chart that an error was returned for is not to be used any more.
pub fn process(chart: &mut Chart, values: &Map) -> Result<Vec<Warning>, CoalesceError> {
    process_until(chart, values, None)
}

/// What [`process`] does, until the flag is set.
pub fn process_until(
    chart: &mut Chart,
    values: &Map,
    cancelled: Option<&AtomicBool>,
) -> Result<Vec<Warning>, CoalesceError> {
    let mut processing =
        Processing { charts_left: MAX_CHARTS, allowance: Allowance::new(), cancelled, warnings: Vec::new() };
    processing.keep_enabled(chart, values, "")?;
    processing.import_all(chart)?;
    Ok(processing.warnings)
}

/// Whether the version is one that the constraint wants; no, where one of them cannot be read.
pub fn is_compatible_range(constraint: &str, version: &str) -> bool {
    let Ok(version) = Version::parse(version) else { return false };
    Constraint::parse(constraint).is_ok_and(|constraint| constraint.matches(&version))
}

/// A chart's dependencies being brought in order: what that may still take, and what was passed over.
struct Processing<'f> {
    charts_left: usize,
    allowance: Allowance,
    cancelled: Option<&'f AtomicBool>,
    warnings: Vec<Warning>,
}

impl Processing<'_> {
    /// Removes disabled subcharts, here and below; `path` leads to the chart's values.
    fn keep_enabled(&mut self, chart: &mut Chart, values: &Map, path: &str) -> Result<(), CoalesceError> {
        if !chart.metadata.lists_dependencies() {
            return Ok(());
        }
        self.check_cancelled()?;
        self.name_subcharts(chart)?;
        let values = self.allowance.step(|copies| Coalescing::run(copies, chart, values, Nulls::Drop))?.values;
        apply_tags(&mut chart.metadata.dependencies, &values, &mut self.warnings);
        apply_conditions(&mut chart.metadata.dependencies, &values, path, &mut self.warnings);
        let disabled: HashSet<String> =
            chart.metadata.dependencies.iter().filter(|wanted| !wanted.enabled).map(|gone| gone.name.clone()).collect();
        chart.dependencies.retain(|subchart| !disabled.contains(subchart.name()));
        chart.metadata.dependencies.retain(|wanted| !disabled.contains(&wanted.name));
        // Helm leaves no list here, rather than an empty one.
        chart.metadata.has_empty_dependencies = false;
        for subchart in &mut chart.dependencies {
            if subchart.metadata.lists_dependencies() {
                let path = format!("{path}{}.", subchart.name());
                let values = seen_by(subchart, &values, &path);
                self.keep_enabled(subchart, &values, &path)?;
            }
        }
        Ok(())
    }

    /// Puts the subcharts that nobody asked for first, then those of `Chart.yaml` in its order and by their aliases.
    fn name_subcharts(&mut self, chart: &mut Chart) -> Result<(), CoalesceError> {
        let found = std::mem::take(&mut chart.dependencies);
        let wanted = &mut chart.metadata.dependencies;
        let (found, mut named): (Vec<Chart>, Vec<Chart>) =
            found.into_iter().partition(|subchart| wanted.iter().any(|wanted| serves(subchart, wanted)));
        let places: Vec<Option<usize>> =
            wanted.iter().map(|wanted| found.iter().position(|subchart| serves(subchart, wanted))).collect();
        let mut found: Vec<Found> = found.into_iter().map(|chart| Found { chart: Some(chart), uses: 0 }).collect();
        for place in places.iter().flatten() {
            if let Some(found) = found.get_mut(*place) {
                found.uses += 1;
            }
        }
        for (wanted, place) in wanted.iter_mut().zip(places) {
            if let Some(mut subchart) = self.next_use(place.and_then(|place| found.get_mut(place)))? {
                if !wanted.alias.is_empty() {
                    subchart.metadata.name.clone_from(&wanted.alias);
                }
                named.push(subchart);
            }
            if !wanted.alias.is_empty() {
                wanted.name.clone_from(&wanted.alias);
            }
            wanted.enabled = true;
        }
        chart.dependencies = named;
        Ok(())
    }

    /// The chart itself where it is used for the last time, else a copy.
    fn next_use(&mut self, found: Option<&mut Found>) -> Result<Option<Chart>, CoalesceError> {
        let Some(found) = found else { return Ok(None) };
        found.uses = found.uses.saturating_sub(1);
        if found.uses == 0 {
            return Ok(found.chart.take());
        }
        let size = found.chart.as_ref().map_or(0, size);
        self.charts_left = self.charts_left.checked_sub(size).ok_or(CoalesceError::TooManyCharts(MAX_CHARTS))?;
        Ok(found.chart.clone())
    }

    fn check_cancelled(&self) -> Result<(), CoalesceError> {
        let is_cancelled = self.cancelled.is_some_and(|flag| flag.load(Ordering::Relaxed));
        if is_cancelled { Err(CoalesceError::Cancelled) } else { Ok(()) }
    }

    /// Imports values into the chart and all below it, the innermost first.
    fn import_all(&mut self, chart: &mut Chart) -> Result<(), CoalesceError> {
        for subchart in &mut chart.dependencies {
            self.import_all(subchart)?;
        }
        if !chart.metadata.lists_dependencies() {
            return Ok(());
        }
        let no_user = Map::new();
        let values = self.allowance.step(|copies| Coalescing::run(copies, chart, &no_user, Nulls::Keep))?.values;
        let imported = Map::new();
        let own = self.import(&mut chart.metadata.dependencies, &values, &imported).and_then(|()| {
            if imported.is_empty() {
                return Ok(values.clone());
            }
            // What was imported is shared with the values that it came from: only a copy can take it in.
            let own = self.allowance.step(|copies| copies.map(&values, Nulls::Keep))?;
            self.allowance.step(|copies| Coalescing::tables_of(copies, &own, &imported, Nulls::Keep))?;
            Ok(own)
        });
        if own.is_err() {
            give_up(&values);
            give_up(&imported);
        }
        chart.values = own?;
        Ok(())
    }

    /// Collects in `imported` what the dependencies import, and writes down how it was understood.
    fn import(&mut self, dependencies: &mut [Dependency], values: &Map, imported: &Map) -> Result<(), CoalesceError> {
        for wanted in dependencies {
            let mut understood = Vec::new();
            for entry in &wanted.import_values {
                self.check_cancelled()?;
                let (child, parent) = match entry {
                    serde_json::Value::Object(pair) => (printed(pair.get("child")), printed(pair.get("parent"))),
                    serde_json::Value::String(name) => (format!("{EXPORTS}.{name}"), ".".to_owned()),
                    _ => continue,
                };
                match table(values, &format!("{}.{child}", wanted.name)) {
                    Ok(found) => {
                        let found = below(&parent, found);
                        self.allowance.step(|copies| Coalescing::tables_of(copies, imported, &found, Nulls::Keep))?;
                    }
                    Err(_) => {
                        self.warnings.push(Warning::Import { chart: wanted.name.clone(), child: child.clone() });
                    }
                }
                understood.push(serde_json::json!({ "child": child, "parent": parent }));
            }
            wanted.import_values = understood;
        }
        Ok(())
    }
}

/// A subchart as it was found, and how many more dependencies it serves.
struct Found {
    chart: Option<Chart>,
    uses: usize,
}

/// What a copy of the chart counts for, with all below it.
fn size(chart: &Chart) -> usize {
    let files = chart.templates.len() + chart.files.len() + chart.raw.len();
    1 + files / FILES_OF_A_CHART + chart.dependencies.iter().map(size).sum::<usize>()
}

fn serves(subchart: &Chart, wanted: &Dependency) -> bool {
    subchart.name() == wanted.name && is_compatible_range(&wanted.version, &subchart.metadata.version)
}

/// A subchart is disabled when one of its tags is false and none is true.
fn apply_tags(dependencies: &mut [Dependency], values: &Map, warnings: &mut Vec<Warning>) {
    let Ok(tags) = table(values, TAGS) else { return };
    for wanted in dependencies {
        let (mut on, mut off) = (false, false);
        for tag in &wanted.tags {
            match tags.get(tag.as_bytes()) {
                Some(Value::Bool(true)) => on = true,
                Some(Value::Bool(false)) => off = true,
                Some(_) => warnings.push(Warning::Tag { tag: tag.clone(), chart: wanted.name.clone() }),
                None => {}
            }
        }
        wanted.enabled = on || !off;
    }
}

fn apply_conditions(dependencies: &mut [Dependency], values: &Map, path: &str, warnings: &mut Vec<Warning>) {
    for wanted in dependencies {
        for condition in wanted.condition.trim().split(',').filter(|condition| !condition.is_empty()) {
            match path_value(values, &format!("{path}{condition}")) {
                Ok(Value::Bool(enabled)) => {
                    wanted.enabled = enabled;
                    break;
                }
                Ok(_) => {
                    warnings.push(Warning::Condition { path: condition.to_owned(), chart: wanted.name.clone() });
                }
                Err(_) => {}
            }
        }
    }
}

/// The part of the values that decides about what is below a subchart, so that the rest is not copied for each of them.
fn seen_by(subchart: &Chart, values: &Map, path: &str) -> Map {
    let mut keys = HashSet::from([TAGS.as_bytes(), GLOBAL.as_bytes()]);
    keys.extend(path.split('.').next().map(str::as_bytes));
    names_below(subchart, &mut keys);
    values
        .entries()
        .iter()
        .filter(|(key, _)| keys.contains(key.as_bytes()))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

fn names_below<'c>(chart: &'c Chart, names: &mut HashSet<&'c [u8]>) {
    names.insert(chart.name().as_bytes());
    names.extend(chart.metadata.dependencies.iter().map(|wanted| wanted.alias.as_bytes()));
    for subchart in &chart.dependencies {
        names_below(subchart, names);
    }
}

/// The table at a path of its own; a dot alone is no path.
fn below(path: &str, found: Map) -> Map {
    if path == "." {
        return found;
    }
    path.split('.').rev().fold(found, |inner, key| Map::from_iter([(key.into(), inner.into())]))
}

/// A path as Go's `%v` prints it, whatever it is written as.
fn printed(path: Option<&serde_json::Value>) -> String {
    let value = match path {
        Some(serde_json::Value::String(text)) => return text.clone(),
        Some(other) => read_json(other.to_string().as_bytes(), Target::Any).unwrap_or_default(),
        None => Value::Nil,
    };
    fmt::sprint(&[value], MAX_PATH).map_or_else(|_| String::new(), |text| String::from_utf8_lossy(&text).into_owned())
}

/// Empties all tables, which may contain themselves.
fn give_up(map: &Map) {
    let mut known = HashSet::new();
    let mut open = vec![map.clone()];
    while let Some(map) = open.pop() {
        if known.insert(map.address()) {
            open.extend(map.entries().values().filter_map(as_table).cloned());
            map.replace(flux_gotemplate::value::Entries::new());
        }
    }
}
