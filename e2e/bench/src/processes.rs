//! What the kernel says about the CPU time of running processes.

use std::fs;
use std::time::Duration;

use anyhow::Result;

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

    /// Of one process.
    pub(crate) fn of_process(id: i32) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
        Ok(Self(cpu_time(&stat).unwrap_or_default()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_a_name_with_spaces() {
        let stat = "42 (a (b) c) S 1 1 1 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 4 0 100";
        assert_eq!(cpu_time(stat), Some(Duration::from_secs(2)));
    }
}
