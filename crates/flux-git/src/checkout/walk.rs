//! Going through a checkout.

use std::vec::IntoIter;

use camino::Utf8PathBuf;
use gix_hash::ObjectId;
use gix_object::tree::EntryKind;

use crate::checkout::sparse::Relation;
use crate::checkout::tree::{Line, child, read_tree, too_deep};
use crate::checkout::{Checkout, Entry, Kind};
use crate::error::{Error, Failure};
use crate::store::objects::Reader;

/// Walks a checkout in lexical order, parents before children.
///
/// A path that cannot be a file's is an error of its own, after which the walk goes on; any other error ends it.
pub struct Walk<'a> {
    checkout: &'a Checkout,
    readers: Vec<Reader>,
    frames: Vec<Frame>,
    /// Entries so far.
    seen: usize,
    /// Bytes of blobs so far.
    content: u64,
}

/// A directory that is being walked.
struct Frame {
    repository: usize,
    path: Utf8PathBuf,
    lines: IntoIter<Line>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(checkout: &'a Checkout) -> Result<Self, Error> {
        let readers = checkout.mounted.iter().map(|mounted| mounted.objects.reader()).collect();
        let mut walk = Self { checkout, readers, frames: Vec::new(), seen: 0, content: 0 };
        if let Some(root) = checkout.submodules.get("".as_ref() as &camino::Utf8Path) {
            walk.enter(root.repository, root.tree, Utf8PathBuf::new())?;
        }
        Ok(walk)
    }

    /// Replaces `buffer` with the blob of `entry`, which must come from the same checkout. Fails once all blobs that
    /// were read are larger than the limit: a small pack can stand for any number of files.
    pub fn read(&mut self, entry: &Entry, buffer: &mut Vec<u8>) -> Result<(), Error> {
        buffer.clear();
        let failed = |failure| self.checkout.failed(entry.repository, failure);
        self.readers[entry.repository].read_into(&entry.id, buffer).map_err(failed)?;
        self.content += buffer.len() as u64;
        let limit = self.checkout.limits.content_bytes;
        if self.content > limit {
            return Err(failed(Failure::LimitExceeded { what: "the content of all files".to_owned(), limit }));
        }
        Ok(())
    }

    /// The size in bytes of the blob of `entry`, without reading it.
    pub fn size(&self, entry: &Entry) -> Result<u64, Error> {
        let result = self.readers[entry.repository].size(&entry.id);
        result.map_err(|failure| self.checkout.failed(entry.repository, failure))
    }

    fn enter(&mut self, repository: usize, tree: ObjectId, path: Utf8PathBuf) -> Result<(), Error> {
        let lines = read_tree(&mut self.readers[repository], &tree, &mut self.seen, &self.checkout.limits)
            .map_err(|failure| self.checkout.failed(repository, failure))?;
        self.frames.push(Frame { repository, path, lines: lines.into_iter() });
        Ok(())
    }

    /// The entry of a line; nothing when it is not wanted.
    fn visit(&mut self, repository: usize, parent: &Utf8PathBuf, line: &Line) -> Result<Option<Entry>, Error> {
        let checkout = self.checkout;
        let failed = |failure: Failure| checkout.failed(repository, failure);
        let limits = &checkout.limits;
        let path = line.checked_name().and_then(|name| child(parent, name)).map_err(failed)?;
        let relation = checkout.sparse.relation(&path);
        let kind = match line.kind {
            EntryKind::Tree | EntryKind::Commit if relation != Relation::Outside => Kind::Directory,
            EntryKind::Blob if relation == Relation::Inside => Kind::File,
            EntryKind::BlobExecutable if relation == Relation::Inside => Kind::Executable,
            EntryKind::Link if relation == Relation::Inside => Kind::Symlink,
            _ => return Ok(None),
        };
        if kind == Kind::Directory {
            let target = match line.kind {
                EntryKind::Commit => checkout.submodules.get(&path).map(|mounted| (mounted.repository, mounted.tree)),
                _ => Some((repository, line.id)),
            };
            if let Some((repository, tree)) = target {
                let result = if self.frames.len() > limits.depth {
                    Err(failed(too_deep(limits)))
                } else {
                    self.enter(repository, tree, path.clone())
                };
                if let Err(err) = result {
                    self.frames.clear();
                    return Err(err);
                }
            }
        }
        Ok(Some(Entry { path, kind, id: line.id, repository }))
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let frame = self.frames.last_mut()?;
            let Some(line) = frame.lines.next() else {
                self.frames.pop();
                continue;
            };
            let (repository, parent) = (frame.repository, frame.path.clone());
            match self.visit(repository, &parent, &line) {
                Ok(Some(entry)) => return Some(Ok(entry)),
                Ok(None) => {}
                Err(err) => return Some(Err(err)),
            }
        }
    }
}
