//! Progress of long steps: a bar on a terminal, plain lines elsewhere.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Shows on standard error how far one long step has come.
pub struct Progress {
    what: String,
    bar: Option<ProgressBar>,
    total: u64,
    done: u64,
    told: u64,
}

/// In a pipe one line is written for each of so many parts of the whole.
const LINES: u64 = 10;

impl Progress {
    /// Says that `what` begins; its length is not known yet.
    pub fn start(what: &str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner().with_prefix(what.to_owned());
            set_style(&bar, "{spinner} {prefix} {elapsed} {wide_msg:.dim}");
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        let progress = Self { what: what.to_owned(), bar, total: 0, done: 0, told: 0 };
        progress.line(what);
        progress
    }

    /// Gives the step a length, and begins counting anew.
    pub fn set_total(&mut self, total: u64) {
        (self.total, self.done, self.told) = (total, 0, 0);
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_message("");
            set_style(bar, "{spinner} {prefix} [{bar:24}] {pos}/{len} {elapsed} {wide_msg:.dim}");
        }
    }

    /// Shows what is being worked on, without a step forward. Not seen in a pipe.
    pub fn note(&self, detail: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(detail.to_owned());
        }
    }

    /// Goes one forward; `detail` is what was done.
    pub fn advance(&mut self, detail: &str) {
        self.done += 1;
        if let Some(bar) = &self.bar {
            bar.inc(1);
            bar.set_message(detail.to_owned());
        }
        let part = (self.done * LINES).checked_div(self.total).unwrap_or_default();
        if part > self.told {
            self.told = part;
            self.line(&format!("{}: {} of {}", self.what, self.done, self.total));
        }
    }

    /// Ends the step with a line that stays.
    pub fn finish(self, outcome: &str) {
        match &self.bar {
            Some(bar) => {
                bar.finish_and_clear();
                write_line(&format!("{}: {outcome}", self.what));
            }
            None => self.line(&format!("{}: {outcome}", self.what)),
        }
    }

    fn line(&self, text: &str) {
        if self.bar.is_none() {
            write_line(text);
        }
    }
}

/// The bar keeps its look should the template be wrong.
fn set_style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
}

/// A closed standard error must not end what is being done.
fn write_line(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}
