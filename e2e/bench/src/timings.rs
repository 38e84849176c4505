//! What programs that repeat their work say of themselves: one line of JSON.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// The figures of one process.
#[derive(Debug, Deserialize)]
pub(crate) struct Timings {
    /// Each repetition, in nanoseconds.
    run: Vec<u64>,
    /// The most memory that is no page of a file, in bytes.
    anonymous: u64,
}

impl Timings {
    /// Runs a program to its end.
    pub(crate) fn of(command: &mut Command) -> Result<Self> {
        let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
        let output = output.with_context(|| format!("start {}", command.get_program().display()))?;
        if !output.status.success() {
            bail!("{command:?} ended with {}", output.status);
        }
        serde_json::from_slice(&output.stdout).with_context(|| format!("read what {command:?} printed"))
    }

    /// The time of each repetition in milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub(crate) fn milliseconds(&self) -> Vec<f64> {
        self.run.iter().map(|nanoseconds| *nanoseconds as f64 / 1e6).collect()
    }

    /// The most anonymous memory in megabytes.
    pub(crate) fn anonymous(&self) -> f64 {
        crate::measure::kilobytes(self.anonymous) / 1000.0
    }
}

/// The folder of the running program, beside which its examples are built, too.
pub(crate) fn programs() -> Result<PathBuf> {
    let here = std::env::current_exe().context("find the running program")?;
    let folder = here.parent().context("the running program is in no folder")?;
    if !folder.join("examples/timed").is_file() {
        bail!("there is no {}/examples/timed: start this by `cargo xtask bench`, which builds it", folder.display());
    }
    Ok(folder.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_the_output() {
        let timings =
            Timings::of(Command::new("echo").arg(r#"{"run":[1500000],"peak":9,"anonymous":2000000}"#)).unwrap();
        assert_eq!(timings.milliseconds(), [1.5]);
        assert!((timings.anonymous() - 2.0).abs() < f64::EPSILON);
        assert!(Timings::of(&mut Command::new("false")).is_err());
    }
}
