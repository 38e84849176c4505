//! Charts in folders.

use camino::Utf8Path;
use flux_files::{Entry, Files, FilesError, Kind};

use super::helmignore::{IgnoreError, Rules};
use super::load::{self, LoadError};
use super::validate::quoted;
use super::{Chart, File, path};
use crate::Time;

use super::archive::{Budget, LoadLimits};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Why a chart's folder could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A list of files to ignore that cannot be read.
    #[error(transparent)]
    Ignore(#[from] IgnoreError),
    /// A folder or file that cannot be read, or a link that leads out of the root.
    #[error("error reading {name}")]
    Read {
        /// The path below the chart's folder.
        name: String,
        /// The cause.
        #[source]
        source: FilesError,
    },
    /// A file with more bytes than one may have.
    #[error("chart file {} is larger than the maximum file size {limit}", quoted(.name))]
    FileTooLarge {
        /// The file's own name.
        name: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// More bytes than a chart may have.
    #[error("the chart's folder has more than {0} bytes")]
    TooLarge(u64),
    /// More files and folders than a chart may have.
    #[error("the chart's folder has more than {0} entries")]
    Entries(usize),
    /// Folders in folders without end, as links to a folder above make them.
    #[error("folders are nested deeper than {depth} levels at {name}")]
    Depth {
        /// The path below the chart's folder.
        name: String,
        /// The limit.
        depth: usize,
    },
}

/// How deep folders may be nested.
const DEPTH: usize = 100;

/// The chart in the folder `root`, without what `.helmignore` names.
///
/// Symbolic links are followed as long as they stay below the root of `files`. Times are not known. The limits are for
/// the folder, and for the archives of subcharts in it.
pub fn load_folder(files: &dyn Files, root: &Utf8Path, limits: &LoadLimits) -> Result<Chart, LoadError> {
    let found = folder_files(files, root, limits)?;
    load::load_within(found, &mut Budget::new(limits))
}

/// The files in the folder `root`, in the order in which Helm walks it, without what `.helmignore` names.
pub fn folder_files(files: &dyn Files, root: &Utf8Path, limits: &LoadLimits) -> Result<Vec<File>, FolderError> {
    let rules = match files.read(&root.join(Rules::FILE)) {
        Ok(text) => Rules::parse(&text)?,
        Err(FilesError::NotFound(_) | FilesError::NotADirectory(_)) => Rules::default(),
        Err(source) => return Err(FolderError::Read { name: Rules::FILE.to_owned(), source }),
    };
    let mut walk =
        Walk { files, root, rules: rules.with_defaults(), limits: *limits, found: Vec::new(), entries: 0, bytes: 0 };
    walk.folder("", 0)?;
    Ok(walk.found)
}

struct Walk<'f> {
    files: &'f dyn Files,
    root: &'f Utf8Path,
    rules: Rules,
    limits: LoadLimits,
    found: Vec<File>,
    entries: usize,
    bytes: u64,
}

impl Walk<'_> {
    fn folder(&mut self, name: &str, depth: usize) -> Result<(), FolderError> {
        if depth > DEPTH {
            return Err(FolderError::Depth { name: name.to_owned(), depth: DEPTH });
        }
        let fault = |source| FolderError::Read { name: name.to_owned(), source };
        for Entry { name: own, kind, .. } in self.files.list(&self.root.join(name)).map_err(fault)? {
            self.entries += 1;
            if self.entries > self.limits.entries {
                return Err(FolderError::Entries(self.limits.entries));
            }
            let inside = path::join(&[name, &own]);
            if self.rules.ignores(&inside, kind) {
                continue;
            }
            match kind {
                Kind::Directory => self.folder(&inside, depth + 1)?,
                Kind::File => self.file(inside)?,
            }
        }
        Ok(())
    }

    fn file(&mut self, name: String) -> Result<(), FolderError> {
        let limit = self.limits.file;
        let too_large = || FolderError::FileTooLarge { name: path::base(&name).to_owned(), limit };
        let data = match self.files.read(&self.root.join(&name)) {
            Ok(data) if data.len() as u64 > limit => return Err(too_large()),
            Ok(data) => data,
            Err(FilesError::TooLarge { .. }) => return Err(too_large()),
            Err(source) => return Err(FolderError::Read { name, source }),
        };
        self.bytes += data.len() as u64;
        if self.bytes > self.limits.total {
            return Err(FolderError::TooLarge(self.limits.total));
        }
        let data = data.strip_prefix(BOM).unwrap_or(&data).into();
        self.found.push(File { name, data, modified: Time::zero() });
        Ok(())
    }
}
