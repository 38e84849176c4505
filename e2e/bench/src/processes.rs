//! What the kernel says about running processes: CPU time and memory.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// CPU time that some processes used so far.
pub(crate) struct CpuTime(Duration);

impl CpuTime {
    /// Of all processes that run the control plane's program as one of `components`.
    pub(crate) fn of(components: &[&str]) -> Result<Self> {
        let mut used = Duration::ZERO;
        for entry in fs::read_dir("/proc")? {
            let folder = entry?.path();
            let Ok(line) = fs::read(folder.join("cmdline")) else { continue };
            let words: Vec<_> = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
            if words.get(1).is_some_and(|word| components.contains(&word.as_ref())) {
                // A process that ended between the two reads has nothing more to add.
                used += fs::read_to_string(folder.join("stat")).ok().as_deref().and_then(cpu_time).unwrap_or_default();
            }
        }
        Ok(Self(used))
    }

    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// User and system time of a `/proc/PID/stat` line, which counts hundredths of a second.
fn cpu_time(stat: &str) -> Option<Duration> {
    let after_name = stat.rsplit_once(") ")?.1;
    let mut fields = after_name.split(' ').skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

/// Memory of one process, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Anonymous memory that is resident now.
    pub(crate) anonymous: u64,
    /// The most that was ever resident, files included.
    pub(crate) peak: u64,
}

impl Memory {
    pub(crate) fn of(process: u32) -> Result<Self> {
        let path = format!("/proc/{process}/status");
        let status = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').trim().strip_suffix(" kB")?.parse::<u64>().ok()
        };
        let (anonymous, peak) =
            field("RssAnon").zip(field("VmHWM")).with_context(|| format!("{path} lacks memory lines"))?;
        Ok(Self { anonymous: anonymous * 1024, peak: peak * 1024 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_a_name_with_spaces() {
        let stat = "42 (a (b) c) S 1 1 1 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 4 0 100";
        assert_eq!(cpu_time(stat), Some(Duration::from_secs(2)));
    }

    #[test]
    fn this_process_uses_memory() {
        let memory = Memory::of(std::process::id()).unwrap();
        assert!(memory.anonymous > 0 && memory.peak > 0);
    }
}
