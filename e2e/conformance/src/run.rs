//! Runs all cases on all cores.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use crate::case::Case;
use crate::compare::{difference, judge};
use crate::report::{Outcome, Report};
use crate::suites::Suite;

/// One report for each suite, in order.
pub(crate) fn all(suites: &[Suite]) -> Vec<Report> {
    let cases: Vec<(usize, &Case)> =
        suites.iter().enumerate().flat_map(|(at, suite)| suite.cases.iter().map(move |case| (at, case))).collect();
    let progress = progress(cases.len());
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::with_capacity(cases.len()));
    let hook = std::panic::take_hook();
    // A panic is a case's result, told with it.
    std::panic::set_hook(Box::new(|_| {}));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((suite, case)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = run(case);
                    if let Ok(mut outcomes) = outcomes.lock() {
                        outcomes.push((*suite, outcome));
                    }
                    progress.inc(1);
                }
            });
        }
    });
    std::panic::set_hook(hook);
    progress.finish_and_clear();

    let mut reports: Vec<Report> = suites.iter().map(Report::empty).collect();
    for (suite, outcome) in outcomes.into_inner().unwrap_or_default() {
        reports[suite].outcomes.push(outcome);
    }
    for report in &mut reports {
        report.outcomes.sort_by(|a, b| a.id.cmp(&b.id));
    }
    reports
}

/// A bar on a terminal, nothing elsewhere.
fn progress(total: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} cases, {elapsed}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn run(case: &Case) -> Outcome {
    let compared = match catch_unwind(AssertUnwindSafe(|| (case.run)())) {
        Ok(Ok(compared)) => Ok(compared),
        Ok(Err(err)) => Err(format!("cannot be run: {err:#}\n")),
        Err(panic) => Err(format!("panicked: {}\n", message(panic.as_ref()))),
    };
    let verdict = compared.as_ref().map(judge).unwrap_or_default();
    let same = verdict.passed && verdict.same_words != Some(false);
    let difference = match compared {
        Ok(_) if same => String::new(),
        Ok(compared) => difference(&compared),
        Err(reason) => reason,
    };
    Outcome { id: case.id.clone(), verdict, difference }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Compared, Recorded};

    #[test]
    fn a_panic_or_an_unreadable_case_fails_alone() {
        let output = |text: &str| Recorded::Output(text.to_owned());
        let good = Case::new("good", move || Ok(Compared { answer: Ok("a".to_owned()), recorded: output("a") }));
        let panics = Case::new("panics", || panic!("at {}", 1));
        let unreadable = Case::new("unreadable", || anyhow::bail!("no file"));
        let suite = Suite { name: "x".to_owned(), cases: vec![unreadable, panics, good], lacks_engine: false };
        let [report] = all(&[suite]).try_into().ok().unwrap();
        let told: Vec<_> =
            report.outcomes.iter().map(|outcome| (outcome.id.as_str(), outcome.difference.as_str())).collect();
        assert_eq!(told, [("good", ""), ("panics", "panicked: at 1\n"), ("unreadable", "cannot be run: no file\n")]);
        assert_eq!(report.passed(), 1);
    }
}
