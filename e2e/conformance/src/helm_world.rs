//! The world that recorded templates are rendered in: a clock that stands, and numbers that only look random.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flux_gotemplate::Time;
use flux_gotemplate::funcs::sprig;
use flux_helm::render::{Engine, Mode};

/// The time at which the charts were rendered for the record.
const NOW: i64 = 1_795_215_348;

/// Added for each byte, so that the next one differs.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

#[derive(Default)]
struct World(AtomicU64);

impl sprig::World for World {
    fn now(&self) -> Time {
        Time::from_unix(NOW, 0)
    }

    fn random(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let state = self.0.fetch_add(STEP, Ordering::Relaxed);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = mixed.to_be_bytes()[0];
        }
    }
}

/// A world of its own.
pub(crate) fn world() -> Arc<dyn sprig::World> {
    Arc::new(World::default())
}

/// An engine in a world of its own.
pub(crate) fn engine(mode: Mode) -> Engine {
    Engine::new(&world(), mode)
}

/// An error with all its causes in one line.
pub(crate) fn chain(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut next = err.source();
    while let Some(err) = next {
        text = format!("{text}: {err}");
        next = err.source();
    }
    text
}
