//! What came of each suite, and how it is told.

use owo_colors::{OwoColorize, Stream};
use serde_json::json;

use crate::compare::Verdict;
use crate::suites::Suite;

/// What came of one case.
pub(crate) struct Outcome {
    pub(crate) id: String,
    pub(crate) verdict: Verdict,
    /// How the answer differs; empty where it does not.
    pub(crate) difference: String,
}

/// What came of a suite.
pub(crate) struct Report {
    pub(crate) suite: String,
    pub(crate) outcomes: Vec<Outcome>,
    /// Whether cases were left out because no engine runs them.
    pub(crate) lacks_engine: bool,
}

impl Report {
    pub(crate) fn empty(suite: &Suite) -> Self {
        Self { suite: suite.name.clone(), outcomes: Vec::new(), lacks_engine: suite.lacks_engine }
    }

    pub(crate) fn passed(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.verdict.passed).count()
    }

    /// How many errors open with the recorded words, and how many are recorded.
    pub(crate) fn errors(&self) -> (usize, usize) {
        let same: Vec<bool> = self.outcomes.iter().filter_map(|outcome| outcome.verdict.same_words).collect();
        (same.iter().filter(|same| **same).count(), same.len())
    }

    pub(crate) fn all_pass(&self) -> bool {
        self.passed() == self.outcomes.len()
    }

    /// The names of the cases whose verdict is such.
    fn ids(&self, is: impl Fn(&Verdict) -> bool) -> Vec<&str> {
        self.outcomes.iter().filter(|outcome| is(&outcome.verdict)).map(|outcome| outcome.id.as_str()).collect()
    }

    /// The names of the cases that fail.
    pub(crate) fn failed(&self) -> Vec<&str> {
        self.ids(|verdict| !verdict.passed)
    }

    fn other_words(&self) -> Vec<&str> {
        self.ids(|verdict| verdict.passed && verdict.same_words == Some(false))
    }
}

/// `suite passed/total` and `suite errors n/m`, with the cases that do not.
pub(crate) fn print_lines(reports: &[Report]) {
    for report in reports.iter().filter(|report| !report.outcomes.is_empty()) {
        print_count(&report.suite, report.passed(), report.outcomes.len(), "failed", &report.failed());
        let (same, total) = report.errors();
        if total > 0 {
            print_count(&format!("{} errors", report.suite), same, total, "other words", &report.other_words());
        }
    }
    let lacking: Vec<_> = reports.iter().filter(|report| report.lacks_engine).map(left_out).collect();
    if !lacking.is_empty() {
        println!("not run: no engine: {}", lacking.join(", "));
    }
}

fn left_out(report: &Report) -> String {
    let others = if report.outcomes.is_empty() { "" } else { " (its other cases)" };
    format!("{}{others}", report.suite)
}

fn print_count(name: &str, count: usize, total: usize, what: &str, ids: &[&str]) {
    let line = format!("{name} {count}/{total}");
    if count == total {
        println!("{}", line.if_supports_color(Stream::Stdout, |line| line.green()));
    } else {
        println!("{}", line.if_supports_color(Stream::Stdout, |line| line.yellow()));
    }
    if !ids.is_empty() {
        println!("  {what}: {}", ids.join(" "));
    }
}

/// One object a suite.
pub(crate) fn print_json(reports: &[Report]) {
    for report in reports {
        let (same, errors) = report.errors();
        let line = json!({
            "suite": report.suite,
            "passed": report.passed(),
            "total": report.outcomes.len(),
            "failed": report.failed(),
            "errors": {"same": same, "total": errors, "otherWords": report.other_words()},
            "lacksEngine": report.lacks_engine,
        });
        println!("{line}");
    }
}

/// Each case with its difference.
pub(crate) fn print_differences(reports: &[Report]) {
    for report in reports {
        for Outcome { id, difference, .. } in &report.outcomes {
            let difference = if difference.is_empty() { "the same\n" } else { difference };
            println!("\n{}/{id}\n{}", report.suite, difference.trim_end());
        }
    }
}
