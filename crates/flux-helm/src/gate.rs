//! A bound on what a library reads before it hands anything on.

use std::cell::Cell;
use std::io::{self, Read};

/// How many bytes may be read before somebody looks at them: libraries hold names and texts whole.
#[derive(Default)]
pub(crate) struct Gate {
    left: Cell<u64>,
    was_closed: Cell<bool>,
}

impl Gate {
    /// Lets as many bytes through from now on.
    pub(crate) fn open(&self, bytes: u64) {
        self.left.set(bytes);
    }

    /// How many of them were not read yet.
    pub(crate) fn left(&self) -> u64 {
        self.left.get()
    }

    /// Whether more was asked for than let through.
    pub(crate) fn was_closed(&self) -> bool {
        self.was_closed.get()
    }
}

/// A reader that fails at its gate.
pub(crate) struct Gated<'g, R> {
    source: R,
    gate: &'g Gate,
}

impl<'g, R> Gated<'g, R> {
    /// The reader behind the gate.
    pub(crate) fn new(source: R, gate: &'g Gate) -> Self {
        Self { source, gate }
    }
}

impl<R: Read> Read for Gated<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.gate.left();
        if left == 0 && !into.is_empty() {
            self.gate.was_closed.set(true);
            return Err(io::Error::other("the gate is closed"));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(into.len());
        let count = self.source.read(&mut into[..most])?;
        self.gate.open(left - count as u64);
        Ok(count)
    }
}
