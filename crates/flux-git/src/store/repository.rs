//! One object store: a folder with packs, the commits they complete, and who uses them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

use camino::{Utf8Path, Utf8PathBuf};
use gix_hash::ObjectId;
use parking_lot::Mutex;

use crate::error::Failure;

/// Commits that are remembered; older ones only cost repeated bytes when forgotten.
const MAX_TIPS: usize = 32;

/// How complete a commit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Its tree with all files, without its past.
    Tree,
    /// Its tree without files, but for those fetched since.
    Directories,
    /// Its tree and all of its past.
    History,
}

impl Extent {
    fn word(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Directories => "directories",
            Self::History => "history",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Tree, Self::Directories, Self::History].into_iter().find(|extent| extent.word() == word)
    }
}

/// A commit that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) commit: ObjectId,
    pub(crate) extent: Extent,
}

/// One object store.
#[derive(Debug)]
pub(crate) struct Repository {
    /// Its folder.
    pub(crate) directory: Utf8PathBuf,
    /// Held while something is fetched.
    pub(crate) fetching: tokio::sync::Mutex<()>,
    /// How many read or fetch.
    pub(crate) leases: AtomicUsize,
    /// Whether it goes away with the last of them.
    pub(crate) doomed: AtomicBool,
    /// When it was last used, as a count.
    pub(crate) used: AtomicU64,
    /// Its bytes on disk when last measured.
    pub(crate) size: AtomicU64,
    /// The UIDs of the objects that use it.
    pub(crate) owners: Mutex<BTreeSet<String>>,
}

impl Repository {
    /// A store in `directory`, which need not be there.
    pub(crate) fn new(directory: Utf8PathBuf) -> Self {
        Self {
            directory,
            fetching: tokio::sync::Mutex::default(),
            leases: AtomicUsize::new(0),
            doomed: AtomicBool::new(false),
            used: AtomicU64::new(0),
            size: AtomicU64::new(0),
            owners: Mutex::default(),
        }
    }

    /// The object folder.
    pub(crate) fn objects(&self) -> Utf8PathBuf {
        self.directory.join("objects")
    }

    /// The pack folder.
    pub(crate) fn packs(&self) -> Utf8PathBuf {
        self.directory.join("objects/pack")
    }

    /// Makes the folders.
    pub(crate) fn create(&self) -> Result<(), Failure> {
        fs::create_dir_all(self.packs()).map_err(Failure::store("failed to make the folder"))
    }

    /// The number of packs.
    pub(crate) fn pack_count(&self) -> usize {
        fs::read_dir(self.packs()).map_or(0, |entries| {
            entries.flatten().filter(|entry| entry.path().extension().is_some_and(|name| name == "idx")).count()
        })
    }

    /// The commits that are there, oldest first. Unreadable lines are passed over: what they stood for is fetched again.
    pub(crate) fn tips(&self) -> Vec<Tip> {
        let text = fs::read_to_string(self.directory.join("tips")).unwrap_or_default();
        let tip = |line: &str| {
            let (commit, extent) = line.split_once(' ')?;
            Some(Tip { commit: ObjectId::from_hex(commit.as_bytes()).ok()?, extent: Extent::parse(extent)? })
        };
        text.lines().filter_map(tip).collect()
    }

    /// Whether anything of the commit is there.
    pub(crate) fn has(&self, commit: ObjectId) -> bool {
        self.tips().iter().any(|tip| tip.commit == commit)
    }

    /// Remembers a commit whose objects are all on disk.
    pub(crate) fn add_tip(&self, tip: Tip) -> Result<(), Failure> {
        let mut tips = self.tips();
        tips.retain(|known| *known != tip);
        tips.push(tip);
        let surplus = tips.len().saturating_sub(MAX_TIPS);
        let lines: Vec<_> =
            tips[surplus..].iter().map(|tip| format!("{} {}\n", tip.commit, tip.extent.word())).collect();
        replace(&self.directory.join("tips"), &lines.concat()).map_err(Failure::store("failed to record a commit"))
    }

    /// Reads who uses it.
    pub(crate) fn load_owners(&self) {
        let text = fs::read_to_string(self.directory.join("owners")).unwrap_or_default();
        *self.owners.lock() = text.lines().map(str::to_owned).collect();
    }

    /// Adds or removes a user; tells how many are left.
    pub(crate) fn set_owner(&self, owner: &str, uses: bool) -> Result<usize, Failure> {
        let mut owners = self.owners.lock();
        if uses {
            owners.insert(owner.to_owned());
        } else {
            owners.remove(owner);
        }
        let lines: Vec<_> = owners.iter().map(|owner| format!("{owner}\n")).collect();
        replace(&self.directory.join("owners"), &lines.concat()).map_err(Failure::store("failed to record a user"))?;
        Ok(owners.len())
    }

    /// Removes what a killed process left half done: all but whole packs with their index.
    pub(crate) fn clean(&self) -> io::Result<()> {
        for entry in self.packs().read_dir_utf8()? {
            let path = entry?.into_path();
            let whole = match path.extension() {
                Some("pack") => path.with_extension("idx").is_file(),
                Some("idx") => path.with_extension("pack").is_file(),
                _ => false,
            };
            if !whole {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Its bytes on disk.
    pub(crate) fn measure(&self) -> u64 {
        let Ok(entries) = fs::read_dir(self.packs()) else { return 0 };
        entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
    }
}

/// Writes a small file so that a reader sees the old or the new text, never a part.
fn replace(path: &Utf8Path, text: &str) -> io::Result<()> {
    let scratch = path.with_extension("new");
    fs::write(&scratch, text)?;
    fs::rename(scratch, path)
}
