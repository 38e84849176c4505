//! How many requests are under way at the same time: as many as an API server answers without getting slower.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::ApiFailure;

/// How often a request is repeated because the API server has too much to do.
const REPETITIONS: u32 = 10;
/// How long before the first repetition; it doubles with each.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest time before a repetition.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How many times slower than usual an answer is that says that there are too many requests.
const SLOW: f64 = 4.0;
/// Answers faster than this are never slow, whatever is usual.
const QUICK: Duration = Duration::from_millis(50);

/// The requests of one cluster, from all that apply to it, which go beyond those that each of them may have in any case: whoever gets
/// slow answers slows no other down further than to that.
///
/// One more is let through for each round of answers that come in the usual time, and a tenth less for each that is slow; an API
/// server that has too much to do halves the number, and the request is repeated after a pause.
#[derive(Debug)]
pub struct Pace {
    state: Mutex<State>,
    freed: Notify,
    most: usize,
}

#[derive(Debug)]
struct State {
    limit: f64,
    running: usize,
    /// How long an answer takes when there is little to do, in seconds; rises slowly, so that an old low does not count for ever.
    usual: Option<f64>,
    /// When the limit was last lowered: what was sent before that says nothing new.
    lowered: Option<Instant>,
}

/// What an answer says about the number of requests.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    /// It took so long.
    After(Duration),
    /// There are too many.
    Overload,
}

/// A request's turn: one of its sender's own, or one of those that are shared.
struct Turn<'a> {
    _own: Option<SemaphorePermit<'a>>,
    _shared: Option<Running<'a>>,
}

/// A shared request that is under way.
struct Running<'a>(&'a Pace);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.state.lock().running -= 1;
        self.0.freed.notify_one();
    }
}

impl Pace {
    /// Begins with `start` requests at the same time, and goes up to `most`.
    pub fn new(start: usize, most: usize) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "numbers of requests are small")]
        let limit = start.clamp(1, most.max(1)) as f64;
        let state = State { limit, running: 0, usual: None, lowered: None };
        Self { state: Mutex::new(state), freed: Notify::new(), most: most.max(1) }
    }

    /// The most shared requests that are ever under way at the same time.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// Sends a request when one of the sender's `own` or of the shared ones is free, and again after a pause for as long as the API server
    /// has too much to do.
    pub(crate) async fn run<T, F>(&self, own: &Semaphore, mut request: impl FnMut() -> F) -> Result<T, ApiFailure>
    where
        F: Future<Output = Result<T, ApiFailure>>,
    {
        let mut repetition = 0;
        loop {
            let turn = self.turn(own).await;
            let sent = Instant::now();
            let answer = request().await;
            let overload = answer.as_ref().err().is_some_and(ApiFailure::is_overload);
            self.learn(if overload { Answer::Overload } else { Answer::After(sent.elapsed()) }, sent);
            drop(turn);
            if !overload || repetition == REPETITIONS {
                return answer;
            }
            tokio::time::sleep((PAUSE * 2_u32.saturating_pow(repetition)).min(LONGEST_PAUSE)).await;
            repetition += 1;
        }
    }

    async fn turn<'a>(&'a self, own: &'a Semaphore) -> Turn<'a> {
        tokio::select! {
            biased;
            Ok(own) = own.acquire() => Turn { _own: Some(own), _shared: None },
            shared = self.enter() => Turn { _own: None, _shared: Some(shared) },
        }
    }

    async fn enter(&self) -> Running<'_> {
        loop {
            let freed = self.freed.notified();
            {
                let mut state = self.state.lock();
                if state.running < state.allowed() {
                    state.running += 1;
                    return Running(self);
                }
            }
            freed.await;
        }
    }

    fn learn(&self, answer: Answer, sent: Instant) {
        let mut state = self.state.lock();
        let before = state.allowed();
        state.learn(answer, sent, Instant::now());
        #[expect(clippy::cast_precision_loss, reason = "numbers of requests are small")]
        let most = self.most as f64;
        state.limit = state.limit.clamp(1.0, most);
        if state.allowed() > before {
            self.freed.notify_one();
        }
    }
}

impl State {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between one and the most")]
    fn allowed(&self) -> usize {
        self.limit as usize
    }

    fn learn(&mut self, answer: Answer, sent: Instant, now: Instant) {
        let fresh = self.lowered.is_none_or(|lowered| sent >= lowered);
        match answer {
            Answer::Overload if fresh => {
                self.limit /= 2.0;
                self.lowered = Some(now);
            }
            Answer::Overload => {}
            Answer::After(took) => {
                let seconds = took.as_secs_f64();
                let usual = self.usual.map_or(seconds, |usual| (usual * 1.01).min(seconds));
                self.usual = Some(usual);
                if took > QUICK && seconds > usual * SLOW {
                    if fresh {
                        self.limit *= 0.9;
                        self.lowered = Some(now);
                    }
                } else {
                    self.limit += 1.0 / self.limit;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// The number that is let through after rounds of as many requests as are, all answered like that.
    fn after(pace: &Pace, rounds: usize, answer: impl Fn(usize) -> Answer) -> usize {
        for _ in 0..rounds {
            let (allowed, sent) = (pace.state.lock().allowed(), Instant::now());
            (0..allowed).for_each(|_| pace.learn(answer(allowed), sent));
        }
        pace.state.lock().allowed()
    }

    #[test]
    fn answers_in_the_usual_time_let_one_more_through_a_round_up_to_the_most() {
        let pace = Pace::new(4, 16);
        let quick = |_| Answer::After(5 * MILLISECOND);
        assert_eq!(after(&pace, 0, quick), 4);
        assert!((5..=7).contains(&after(&pace, 2, quick)));
        assert_eq!(after(&pace, 50, quick), 16);
    }

    #[test]
    fn answers_that_get_slower_let_fewer_through() {
        let pace = Pace::new(4, 64);
        // More than eight at the same time take much longer each.
        let answer = |running| Answer::After(if running > 8 { 1_000 } else { 20 } * MILLISECOND);
        let settled = after(&pace, 100, answer);
        assert!((4..=10).contains(&settled), "{settled}");
    }

    #[test]
    fn a_round_of_refusals_halves_the_number_once_and_never_stops_all() {
        let pace = Pace::new(8, 16);
        assert_eq!(after(&pace, 1, |_| Answer::Overload), 4);
        assert_eq!(after(&pace, 9, |_| Answer::Overload), 1);
    }

    #[tokio::test]
    async fn a_request_waits_for_its_turn_and_its_answer_comes_back() {
        let (pace, own) = (Pace::new(1, 1), Semaphore::new(0));
        let first = pace.enter().await;
        let mut second = std::pin::pin!(pace.run(&own, || async { Ok("done") }));
        assert!(futures::FutureExt::now_or_never(&mut second).is_none());
        drop(first);
        assert_eq!(second.await, Ok("done"));
    }

    #[tokio::test]
    async fn requests_of_ones_own_need_not_wait_for_those_of_others() {
        let (pace, one, other) = (Pace::new(1, 1), Semaphore::new(1), Semaphore::new(1));
        let (_own, _shared) = (pace.turn(&one).await, pace.turn(&one).await);
        assert!(futures::FutureExt::now_or_never(pace.turn(&one)).is_none());
        assert_eq!(futures::FutureExt::now_or_never(pace.run(&other, || async { Ok("done") })), Some(Ok("done")));
    }
}
