//! Trees: what Git records of a directory.

use camino::{Utf8Path, Utf8PathBuf};
use gix_hash::{Kind as HashKind, ObjectId};
use gix_object::tree::{EntryKind, EntryRef};
use gix_object::{Kind, TreeRefIter};

use crate::checkout::sparse::{Relation, Sparse};
use crate::error::{Failure, sanitize};
use crate::remote::Limits;
use crate::store::objects::{Objects, Reader};

/// Bytes of a name that a file system takes.
const MAX_NAME: usize = 255;
/// Bytes of a path that a file system takes.
const MAX_PATH: usize = 4096;

/// One line of a tree.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: EntryKind,
    pub(crate) id: ObjectId,
}

impl Line {
    /// The name, if a file may have it: no path, nothing that leads elsewhere, nothing of Git's own.
    pub(crate) fn checked_name(&self) -> Result<&str, Failure> {
        let name = std::str::from_utf8(&self.name).map_err(|_| unsafe_path(&self.name))?;
        let bad = matches!(name, "" | "." | "..") || name.eq_ignore_ascii_case(".git") || name.contains(['/', '\0']);
        if bad { Err(unsafe_path(&self.name)) } else { Ok(name) }
    }
}

fn unsafe_path(name: &[u8]) -> Failure {
    let shown = name.get(..MAX_NAME).unwrap_or(name);
    Failure::UnsafePath(sanitize(&String::from_utf8_lossy(shown)))
}

/// The path of `name` in the directory `parent`.
pub(crate) fn child(parent: &Utf8Path, name: &str) -> Result<Utf8PathBuf, Failure> {
    if parent.as_str().len() + name.len() >= MAX_PATH {
        return Err(Failure::LimitExceeded { what: "the length of a path".to_owned(), limit: MAX_PATH as u64 });
    }
    Ok(parent.join(name))
}

/// The lines of a tree, sorted by name alone, as a directory listing is; Git sorts directories as if they ended in `/`.
///
/// Counts them in `seen`, and fails before more are in memory than the limits allow.
pub(crate) fn read_tree(
    reader: &mut Reader,
    id: &ObjectId,
    seen: &mut usize,
    limits: &Limits,
) -> Result<Vec<Line>, Failure> {
    let bytes = reader.read(id, Kind::Tree)?;
    let mut lines = Vec::new();
    for line in lines_of(bytes) {
        let line = line.ok_or_else(|| unreadable(id))?;
        *seen += 1;
        if *seen > limits.entries {
            return Err(too_many(limits));
        }
        if line.filename.len() > MAX_NAME {
            return Err(unsafe_path(line.filename));
        }
        lines.push(owned(&line));
    }
    lines.sort_by(|one, other| one.name.cmp(&other.name));
    if let Some(pair) = lines.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(unsafe_path(&pair[0].name));
    }
    Ok(lines)
}

/// The lines as the tree has them; nothing in place of one that cannot be read.
fn lines_of(bytes: &[u8]) -> impl Iterator<Item = Option<EntryRef<'_>>> {
    TreeRefIter::from_bytes(bytes, HashKind::Sha1).map(Result::ok)
}

fn owned(line: &EntryRef<'_>) -> Line {
    Line { name: line.filename.to_vec(), kind: line.mode.kind(), id: line.oid.to_owned() }
}

fn unreadable(id: &ObjectId) -> Failure {
    Failure::CorruptPack(format!("tree {id} cannot be read"))
}

/// The line for `path` below the tree `id`.
pub(crate) fn find(reader: &mut Reader, id: &ObjectId, path: &Utf8Path) -> Result<Option<Line>, Failure> {
    let mut tree = *id;
    let mut components = path.as_str().split('/').peekable();
    while let Some(name) = components.next() {
        let mut found = None;
        for line in lines_of(reader.read(&tree, Kind::Tree)?) {
            let line = line.ok_or_else(|| unreadable(&tree))?;
            if *line.filename == *name.as_bytes() {
                found = Some(owned(&line));
                break;
            }
        }
        match found {
            Some(line) if components.peek().is_none() => return Ok(Some(line)),
            Some(line) if line.kind == EntryKind::Tree => tree = line.id,
            Some(_) | None => return Ok(None),
        }
    }
    Ok(None)
}

/// The blobs of a checkout that are not there. Fails when a directory is missing.
pub(crate) fn missing_blobs(
    objects: &Objects,
    tree: ObjectId,
    sparse: &Sparse,
    modules: bool,
    limits: &Limits,
) -> Result<Vec<ObjectId>, Failure> {
    let mut reader = objects.reader();
    let mut missing = Vec::new();
    let mut seen = 0;
    let mut frames = vec![(Utf8PathBuf::new(), read_tree(&mut reader, &tree, &mut seen, limits)?.into_iter())];
    while let Some((parent, lines)) = frames.last_mut() {
        let Some(line) = lines.next() else {
            frames.pop();
            continue;
        };
        // Names that are not files' are reported by the walk.
        let Ok(name) = line.checked_name() else { continue };
        let path = child(parent, name)?;
        let relation = sparse.relation(&path);
        match line.kind {
            EntryKind::Tree if relation != Relation::Outside => {
                if frames.len() > limits.depth {
                    return Err(too_deep(limits));
                }
                let lines = read_tree(&mut reader, &line.id, &mut seen, limits)?;
                frames.push((path, lines.into_iter()));
            }
            EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Link => {
                let wanted = relation == Relation::Inside || (modules && path == ".gitmodules");
                if wanted && !reader.has(&line.id) {
                    missing.push(line.id);
                }
            }
            EntryKind::Tree | EntryKind::Commit => {}
        }
    }
    missing.sort_unstable();
    missing.dedup();
    Ok(missing)
}

pub(crate) fn too_many(limits: &Limits) -> Failure {
    Failure::LimitExceeded { what: "the number of files".to_owned(), limit: limits.entries as u64 }
}

pub(crate) fn too_deep(limits: &Limits) -> Failure {
    Failure::LimitExceeded { what: "the depth of directories".to_owned(), limit: limits.depth as u64 }
}
