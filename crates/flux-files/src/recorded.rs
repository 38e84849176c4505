//! Files that remember what was asked of them, to tell later whether others would have answered the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest as _, Sha256};

use crate::{Entry, Files, FilesError, Kind};

/// Other files, all questions to which are remembered in a [`ReadLog`].
#[derive(Debug)]
pub struct Recorded<F> {
    files: F,
    log: ReadLog,
}

/// Collects what was asked of files, and what they answered. Clones collect into the same log.
#[derive(Clone, Debug, Default)]
pub struct ReadLog(Arc<Mutex<BTreeMap<(Question, Utf8PathBuf), Answer>>>);

/// What a use of files depends on: all that was asked, failures included, with digests of the answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reads(Box<[(Question, Box<str>, Answer)]>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    Content,
    Entries,
    Kind,
    Place,
}

type Answer = [u8; 16];

impl<F: Files> Recorded<F> {
    /// Answers as `files` does, and remembers it in `log`.
    pub fn new(files: F, log: ReadLog) -> Self {
        Self { files, log }
    }

    fn note<T>(
        &self,
        question: Question,
        path: &Utf8Path,
        result: &Result<T, FilesError>,
        digest: impl FnOnce(&T) -> Answer,
    ) {
        let answer = answer(result, digest);
        let mut log = self.log.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.insert((question, path.to_owned()), answer);
    }
}

impl<F: Files> Files for Recorded<F> {
    fn read(&self, path: &Utf8Path) -> Result<Vec<u8>, FilesError> {
        let result = self.files.read(path);
        self.note(Question::Content, path, &result, |content| digest(content));
        result
    }

    fn list(&self, path: &Utf8Path) -> Result<Vec<Entry>, FilesError> {
        let result = self.files.list(path);
        self.note(Question::Entries, path, &result, |entries| entries_digest(entries));
        result
    }

    fn kind(&self, path: &Utf8Path) -> Result<Kind, FilesError> {
        let result = self.files.kind(path);
        self.note(Question::Kind, path, &result, |kind| kind_digest(*kind));
        result
    }

    fn resolve(&self, path: &Utf8Path) -> Result<Utf8PathBuf, FilesError> {
        let result = self.files.resolve(path);
        self.note(Question::Place, path, &result, |place| digest(place.as_str().as_bytes()));
        result
    }
}

impl ReadLog {
    /// All that was asked so far.
    pub fn reads(&self) -> Reads {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Reads(log.iter().map(|((question, path), answer)| (*question, path.as_str().into(), *answer)).collect())
    }
}

impl Reads {
    /// Whether `files` answer all that was asked as it was answered then.
    pub fn hold_in(&self, files: &dyn Files) -> bool {
        self.0.iter().all(|(question, path, then)| {
            let path = Utf8Path::new(path);
            let now = match question {
                Question::Content => answer(&files.read(path), |content| digest(content)),
                Question::Entries => answer(&files.list(path), |entries| entries_digest(entries)),
                Question::Kind => answer(&files.kind(path), |kind| kind_digest(*kind)),
                Question::Place => answer(&files.resolve(path), |place| digest(place.as_str().as_bytes())),
            };
            now == *then
        })
    }

    /// How much was asked.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A failure is an answer too: a file that was not there is missed again, or changes the outcome by being there.
fn answer<T>(result: &Result<T, FilesError>, digest_of: impl FnOnce(&T) -> Answer) -> Answer {
    match result {
        Ok(value) => digest_of(value),
        Err(err) => digest(format!("failed: {err}").as_bytes()),
    }
}

fn digest(bytes: &[u8]) -> Answer {
    half(Sha256::digest(bytes).as_slice())
}

fn entries_digest(entries: &[Entry]) -> Answer {
    let mut hasher = Sha256::new();
    for Entry { name, kind, link } in entries {
        hasher.update((name.len() as u64).to_le_bytes());
        hasher.update(name);
        hasher.update([u8::from(*kind == Kind::Directory), u8::from(*link)]);
    }
    half(hasher.finalize().as_slice())
}

fn kind_digest(kind: Kind) -> Answer {
    [u8::from(kind == Kind::Directory); 16]
}

fn half(digest: &[u8]) -> Answer {
    let mut answer = Answer::default();
    let length = answer.len();
    answer.copy_from_slice(&digest[..length]);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    fn memory(files: &[(&str, &str)]) -> Memory {
        let mut memory = Memory::new();
        for (path, content) in files {
            memory.write(Utf8Path::new(path), *content).unwrap();
        }
        memory
    }

    const THEN: [(&str, &str); 3] = [("a/one", "1"), ("a/two", "2"), ("b", "3")];

    /// Whether everything but `b` that was asked of the first files holds in others.
    fn check(others: &[(&str, &str)], expected: bool) {
        let log = ReadLog::default();
        let files = Recorded::new(memory(&THEN), log.clone());
        assert_eq!(files.read("a/one".into()).unwrap(), b"1");
        assert_eq!(files.list("a".into()).unwrap().len(), 2);
        assert_eq!(files.kind("a".into()).unwrap(), Kind::Directory);
        assert_eq!(files.resolve("./a/one".into()).unwrap(), "a/one");
        assert!(files.read("a/none".into()).is_err() && files.kind("c".into()).is_err());
        let reads = log.reads();
        assert_eq!(reads.len(), 6);
        assert_eq!(reads.hold_in(&memory(others)), expected, "{others:?}");
    }

    #[test]
    fn what_was_not_asked_may_change() {
        check(&THEN, true);
        check(&[("a/one", "1"), ("a/two", "other"), ("d", "3")], true);
    }

    #[test]
    fn contents_listings_kinds_and_absences_may_not() {
        check(&[("a/one", "2"), ("a/two", "2")], false);
        check(&[("a/one", "1")], false);
        check(&[("a/one", "1"), ("a/two", "2"), ("a/three", "3")], false);
        check(&[("a/one", "1"), ("a/two/deep", "2")], false);
        check(&[("a/one", "1"), ("a/two", "2"), ("c", "there now")], false);
        check(&[], false);
    }
}
