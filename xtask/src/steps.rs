//! A list of named steps that run one after the other, with the time that each took.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use owo_colors::{OwoColorize, Stream};

/// One step: its name and what it does.
pub(crate) struct Step {
    name: &'static str,
    work: Box<dyn FnOnce() -> Result<()>>,
}

impl Step {
    pub(crate) fn new(name: &'static str, work: impl FnOnce() -> Result<()> + 'static) -> Self {
        Self { name, work: Box::new(work) }
    }
}

/// Runs all steps, also those after a failed one, and ends with a table of names, results and times.
pub(crate) fn run_all(steps: Vec<Step>) -> Result<()> {
    let total = steps.len();
    let begin = Instant::now();
    let mut rows = Vec::with_capacity(total);
    for (at, step) in steps.into_iter().enumerate() {
        let title = format!("[{}/{total}] {}", at + 1, step.name);
        println!("{}", title.if_supports_color(Stream::Stdout, |text| text.bold()));
        let started = Instant::now();
        let result = (step.work)();
        if let Err(err) = &result {
            println!("{} {err:#}", "failed:".if_supports_color(Stream::Stdout, |text| text.red()));
        }
        rows.push((step.name, result.is_ok(), started.elapsed()));
    }
    println!();
    for (name, passed, time) in &rows {
        println!("{} {name:<14} {:>7}", if *passed { "ok    " } else { "FAILED" }, seconds(*time));
    }
    println!("total  {:<14} {:>7}", "", seconds(begin.elapsed()));
    let failed: Vec<_> = rows.iter().filter(|(_, passed, _)| !passed).map(|(name, ..)| *name).collect();
    if failed.is_empty() { Ok(()) } else { bail!("{} of {total} steps failed: {}", failed.len(), failed.join(", ")) }
}

fn seconds(time: Duration) -> String {
    let whole = time.as_secs();
    if whole < 60 { format!("{:.1}s", time.as_secs_f64()) } else { format!("{}m{:02}s", whole / 60, whole % 60) }
}
