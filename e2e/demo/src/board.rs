//! The table of steps: it updates on a terminal, and is plain lines in a pipe.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The width of a step's title.
const TITLE: usize = 34;

/// Where steps are shown, on standard output.
pub(crate) struct Board {
    terminal: Option<Terminal>,
}

struct Terminal {
    rows: MultiProgress,
    /// Rows of objects, always below the steps.
    objects: Mutex<Vec<ProgressBar>>,
}

/// A row below the steps with the state of one object. Nothing in a pipe.
#[derive(Clone)]
pub(crate) struct ObjectRow(Option<ProgressBar>);

impl Board {
    pub(crate) fn new() -> Self {
        let terminal = std::io::stdout().is_terminal().then(|| Terminal {
            rows: MultiProgress::with_draw_target(ProgressDrawTarget::stdout()),
            objects: Mutex::new(Vec::new()),
        });
        Self { terminal }
    }

    /// Shows `work` while it goes on, and then what came of it and how long it took. The text beside a value is what was
    /// achieved; the first line of an error is shown here, and the error handed on.
    pub(crate) async fn step<T>(&self, title: &str, work: impl Future<Output = Result<(T, String)>>) -> Result<T> {
        let row = self.begin(title);
        let started = Instant::now();
        let ended = work.await;
        let time = started.elapsed();
        match ended {
            Ok((value, achieved)) => {
                end(row, title, GOOD, time, &achieved);
                Ok(value)
            }
            Err(err) => {
                let text = format!("{err:#}");
                end(row, title, BAD, time, text.lines().next().unwrap_or_default());
                Err(err)
            }
        }
    }

    /// Shows a text among the rows, where it stays.
    pub(crate) fn note(&self, text: &str) {
        match &self.terminal {
            None => write_line(text),
            Some(terminal) => terminal.rows.suspend(|| write_line(text)),
        }
    }

    /// Adds a row for an object.
    pub(crate) fn object(&self, name: &str) -> ObjectRow {
        let row = self.terminal.as_ref().map(|terminal| {
            let row = terminal.rows.add(ProgressBar::new_spinner());
            row.set_style(style(&format!("  {{prefix:{TITLE}}} {{wide_msg:.dim}}")));
            row.set_prefix(name.to_owned());
            row.set_message("not there");
            terminal.objects.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(row.clone());
            row
        });
        ObjectRow(row)
    }

    fn begin(&self, title: &str) -> Option<ProgressBar> {
        let terminal = self.terminal.as_ref()?;
        let objects = terminal.objects.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let row = match objects.first() {
            Some(first) => terminal.rows.insert_before(first, ProgressBar::new_spinner()),
            None => terminal.rows.add(ProgressBar::new_spinner()),
        };
        row.set_style(style(&format!("{{spinner}} {{prefix:{TITLE}}} {{elapsed}}")));
        row.set_prefix(title.to_owned());
        row.enable_steady_tick(Duration::from_millis(100));
        Some(row)
    }
}

impl ObjectRow {
    /// Shows the object's state.
    pub(crate) fn set(&self, state: &str) {
        if let Some(row) = &self.0 {
            row.set_message(state.to_owned());
        }
    }
}

/// How a row looks that is done: its mark and the mark's colour.
type Look = (&'static str, &'static str);

const GOOD: Look = ("✔", "green");
const BAD: Look = ("✗", "red");

/// Turns a step's row into what stays of it, or writes the line.
fn end(row: Option<ProgressBar>, title: &str, (mark, color): Look, time: Duration, outcome: &str) {
    let text = format!("{title:TITLE$} {:>7.2} s  {outcome}", time.as_secs_f64());
    let Some(row) = row else { return write_line(&format!("{mark} {text}")) };
    row.disable_steady_tick();
    row.set_style(style(&format!("{{msg:.{color}}} {{prefix}}")));
    row.set_prefix(text);
    row.finish_with_message(mark);
}

/// The style that a template describes; the plain one should the template be wrong.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// A closed standard output must not end what is being shown.
fn write_line(text: &str) {
    let mut stdout = std::io::stdout();
    drop(writeln!(stdout, "{text}").and_then(|()| stdout.flush()));
}
