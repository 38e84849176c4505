//! Files held in memory.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use crate::{Entry, Files, FilesError, Kind, clean};

/// Files held in memory. Directories exist by what they hold.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    files: BTreeMap<Utf8PathBuf, Vec<u8>>,
}

impl Memory {
    /// No files yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes the file at `path`, over what was there.
    pub fn write(&mut self, path: &Utf8Path, content: impl Into<Vec<u8>>) -> Result<(), FilesError> {
        self.files.insert(clean(path)?, content.into());
        Ok(())
    }

    fn below<'a>(&'a self, directory: &'a Utf8Path) -> impl Iterator<Item = &'a Utf8Path> {
        self.files
            .range(directory.to_owned()..)
            .map(|(path, _)| path.as_path())
            .take_while(move |path| path.starts_with(directory))
            .filter_map(move |path| path.strip_prefix(directory).ok())
            .filter(|rest| !rest.as_str().is_empty())
    }
}

impl Files for Memory {
    fn read(&self, path: &Utf8Path) -> Result<Vec<u8>, FilesError> {
        match self.files.get(&clean(path)?) {
            Some(content) => Ok(content.clone()),
            None if self.kind(path)? == Kind::Directory => Err(FilesError::IsDirectory(path.to_owned())),
            None => Err(FilesError::NotFound(path.to_owned())),
        }
    }

    fn list(&self, path: &Utf8Path) -> Result<Vec<Entry>, FilesError> {
        let directory = clean(path)?;
        if self.kind(path)? == Kind::File {
            return Err(FilesError::NotADirectory(path.to_owned()));
        }
        let mut entries: Vec<Entry> = self
            .below(&directory)
            .filter_map(|rest| {
                let mut parts = rest.components();
                let name = parts.next()?.as_str().to_owned();
                let kind = if parts.next().is_some() { Kind::Directory } else { Kind::File };
                Some(Entry { name, kind, link: false })
            })
            .collect();
        entries.sort();
        entries.dedup();
        Ok(entries)
    }

    fn kind(&self, path: &Utf8Path) -> Result<Kind, FilesError> {
        let path = clean(path)?;
        if self.files.contains_key(&path) {
            Ok(Kind::File)
        } else if path.as_str().is_empty() || self.below(&path).next().is_some() {
            Ok(Kind::Directory)
        } else {
            Err(FilesError::NotFound(path))
        }
    }

    fn resolve(&self, path: &Utf8Path) -> Result<Utf8PathBuf, FilesError> {
        let clean = clean(path)?;
        self.kind(&clean)?;
        Ok(clean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_exist_by_what_they_hold() {
        let mut files = Memory::new();
        files.write("a/b.yaml".into(), "b").unwrap();
        files.write("a-c".into(), "c").unwrap();
        assert_eq!(files.kind("a".into()).unwrap(), Kind::Directory);
        assert_eq!(files.list("".into()).unwrap().len(), 2);
        assert_eq!(files.list("a".into()).unwrap()[0].name, "b.yaml");
        assert!(matches!(files.read("a".into()), Err(FilesError::IsDirectory(_))));
        assert!(matches!(files.kind("b".into()), Err(FilesError::NotFound(_))));
    }
}
