//! Programs that are run from outside: how long they take, how much memory, and whether two of them print the same.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::measure::milliseconds;

/// Runs of one kind are repeated no longer than this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Wall times of some runs in milliseconds, of fewer where one takes long.
pub(crate) fn repeated(command: &mut Command, runs: usize) -> Result<Vec<f64>> {
    let begin = Instant::now();
    let mut times = Vec::new();
    while times.is_empty() || (times.len() < runs && begin.elapsed() < PATIENCE) {
        times.push(timed(command, Path::new("/dev/null"))?);
    }
    Ok(times)
}

pub(crate) fn timed(command: &mut Command, output: &Path) -> Result<f64> {
    let file = File::create(output).with_context(|| format!("write {}", output.display()))?;
    let begin = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(file).stderr(Stdio::null()).status().context("start a program")?;
    let time = milliseconds(begin.elapsed());
    if status.success() { Ok(time) } else { bail!("{command:?} ended with {status}") }
}

/// What a run took while it was looked at.
pub(crate) struct Watched {
    /// Milliseconds.
    pub(crate) time: f64,
    /// Megabytes at most, by the kernel's high-water mark.
    pub(crate) memory: f64,
}

/// Runs a command to its end and reads its high-water mark all the time, because it is gone with the process.
pub(crate) fn watched(command: &mut Command, output: &Path) -> Result<Watched> {
    let file = File::create(output).with_context(|| format!("write {}", output.display()))?;
    let begin = Instant::now();
    let mut child =
        command.stdin(Stdio::null()).stdout(file).stderr(Stdio::null()).spawn().context("start a program")?;
    let path = format!("/proc/{}/status", child.id());
    let mut memory = 0.0_f64;
    let status = loop {
        if let Some(status) = child.try_wait().context("wait for a program")? {
            break status;
        }
        memory = memory.max(fs::read_to_string(&path).ok().as_deref().and_then(high_water).unwrap_or_default());
        let short = begin.elapsed() < Duration::from_secs(1);
        std::thread::sleep(if short { Duration::from_micros(200) } else { Duration::from_millis(10) });
    };
    let time = milliseconds(begin.elapsed());
    if status.success() { Ok(Watched { time, memory }) } else { bail!("{command:?} ended with {status}") }
}

/// `VmHWM` of a `/proc/PID/status`, which counts kibibytes, in megabytes.
fn high_water(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}

/// Fails where our output is not that of the other program: figures of different work compare nothing.
pub(crate) fn same(what: &str, own: &Path, other: &str, others: &Path) -> Result<()> {
    let read = |path: &Path| fs::read_to_string(path).with_context(|| format!("read {}", path.display()));
    let (own, others) = (read(own)?, read(others)?);
    if own == others {
        return Ok(());
    }
    let line = own.lines().zip(others.lines()).take_while(|(own, other)| own == other).count();
    let at = |text: &str| text.lines().nth(line).unwrap_or("the end").to_owned();
    bail!("{what}: line {} is {:?}, and {other}'s {:?}", line + 1, at(&own), at(&others))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_water_mark_is_read_in_megabytes() {
        assert_eq!(high_water("VmPeak:\t  9 kB\nVmHWM:\t   31250 kB\n"), Some(32.0));
    }

    #[test]
    fn outputs_that_differ_are_told_by_their_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).unwrap();
            folder.path().join(name)
        };
        let (own, other) = (file("own", "a\nb\n"), file("other", "a\nc\n"));
        assert!(same("x", &own, "kubectl", &own).is_ok());
        assert_eq!(
            same("x", &own, "kubectl", &other).unwrap_err().to_string(),
            "x: line 2 is \"b\", and kubectl's \"c\""
        );
    }
}
