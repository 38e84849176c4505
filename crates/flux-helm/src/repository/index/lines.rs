//! Lines of a large text, without holding more of it than one.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memmem};

use super::{Fault, IndexError};

const CHUNK: usize = 256 << 10;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Reads lines.
pub(super) struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    /// Where the next line starts.
    start: usize,
    /// Where what was read ends.
    end: usize,
    finished: bool,
    /// How many lines were read.
    pub(super) number: u32,
    longest: usize,
    /// How many bytes may still be read.
    left: u64,
    limit: u64,
}

impl<R: Read> Lines<R> {
    /// The lines of at most `limit` bytes, each of at most `longest`.
    pub(super) fn new(source: R, limit: u64, longest: usize) -> Self {
        let buffer = vec![0; CHUNK];
        Self { source, buffer, start: 0, end: 0, finished: false, number: 0, longest, left: limit, limit }
    }

    /// The next line without the line feed at its end.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Fault> {
        let mut searched = self.start;
        loop {
            if let Some(at) = memchr(b'\n', &self.buffer[searched..self.end]) {
                let line = self.start..searched + at;
                self.start = line.end + 1;
                self.number = self.number.saturating_add(1);
                return Ok(Some(&self.buffer[line]));
            }
            if self.finished {
                let line = self.start..self.end;
                self.start = self.end;
                self.number = self.number.saturating_add(1);
                return Ok((!line.is_empty()).then(|| &self.buffer[line]));
            }
            let unfinished = self.end - self.start;
            self.fill()?;
            searched = self.start + unfinished;
        }
    }

    /// Reads more behind the line at hand, which moves to the start of the buffer.
    fn fill(&mut self) -> Result<(), Fault> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end > self.longest {
            return Err(IndexError::Line(self.longest).into());
        }
        if self.end + CHUNK / 2 > self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let count = loop {
            match self.source.read(&mut self.buffer[self.end..]) {
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                count => break count?,
            }
        };
        self.left = self.left.checked_sub(count as u64).ok_or(IndexError::Size(self.limit))?;
        if self.number == 0 && self.end == 0 && self.buffer[..count].starts_with(BOM) {
            self.start = BOM.len();
        }
        let new = self.end.saturating_sub(2)..self.end + count;
        self.end += count;
        self.finished = count == 0;
        self.check(&self.buffer[new])
    }

    /// Fails for line breaks that are no line feeds: what is between them is not what it looks like.
    fn check(&self, bytes: &[u8]) -> Result<(), Fault> {
        let is_end = |at: usize| at + 1 == bytes.len() && !self.finished;
        if memchr_iter(b'\r', bytes).any(|at| !is_end(at) && bytes.get(at + 1) != Some(&b'\n')) {
            return Err(Fault::Unusual);
        }
        let breaks = [&b"\xc2\x85"[..], b"\xe2\x80\xa8", b"\xe2\x80\xa9"];
        if !bytes.is_ascii() && breaks.iter().any(|mark| memmem::find(bytes, mark).is_some()) {
            return Err(Fault::Unusual);
        }
        Ok(())
    }
}
