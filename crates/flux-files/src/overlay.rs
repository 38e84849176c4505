//! Files written in memory over others.

use camino::{Utf8Path, Utf8PathBuf};

use crate::{Entry, Files, FilesError, Kind, Memory, clean};

/// Other files, with some replaced or added in memory. What lies below stays as it is.
pub struct Overlay<'a> {
    base: &'a dyn Files,
    written: Memory,
}

impl<'a> Overlay<'a> {
    /// The files of `base`, nothing replaced yet.
    pub fn new(base: &'a dyn Files) -> Self {
        Self { base, written: Memory::new() }
    }

    /// Puts `content` at `path`. The file that a link at `path` leads to is replaced, not the link.
    pub fn write(&mut self, path: &Utf8Path, content: impl Into<Vec<u8>>) -> Result<(), FilesError> {
        let place = self.place(path)?;
        self.written.write(&place, content)
    }

    /// Where `path` leads, also when there is no such file yet.
    fn place(&self, path: &Utf8Path) -> Result<Utf8PathBuf, FilesError> {
        match self.base.resolve(path) {
            Ok(place) => Ok(place),
            Err(FilesError::NotFound(_)) => {
                let path = clean(path)?;
                let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(path) };
                Ok(self.base.resolve(parent).unwrap_or_else(|_| parent.to_owned()).join(name))
            }
            Err(err) => Err(err),
        }
    }
}

impl Files for Overlay<'_> {
    fn read(&self, path: &Utf8Path) -> Result<Vec<u8>, FilesError> {
        match self.written.read(&self.place(path)?) {
            Err(FilesError::NotFound(_) | FilesError::IsDirectory(_)) => self.base.read(path),
            result => result,
        }
    }

    fn list(&self, path: &Utf8Path) -> Result<Vec<Entry>, FilesError> {
        let mut entries = match self.base.list(path) {
            Err(FilesError::NotFound(_)) => return self.written.list(&self.place(path)?),
            result => result?,
        };
        if let Ok(written) = self.written.list(&self.place(path)?) {
            let known: Vec<Entry> =
                written.into_iter().filter(|new| !entries.iter().any(|old| old.name == new.name)).collect();
            entries.extend(known);
            entries.sort();
        }
        Ok(entries)
    }

    fn kind(&self, path: &Utf8Path) -> Result<Kind, FilesError> {
        match self.base.kind(path) {
            Err(FilesError::NotFound(_)) => self.written.kind(&self.place(path)?),
            result => result,
        }
    }

    fn resolve(&self, path: &Utf8Path) -> Result<Utf8PathBuf, FilesError> {
        match self.base.resolve(path) {
            Err(FilesError::NotFound(_)) => self.written.resolve(&self.place(path)?),
            result => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_files_hide_those_below_and_add_to_listings() {
        let mut base = Memory::new();
        base.write("a/old".into(), "old").unwrap();
        base.write("a/kept".into(), "kept").unwrap();
        let mut files = Overlay::new(&base);
        files.write("a/old".into(), "new").unwrap();
        files.write("a/added".into(), "added").unwrap();
        assert_eq!(files.read("./a/old".into()).unwrap(), b"new");
        assert_eq!(files.read("a/kept".into()).unwrap(), b"kept");
        assert_eq!(files.kind("a/added".into()).unwrap(), Kind::File);
        let names: Vec<_> = files.list("a".into()).unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["added", "kept", "old"]);
        assert_eq!(base.read("a/old".into()).unwrap(), b"old");
    }
}
