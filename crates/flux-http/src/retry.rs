//! When a request is worth repeating, and after how long.

use std::time::Duration;

use reqwest::StatusCode;

/// How often a failed request is repeated, and how long to wait in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Repetitions after the first try.
    pub retries: u32,
    /// The wait before the first repetition; it doubles from there.
    pub shortest_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { retries: 9, shortest_wait: Duration::from_secs(5), longest_wait: Duration::from_secs(30) }
    }
}

impl RetryPolicy {
    /// The wait before repetition number `repetition`, counted from 0; none when there have been enough.
    pub fn wait(&self, repetition: u32) -> Option<Duration> {
        (repetition < self.retries).then(|| {
            let factor = 2_u32.checked_pow(repetition).unwrap_or(u32::MAX);
            self.shortest_wait.saturating_mul(factor).min(self.longest_wait)
        })
    }
}

/// Whether a later repetition may be answered differently: too many requests, and server errors but "not implemented".
pub fn is_retryable_status(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_end_after_the_last_retry() {
        let policy = RetryPolicy { retries: 5, ..RetryPolicy::default() };
        let waits: Vec<_> = (0..7).map(|repetition| policy.wait(repetition).map(|wait| wait.as_secs())).collect();
        assert_eq!(waits, [Some(5), Some(10), Some(20), Some(30), Some(30), None, None]);
    }

    #[test]
    fn only_passing_troubles_are_retried() {
        for (status, expected) in
            [(200, false), (404, false), (403, false), (429, true), (500, true), (501, false), (503, true)]
        {
            assert_eq!(is_retryable_status(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }
}
