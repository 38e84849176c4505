//! The files of a commit, read from the object database.

mod modules;
mod sparse;
mod tree;
mod walk;

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use gix_hash::ObjectId;
use gix_object::tree::EntryKind;

use crate::commit::{Commit, Tag};
use crate::error::{Error, Failure};
use crate::remote::Limits;
use crate::store::Lease;
use crate::store::objects::Objects;
pub(crate) use modules::submodules;
pub(crate) use sparse::Sparse;
pub(crate) use tree::missing_blobs;
pub use walk::Walk;

/// The tree of a commit, with its submodules mounted and narrowed to the sparse directories.
///
/// Its methods read files and block: call them on a blocking thread. The objects stay on disk as long as it lives.
#[derive(Debug)]
pub struct Checkout {
    commit: Commit,
    tag: Option<Tag>,
    mounted: Vec<Mounted>,
    /// By the path where they are mounted; the root has the empty one.
    submodules: BTreeMap<Utf8PathBuf, Submodule>,
    sparse: Sparse,
    limits: Limits,
}

/// A repository of a checkout.
#[derive(Debug)]
pub(crate) struct Mounted {
    pub(crate) objects: Objects,
    pub(crate) url: String,
    pub(crate) lease: Lease,
}

/// Which tree of which repository is mounted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Submodule {
    pub(crate) repository: usize,
    pub(crate) tree: ObjectId,
}

/// One path of a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The path from the root, without a leading slash.
    pub path: Utf8PathBuf,
    /// What it is.
    pub kind: Kind,
    /// The blob; for directories, the tree or the commit of a submodule.
    pub id: ObjectId,
    /// Which of the checkout's repositories holds the blob.
    repository: usize,
}

/// What a path of a checkout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory; also a submodule that was not fetched, then empty.
    Directory,
    /// A file.
    File,
    /// A file that may be executed.
    Executable,
    /// A symbolic link; its blob is the target.
    Symlink,
}

impl Checkout {
    pub(crate) fn new(
        commit: Commit,
        tag: Option<Tag>,
        mounted: Vec<Mounted>,
        submodules: BTreeMap<Utf8PathBuf, Submodule>,
        sparse: Sparse,
        limits: Limits,
    ) -> Self {
        Self { commit, tag, mounted, submodules, sparse, limits }
    }

    /// The commit.
    pub fn commit(&self) -> &Commit {
        &self.commit
    }

    /// The annotated tag that led to it.
    pub fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref()
    }

    /// All paths but the root, in the order in which a directory walk with sorted names meets them.
    pub fn walk(&self) -> Result<Walk<'_>, Error> {
        Walk::new(self)
    }

    /// The content of the file at `path`; none when no file of the checkout is there.
    pub fn read_file(&self, path: &Utf8Path) -> Result<Option<Vec<u8>>, Error> {
        let Some((repository, line)) = self.find(path)? else { return Ok(None) };
        if !matches!(line.kind, EntryKind::Blob | EntryKind::BlobExecutable) {
            return Ok(None);
        }
        let mut content = Vec::new();
        let result = self.mounted[repository].objects.reader().read_into(&line.id, &mut content);
        result.map_err(|failure| self.failed(repository, failure))?;
        Ok(Some(content))
    }

    /// Fails when a directory of the sparse checkout is not there.
    pub(crate) fn check_sparse(&self) -> Result<(), Error> {
        for directory in self.sparse.directories() {
            if self.find(directory)?.is_none() {
                return Err(self.failed(0, Failure::SparseDirectory(directory.to_string())));
            }
        }
        Ok(())
    }

    /// The line for `path`, and the repository that holds it.
    fn find(&self, path: &Utf8Path) -> Result<Option<(usize, tree::Line)>, Error> {
        let mounted_at = path.ancestors().skip(1).find_map(|above| Some((above, self.submodules.get(above)?)));
        let Some((above, root)) = mounted_at else { return Ok(None) };
        let Ok(below) = path.strip_prefix(above) else { return Ok(None) };
        if self.sparse.relation(path) == sparse::Relation::Outside {
            return Ok(None);
        }
        let mut reader = self.mounted[root.repository].objects.reader();
        let line =
            tree::find(&mut reader, &root.tree, below).map_err(|failure| self.failed(root.repository, failure))?;
        Ok(line.map(|line| (root.repository, line)))
    }

    /// Names the repository; a damaged store is given up, so that the next fetch starts with an empty one.
    fn failed(&self, repository: usize, failure: Failure) -> Error {
        let mounted = &self.mounted[repository];
        if matches!(failure, Failure::StoreDamaged(_) | Failure::CorruptPack(_)) {
            mounted.lease.doom();
        }
        Error::new(mounted.url.clone(), failure)
    }
}
