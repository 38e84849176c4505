//! The counts that the project stands for: the next run may have neither fewer nor, unrecorded, more.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::case::read;
use crate::report::Report;

/// Counts by suite; those of error texts under `SUITE errors`.
type Counts = BTreeMap<String, String>;

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("expected-passes.txt")
}

/// Fails when a suite's count is not the recorded one.
pub(crate) fn hold(reports: &[Report]) -> Result<()> {
    let faults = faults(&parse(&read(&path())?)?, &counts(reports));
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("\n")) }
}

/// Records the counts of these suites; those of others stay.
pub(crate) fn write(reports: &[Report]) -> Result<()> {
    let path = path();
    let mut recorded = if path.exists() { parse(&read(&path)?)? } else { Counts::new() };
    recorded.extend(counts(reports));
    let mut text = String::new();
    for (name, count) in recorded {
        let _ = writeln!(text, "{name} {count}");
    }
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn counts(reports: &[Report]) -> Counts {
    let mut counts = Counts::new();
    for report in reports.iter().filter(|report| !report.outcomes.is_empty()) {
        counts.insert(report.suite.clone(), format!("{}/{}", report.passed(), report.outcomes.len()));
        let (same, total) = report.errors();
        if total > 0 {
            counts.insert(format!("{} errors", report.suite), format!("{same}/{total}"));
        }
    }
    counts
}

fn parse(text: &str) -> Result<Counts> {
    let line = |line: &str| {
        let (name, count) = line.rsplit_once(' ').with_context(|| format!("{line:?} has no count"))?;
        Ok((name.to_owned(), count.to_owned()))
    };
    text.lines().map(line).collect()
}

/// Every count that differs, one line each.
fn faults(recorded: &Counts, counts: &Counts) -> Vec<String> {
    let fault = |(name, count): (&String, &String)| match recorded.get(name) {
        Some(expected) if expected == count => None,
        Some(expected) => Some(format!(
            "{name}: {count} pass, recorded are {expected}: mend it, or record an improvement with --write"
        )),
        None => Some(format!("{name}: {count} pass, nothing is recorded: record it with --write")),
    };
    counts.iter().filter_map(fault).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_may_neither_fall_nor_rise_unrecorded() {
        let recorded = parse("a 3/4\na errors 1/2\nb 5/5\n").unwrap();
        let faults = |text: &str| {
            let faults = faults(&recorded, &parse(text).unwrap());
            faults.into_iter().map(|fault| fault.split(':').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(faults("a 3/4\na errors 1/2"), [""; 0]);
        assert_eq!(faults("a 2/4\nb 6/6\nc 1/1"), ["a", "b", "c"]);
        assert_eq!(faults("a errors 2/2"), ["a errors"]);
    }
}
