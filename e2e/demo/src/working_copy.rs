//! A clone of the sample, from which commits are pushed as a person would.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use flux_testkit::git;

/// A clone in a folder.
pub(crate) struct WorkingCopy {
    folder: PathBuf,
}

impl WorkingCopy {
    /// Clones `url` into `folder`, which must not be there.
    pub(crate) fn clone(url: &str, folder: &Path) -> Result<Self> {
        let parent = folder.parent().context("the folder of a clone has a parent")?;
        let target = folder.to_str().context("the folder of a clone is not UTF-8")?;
        git(parent, &["clone", "--quiet", "--branch", "main", url, target])?;
        Ok(Self { folder: folder.to_path_buf() })
    }

    /// The text of a file.
    pub(crate) fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.folder.join(path)).with_context(|| format!("read {path}"))
    }

    /// Replaces every `from` in a file, of which there must be one at least.
    pub(crate) fn replace(&self, path: &str, from: &str, to: &str) -> Result<()> {
        let file = self.folder.join(path);
        let text = fs::read_to_string(&file).with_context(|| format!("read {path}"))?;
        ensure!(text.contains(from), "{path} has no {from:?}");
        fs::write(&file, text.replace(from, to)).with_context(|| format!("write {path}"))
    }

    /// Deletes a file.
    pub(crate) fn delete(&self, path: &str) -> Result<()> {
        fs::remove_file(self.folder.join(path)).with_context(|| format!("delete {path}"))
    }

    /// Commits all that was changed and returns the commit's id.
    pub(crate) fn commit(&self, message: &str) -> Result<String> {
        self.git(&["commit", "--quiet", "--all", "--message", message])?;
        self.head()
    }

    /// The last commit's id.
    pub(crate) fn head(&self) -> Result<String> {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Commits the opposite of the last commit and returns the new one's id.
    pub(crate) fn revert(&self) -> Result<String> {
        self.git(&["revert", "--no-edit", "HEAD"])?;
        self.head()
    }

    /// Pushes what was committed.
    pub(crate) fn push(&self) -> Result<()> {
        self.git(&["push", "--quiet", "origin", "main"]).map(drop)
    }

    fn git(&self, args: &[&str]) -> Result<String> {
        let author = ["-c", "user.name=Demo", "-c", "user.email=demo@example.com"];
        git(&self.folder, &[&author, args].concat())
    }
}
