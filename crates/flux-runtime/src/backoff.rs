//! When to run again: exponential backoff of each object, and jittered intervals.

use std::collections::HashMap;
use std::time::Duration;

use crate::ObjectKey;

/// How the backoff grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delays {
    /// After the first failure.
    pub(crate) min: Duration,
    /// At most.
    pub(crate) max: Duration,
}

impl Delays {
    /// The delay after `failures` failures in a row, the last one included.
    fn after(self, failures: u32) -> Duration {
        let factor = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.min.saturating_mul(factor).min(self.max)
    }
}

/// Counts the failures of each object since its last success.
#[derive(Debug)]
pub(crate) struct Backoff {
    delays: Delays,
    failures: HashMap<ObjectKey, u32>,
}

impl Backoff {
    pub(crate) fn new(delays: Delays) -> Self {
        Self { delays, failures: HashMap::new() }
    }

    /// Counts a failure and gives the delay that it costs.
    pub(crate) fn failed(&mut self, key: &ObjectKey) -> Duration {
        let failures = self.failures.entry(key.clone()).or_default();
        *failures = failures.saturating_add(1);
        self.delays.after(*failures)
    }

    /// Forgets the object's failures.
    pub(crate) fn forget(&mut self, key: &ObjectKey) {
        self.failures.remove(key);
    }
}

/// `interval`, stretched or shortened by up to `percent`, as `random` between 0 and 1 says.
pub(crate) fn jittered(interval: Duration, percent: u8, random: f64) -> Duration {
    let share = f64::from(percent.min(99)) / 100.0;
    interval.mul_f64(1.0 + share * (2.0 * random.clamp(0.0, 1.0) - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_and_start_over_after_success() {
        let delays = Delays { min: Duration::from_millis(750), max: Duration::from_secs(900) };
        let mut backoff = Backoff::new(delays);
        let key = ObjectKey::new("ns", "a");
        let seconds: Vec<f64> = (0..12).map(|_| backoff.failed(&key).as_secs_f64()).collect();
        assert_eq!(seconds, [0.75, 1.5, 3.0, 6.0, 12.0, 24.0, 48.0, 96.0, 192.0, 384.0, 768.0, 900.0]);
        assert_eq!(backoff.failed(&ObjectKey::new("ns", "b")).as_millis(), 750);
        backoff.forget(&key);
        assert_eq!(backoff.failed(&key).as_millis(), 750);
        assert_eq!(delays.after(u32::MAX), delays.max);
    }

    #[test]
    fn jitter_stays_within_its_percentage() {
        let minute = Duration::from_secs(60);
        for (percent, random, seconds) in
            [(5, 0.0, 57.0), (5, 0.5, 60.0), (5, 1.0, 63.0), (0, 1.0, 60.0), (99, 0.0, 0.6)]
        {
            assert!((jittered(minute, percent, random).as_secs_f64() - seconds).abs() < 1e-6, "{percent} {random}");
        }
    }
}
