//! Trees: what Git records of a directory.

use camino::{Utf8Path, Utf8PathBuf};
use gix_hash::{Kind as HashKind, ObjectId};
use gix_object::tree::EntryKind;
use gix_object::{Kind, TreeRefIter};

use crate::checkout::sparse::{Relation, Sparse};
use crate::error::Failure;
use crate::remote::Limits;
use crate::store::objects::{Objects, Reader};

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
        let unsafe_path = || Failure::UnsafePath(String::from_utf8_lossy(&self.name).into_owned());
        let name = std::str::from_utf8(&self.name).map_err(|_| unsafe_path())?;
        let bad = matches!(name, "" | "." | "..") || name.eq_ignore_ascii_case(".git") || name.contains(['/', '\0']);
        if bad { Err(unsafe_path()) } else { Ok(name) }
    }
}

/// The lines of a tree, sorted by name alone, as a directory listing is; Git sorts directories as if they ended in `/`.
pub(crate) fn read_tree(reader: &mut Reader, id: &ObjectId) -> Result<Vec<Line>, Failure> {
    let bytes = reader.read(id, Kind::Tree)?;
    let mut lines = Vec::new();
    for entry in TreeRefIter::from_bytes(bytes, HashKind::Sha1) {
        let entry = entry.map_err(|_| Failure::CorruptPack(format!("tree {id} cannot be read")))?;
        lines.push(Line { name: entry.filename.to_vec(), kind: entry.mode.kind(), id: entry.oid.to_owned() });
    }
    lines.sort_by(|one, other| one.name.cmp(&other.name));
    if let Some(pair) = lines.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(Failure::UnsafePath(String::from_utf8_lossy(&pair[0].name).into_owned()));
    }
    Ok(lines)
}

/// The line for `path` below the tree `id`.
pub(crate) fn find(reader: &mut Reader, id: &ObjectId, path: &Utf8Path) -> Result<Option<Line>, Failure> {
    let mut tree = *id;
    let mut components = path.as_str().split('/').peekable();
    while let Some(name) = components.next() {
        let line = read_tree(reader, &tree)?.into_iter().find(|line| line.name == name.as_bytes());
        match line {
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
    let mut pending = vec![(Utf8PathBuf::new(), tree, 0)];
    let mut seen = 0;
    while let Some((path, tree, depth)) = pending.pop() {
        for line in read_tree(&mut reader, &tree)? {
            seen += 1;
            if seen > limits.entries {
                return Err(too_many(limits));
            }
            // Names that are not files' are reported by the walk.
            let Ok(name) = line.checked_name() else { continue };
            let path = path.join(name);
            let relation = sparse.relation(&path);
            match line.kind {
                EntryKind::Tree if relation != Relation::Outside => {
                    if depth == limits.depth {
                        return Err(too_deep(limits));
                    }
                    pending.push((path, line.id, depth + 1));
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
