//! The files of a repository, read from its object database when the build asks for them.

use std::collections::{BTreeMap, VecDeque};
use std::io;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use flux_files::{Entry, Files, FilesError, Kind};
use flux_git::Checkout;
use tempfile::TempDir;

/// How many links one path may lead through.
const LINKS: usize = 40;
/// The longest target of a link.
const LONGEST_LINK: usize = 4096;

/// A repository that was fetched into a folder of its own.
pub(super) struct Fetched {
    /// Dropped before the folder, from which it reads.
    pub(super) checkout: Checkout,
    /// Goes when this is dropped.
    pub(super) _folder: TempDir,
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Directory,
    File,
    /// With its target.
    Link(Utf8PathBuf),
}

/// The files of a repository. Links are followed as long as they stay in it.
pub(super) struct RemoteFiles {
    fetched: Fetched,
    nodes: Nodes,
}

/// All paths of a repository.
#[derive(Debug, Default)]
struct Nodes(BTreeMap<Utf8PathBuf, Node>);

impl Fetched {
    /// Lists all paths; no file is read before it is asked for.
    pub(super) fn read(self) -> Result<RemoteFiles, flux_git::Error> {
        let mut nodes = Nodes::default();
        let mut walk = self.checkout.walk()?;
        let mut target = Vec::new();
        while let Some(entry) = walk.next() {
            let entry = entry?;
            let node = match entry.kind {
                flux_git::Kind::Directory => Node::Directory,
                flux_git::Kind::File | flux_git::Kind::Executable => Node::File,
                flux_git::Kind::Symlink => {
                    walk.read(&entry, &mut target)?;
                    // A target that cannot be one leads nowhere.
                    let text = std::str::from_utf8(&target).ok().filter(|text| text.len() <= LONGEST_LINK);
                    Node::Link(text.unwrap_or_default().into())
                }
            };
            nodes.0.insert(entry.path, node);
        }
        drop(walk);
        Ok(RemoteFiles { fetched: self, nodes })
    }
}

impl Nodes {
    /// Where `path` leads, and what is there.
    fn follow(&self, path: &Utf8Path) -> Result<(Utf8PathBuf, Kind), FilesError> {
        let mut place = Utf8PathBuf::new();
        let mut rest: VecDeque<String> = path.components().map(|part| part.as_str().to_owned()).collect();
        let mut links = 0;
        while let Some(part) = rest.pop_front() {
            match part.as_str() {
                "." => continue,
                ".." if place.pop() => continue,
                ".." | "/" => return Err(FilesError::Escapes(path.to_owned())),
                name => place.push(name),
            }
            match self.0.get(&place) {
                None => return Err(FilesError::NotFound(path.to_owned())),
                Some(Node::Link(target)) => {
                    links += 1;
                    if links > LINKS || target.as_str().is_empty() {
                        return Err(FilesError::NotFound(path.to_owned()));
                    }
                    place.pop();
                    for component in target.components().rev() {
                        if matches!(component, Utf8Component::RootDir | Utf8Component::Prefix(_)) {
                            return Err(FilesError::Escapes(path.to_owned()));
                        }
                        rest.push_front(component.as_str().to_owned());
                    }
                }
                Some(Node::File) if !rest.is_empty() => return Err(FilesError::NotADirectory(path.to_owned())),
                Some(Node::File | Node::Directory) => {}
            }
        }
        let kind = if self.0.get(&place) == Some(&Node::File) { Kind::File } else { Kind::Directory };
        Ok((place, kind))
    }

    fn list(&self, path: &Utf8Path) -> Result<Vec<Entry>, FilesError> {
        let (directory, kind) = self.follow(path)?;
        if kind == Kind::File {
            return Err(FilesError::NotADirectory(path.to_owned()));
        }
        let below = self.0.range(directory.clone()..).take_while(|(path, _)| path.starts_with(&directory));
        let mut entries: Vec<Entry> = below
            .filter(|(path, _)| path.parent() == Some(&directory))
            .filter_map(|(path, node)| {
                // A link that leads nowhere is no entry that could be read.
                let kind = self.follow(path).ok()?.1;
                Some(Entry { name: path.file_name()?.to_owned(), kind, link: matches!(node, Node::Link(_)) })
            })
            .collect();
        entries.sort();
        Ok(entries)
    }
}

impl Files for RemoteFiles {
    fn read(&self, path: &Utf8Path) -> Result<Vec<u8>, FilesError> {
        let (place, kind) = self.nodes.follow(path)?;
        if kind == Kind::Directory {
            return Err(FilesError::IsDirectory(path.to_owned()));
        }
        let failed = |err| FilesError::Io { path: path.to_owned(), source: io::Error::other(err) };
        let content = self.fetched.checkout.read_file(&place).map_err(failed)?;
        content.ok_or_else(|| FilesError::NotFound(path.to_owned()))
    }

    fn list(&self, path: &Utf8Path) -> Result<Vec<Entry>, FilesError> {
        self.nodes.list(path)
    }

    fn kind(&self, path: &Utf8Path) -> Result<Kind, FilesError> {
        self.nodes.follow(path).map(|(_, kind)| kind)
    }

    fn resolve(&self, path: &Utf8Path) -> Result<Utf8PathBuf, FilesError> {
        self.nodes.follow(path).map(|(place, _)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> Nodes {
        let link = |target: &str| Node::Link(target.into());
        Nodes(BTreeMap::from([
            ("a".into(), Node::Directory),
            ("a/file".into(), Node::File),
            ("a/up".into(), link("../b")),
            ("a/out".into(), link("../../x")),
            ("a/root".into(), link("/etc")),
            ("a/loop".into(), link("loop")),
            ("b".into(), Node::Directory),
            ("b/deep".into(), link("../a/./file")),
        ]))
    }

    #[test]
    fn links_are_followed_inside_of_the_repository() {
        let check = |path: &str, expected: Result<(&str, Kind), &str>| {
            let found = nodes().follow(path.into()).map_err(|err| err.to_string());
            let found = found.as_ref().map(|(place, kind)| (place.as_str(), *kind)).map_err(String::as_str);
            assert_eq!(found, expected, "{path}");
        };
        check("", Ok(("", Kind::Directory)));
        check("a/../b", Ok(("b", Kind::Directory)));
        check("a/up/deep", Ok(("a/file", Kind::File)));
        check("a/file/x", Err("a/file/x: is not a directory"));
        check("c", Err("c: no such file or directory"));
        check("a/loop", Err("a/loop: no such file or directory"));
        for path in ["a/out", "a/root", "../x", "a/../../x", "/a"] {
            check(path, Err(&format!("{path}: leaves the root")));
        }
    }

    #[test]
    fn a_directory_lists_what_is_right_below_it() {
        let names = |path: &str| -> Vec<String> {
            nodes().list(path.into()).unwrap().into_iter().map(|entry| entry.name).collect()
        };
        assert_eq!(names(""), ["a", "b"]);
        assert_eq!(names("a"), ["file", "up"]);
        assert_eq!(names("a/up"), ["deep"]);
    }
}
