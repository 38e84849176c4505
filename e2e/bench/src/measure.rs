//! Figures of a benchmark: gathered over runs, printed as a table or JSON lines, kept in a document.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

/// One figure over all runs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) what: String,
    /// The unit of all values.
    pub(crate) unit: &'static str,
    /// One value for each run, in order.
    pub(crate) values: Vec<f64>,
    /// The bar, as text, and whether the median meets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<Target>,
}

/// A bar that the median is held against.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Target {
    /// The median must be below this.
    Below(f64),
    /// The median must be this or more.
    AtLeast(f64),
}

impl Target {
    fn met(self, median: f64) -> bool {
        match self {
            Self::Below(bar) => median < bar,
            Self::AtLeast(bar) => median >= bar,
        }
    }

    fn shown(self) -> String {
        match self {
            Self::Below(bar) => format!("< {}", shown(bar)),
            Self::AtLeast(bar) => format!("≥ {}", shown(bar)),
        }
    }
}

impl Figure {
    pub(crate) fn new(what: impl Into<String>, unit: &'static str, values: Vec<f64>) -> Self {
        Self { what: what.into(), unit, values, target: None }
    }

    pub(crate) fn below(self, below: f64) -> Self {
        Self { target: Some(Target::Below(below)), ..self }
    }

    pub(crate) fn at_least(self, bar: f64) -> Self {
        Self { target: Some(Target::AtLeast(bar)), ..self }
    }

    pub(crate) fn median(&self) -> f64 {
        percentile(&self.values, 0.5)
    }

    fn verdict(&self) -> &'static str {
        match self.target {
            None => "",
            Some(target) if target.met(self.median()) => "met",
            Some(_) => "missed",
        }
    }

    /// The median, and the bar where there is one.
    fn cell(&self) -> String {
        let median = format!("{} {}", shown(self.median()), self.unit);
        let verdict = self.verdict();
        self.target.map_or_else(|| median.clone(), |target| format!("{median} ({}: {verdict})", target.shown()))
    }

    /// what, median, range, target, verdict.
    fn cells(&self) -> [String; 5] {
        let least = self.values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let range = if self.values.len() > 1 { format!("{} to {}", shown(least), shown(most)) } else { String::new() };
        let target = self.target.map_or_else(String::new, |target| format!("{} {}", target.shown(), self.unit));
        [self.what.clone(), format!("{} {}", shown(self.median()), self.unit), range, target, self.verdict().to_owned()]
    }
}

/// The value at `share` (0 to 1) of the sorted values; 0 where there are none.
pub(crate) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "few values"
    )]
    let at = ((sorted.len().saturating_sub(1)) as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or(0.0)
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "byte counts of a benchmark are far below 2^52")]
pub(crate) fn kilobytes(bytes: u64) -> f64 {
    bytes as f64 / 1000.0
}

/// Three significant digits at least, no more decimals than that needs.
fn shown(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A Markdown table, which is also readable on a terminal: a row for each figure.
pub(crate) fn table(figures: &[Figure]) -> String {
    let head = ["what", "median", "range", "target", ""].map(str::to_owned).to_vec();
    drawn(&std::iter::once(head).chain(figures.iter().map(|figure| figure.cells().to_vec())).collect::<Vec<_>>())
}

/// The same for many figures named `row: column`: a row for each first part, a column for each second, bars in brackets.
pub(crate) fn grid(figures: &[Figure]) -> String {
    let mut head = vec!["what".to_owned()];
    let mut rows: Vec<Vec<String>> = Vec::new();
    for figure in figures {
        let (row, column) = figure.what.rsplit_once(": ").unwrap_or((&figure.what, ""));
        let at = head.iter().position(|known| known == column).unwrap_or_else(|| {
            head.push(column.to_owned());
            head.len() - 1
        });
        if rows.last().is_none_or(|cells| cells[0] != row) {
            rows.push(vec![row.to_owned()]);
        }
        if let Some(cells) = rows.last_mut() {
            cells.resize(cells.len().max(at + 1), String::new());
            cells[at] = figure.cell();
        }
    }
    for cells in &mut rows {
        cells.resize(head.len(), String::new());
    }
    drawn(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

/// Rows of one length, the first one as the head.
fn drawn(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let _ = writeln!(text, "| {} |", cells.collect::<Vec<_>>().join(" | "));
        if at == 0 {
            let rule = widths.iter().map(|width| "-".repeat(*width));
            let _ = writeln!(text, "|-{}-|", rule.collect::<Vec<_>>().join("-|-"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_held_against_its_bar_by_its_median() {
        let figure = Figure::new("a", "ms", vec![900.0, 100.0, 200.0]).below(500.0);
        assert_eq!(figure.cells(), ["a", "200 ms", "100 to 900", "< 500 ms", "met"]);
        assert_eq!(Figure::new("a", "ms", vec![501.0]).below(500.0).verdict(), "missed");
    }

    #[test]
    fn figures_of_one_thing_share_a_row_of_a_grid() {
        let figure = |what: &str, value| Figure::new(what, "ms", vec![value]);
        let bar = figure("put: p99", 300.0).at_least(100.0);
        let drawn = grid(&[figure("get: median", 1.0), figure("get: p99", 20.0), bar]);
        let expected = [
            "| what | median  | p99                 |",
            "|------|---------|---------------------|",
            "| get  | 1.00 ms | 20.0 ms             |",
            "| put  |         | 300 ms (≥ 100: met) |",
        ];
        assert_eq!(drawn.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn percentiles_are_taken_from_sorted_values() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert!((percentile(&values, 0.99) - 99.0).abs() < 1.5);
        assert!(percentile(&[], 0.5).abs() < f64::EPSILON);
    }
}
