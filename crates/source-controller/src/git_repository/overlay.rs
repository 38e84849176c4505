//! Included artifacts, unpacked and laid over a tree. Blocks.

use std::collections::BTreeMap;
use std::fs;
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use camino::{Utf8Path, Utf8PathBuf};
use flux_api::source::v1::GitRepository;
use flux_git::{Entry, Kind};
use flux_storage::{ArtifactPath, ObjectDirectory, Storage};
use flux_tar::{Digest, Limits, Links};
use kube::Resource as _;
use tempfile::TempDir;

use super::error::{ArchiveError, CopyError, IncludePathError};

/// One include with the artifact that it stands for.
#[derive(Clone, Debug)]
pub(super) struct Include {
    /// The namespace of the included repository.
    pub(super) namespace: String,
    /// The name of the included repository.
    pub(super) name: String,
    /// Where its artifact is stored, as its status says.
    pub(super) artifact: String,
    /// What the artifact's digest must be.
    pub(super) digest: String,
    /// Below the artifact's root; empty for all.
    pub(super) from: Utf8PathBuf,
    /// Below the root of the tree.
    pub(super) to: Utf8PathBuf,
}

/// Files and directories beside those of a tree, in archive order.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    entries: BTreeMap<Utf8PathBuf, Laid>,
    /// The paths of the includes, with what is there.
    targets: Vec<Target>,
    /// Where the content lies as long as the overlay lives.
    folders: Vec<TempDir>,
}

/// What lies at a path.
#[derive(Clone, Debug)]
pub(super) enum Laid {
    Directory,
    File { location: PathBuf, executable: bool, size: u64 },
}

#[derive(Debug)]
struct Target {
    include: Include,
    is_file: bool,
}

impl Overlay {
    /// Unpacks each include in turn.
    pub(super) fn unpack(
        storage: &Storage,
        includes: Vec<Include>,
        cancelled: impl Fn() -> bool,
    ) -> Result<Self, ArchiveError> {
        let mut overlay = Self::default();
        for include in includes {
            let artifact = own_artifact(&include)
                .map_err(|source| ArchiveError::IllegalPath { include: include.name.clone(), source })?;
            let folder = unpack(storage, &artifact, &include, &cancelled).map_err(|err| copy_failed(&include, err))?;
            let source = folder.path().join(&include.from);
            overlay.lay(&include, &source).map_err(|err| copy_failed(&include, err))?;
            overlay.folders.push(folder);
        }
        Ok(overlay)
    }

    /// The entries in archive order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&Utf8Path, &Laid)> {
        self.entries.iter().map(|(path, laid)| (path.as_path(), laid))
    }

    /// Refuses what is in the way of an include: upstream renames it to its place, which takes no directory that has
    /// something in it and replaces a file by a file only.
    pub(super) fn check(&self, entry: &Entry) -> Result<(), ArchiveError> {
        for Target { include, is_file } in &self.targets {
            let at_target = include.to == entry.path;
            if at_target && !(*is_file && entry.kind != Kind::Directory) {
                return Err(copy_failed(include, CopyError::Exists(entry.path.clone())));
            }
            if !at_target && entry.kind != Kind::Directory && include.to.starts_with(&entry.path) {
                return Err(copy_failed(include, CopyError::NotADirectory(entry.path.clone())));
            }
        }
        Ok(())
    }

    /// Lays the file or directory at `source` at the include's place.
    fn lay(&mut self, include: &Include, source: &Path) -> Result<(), CopyError> {
        let metadata = fs::symlink_metadata(source).map_err(|_| CopyError::NoSource)?;
        let is_file = metadata.is_file();
        match self.entries.get(&include.to) {
            Some(Laid::File { .. }) if is_file => {}
            Some(_) => return Err(CopyError::Exists(include.to.clone())),
            None if include.to.as_str().is_empty() => return Err(CopyError::Exists(Utf8PathBuf::from("."))),
            None => {}
        }
        for parent in include.to.ancestors().skip(1).filter(|parent| !parent.as_str().is_empty()) {
            match self.entries.get(parent) {
                Some(Laid::File { .. }) => return Err(CopyError::NotADirectory(parent.to_owned())),
                Some(Laid::Directory) => {}
                None => {
                    self.entries.insert(parent.to_owned(), Laid::Directory);
                }
            }
        }
        self.insert(include.to.clone(), source)?;
        self.targets.push(Target { include: include.clone(), is_file });
        Ok(())
    }

    fn insert(&mut self, path: Utf8PathBuf, location: &Path) -> Result<(), CopyError> {
        let metadata = fs::symlink_metadata(location)?;
        if metadata.is_dir() {
            let directory = Utf8Path::from_path(location).ok_or(CopyError::NoSource)?;
            for entry in directory.read_dir_utf8()? {
                let entry = entry?;
                self.insert(path.join(entry.file_name()), entry.path().as_std_path())?;
            }
            self.entries.insert(path, Laid::Directory);
        } else {
            let executable = metadata.permissions().mode() & 0o111 != 0;
            let laid = Laid::File { location: location.to_owned(), executable, size: metadata.len() };
            self.entries.insert(path, laid);
        }
        Ok(())
    }
}

/// The artifact that the status names, which must be in the directory of that very object: whoever may write the status
/// of one must not get to read the artifacts of all.
fn own_artifact(include: &Include) -> Result<ArtifactPath, IncludePathError> {
    let path: ArtifactPath = include.artifact.parse()?;
    let directory = ObjectDirectory::new(&GitRepository::kind(&()), &include.namespace, &include.name)?;
    if *path.directory() == directory { Ok(path) } else { Err(IncludePathError::Elsewhere { path, directory }) }
}

fn unpack(
    storage: &Storage,
    artifact: &ArtifactPath,
    include: &Include,
    cancelled: impl Fn() -> bool,
) -> Result<TempDir, CopyError> {
    let digest: Digest = include.digest.parse()?;
    storage.verify(artifact, &digest)?;
    let file = storage.open_artifact(artifact).map_err(flux_storage::IntegrityError::from)?;
    let folder = tempfile::Builder::new().prefix("flux-include-").tempdir()?;
    flux_http::unpack_archive(BufReader::new(file), folder.path(), &Limits::default(), Links::Skip, cancelled)?;
    Ok(folder)
}

fn copy_failed(include: &Include, source: CopyError) -> ArchiveError {
    let Include { name, from, to, .. } = include.clone();
    ArchiveError::Copy { include: name, from, to, source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use flux_runtime::report::message;
    use flux_storage::{AdvertisedAddress, Retention, Stored};
    use flux_tar::{Algorithm, ArchiveWriter, Mode};

    use super::*;

    struct Fixture {
        _folder: TempDir,
        storage: Storage,
    }

    fn fixture() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(folder.path()).unwrap();
        let address = AdvertisedAddress::new(None, ":9090", "");
        let storage = Storage::open(root, address, Algorithm::Sha256, Retention::default()).unwrap();
        Fixture { _folder: folder, storage }
    }

    impl Fixture {
        /// An artifact with these files, included from one path to another.
        fn include(&self, name: &str, files: &[&str], from: &str, to: &str) -> Include {
            let path = ObjectDirectory::new("GitRepository", "ns", name).unwrap().file("x.tar.gz").unwrap();
            let stored = self
                .storage
                .publish(&path, |out| {
                    let mut writer = ArchiveWriter::new(out, Algorithm::Sha256)?;
                    for file in files {
                        writer.file((*file).into(), Mode::Executable, 1, &b"1"[..])?;
                    }
                    let finished = writer.finish()?;
                    Ok::<_, flux_tar::WriteError>(Stored { digest: finished.digest, size: finished.size })
                })
                .unwrap();
            Include {
                namespace: "ns".to_owned(),
                name: name.to_owned(),
                artifact: path.to_string(),
                digest: stored.digest.to_string(),
                from: from.into(),
                to: to.into(),
            }
        }

        fn listing(&self, includes: Vec<Include>) -> Result<Vec<String>, String> {
            let overlay = Overlay::unpack(&self.storage, includes, || false).map_err(|err| message(&err))?;
            let line = |(path, laid): (&Utf8Path, &Laid)| match laid {
                Laid::Directory => format!("{path}/"),
                Laid::File { executable, size, .. } => format!("{path} {executable} {size}"),
            };
            Ok(overlay.entries().map(line).collect())
        }
    }

    #[test]
    fn an_include_is_laid_at_its_place_with_the_directories_above() {
        let fixture = fixture();
        let files = ["base/a.yaml", "base/sub/b.yaml", "other"];
        let include = fixture.include("lib", &files, "base", "vendor/lib");
        assert_eq!(
            fixture.listing(vec![include]).unwrap(),
            ["vendor/", "vendor/lib/", "vendor/lib/a.yaml true 1", "vendor/lib/sub/", "vendor/lib/sub/b.yaml true 1"]
        );
        let one_file = fixture.include("lib", &files, "other", "file");
        assert_eq!(fixture.listing(vec![one_file]).unwrap(), ["file true 1"]);
    }

    #[test]
    fn includes_do_not_cover_each_other() {
        let fixture = fixture();
        let first = fixture.include("one", &["a"], "", "lib");
        let same = fixture.include("two", &["b"], "", "lib");
        assert_eq!(
            fixture.listing(vec![first.clone(), same]).unwrap_err(),
            "failed to copy 'two' include from \"\" to \"lib\": \"lib\" exists"
        );
        let inside = fixture.include("three", &["b"], "", "lib/deeper");
        assert_eq!(
            fixture.listing(vec![first, inside]).unwrap(),
            ["lib/", "lib/a true 1", "lib/deeper/", "lib/deeper/b true 1"]
        );
    }

    #[test]
    fn what_is_not_there_or_not_the_announced_artifact_is_not_copied() {
        let fixture = fixture();
        let missing = fixture.include("lib", &["a"], "nowhere", "lib");
        assert_eq!(
            fixture.listing(vec![missing]).unwrap_err(),
            "failed to copy 'lib' include from \"nowhere\" to \"lib\": no such file or directory in the included artifact"
        );
        let root = fixture.include("lib", &["a"], "", "");
        assert!(fixture.listing(vec![root]).unwrap_err().ends_with("\".\" exists"));
        let mut changed = fixture.include("lib", &["a"], "", "lib");
        changed.digest = Digest::of(Algorithm::Sha256, b"other").to_string();
        assert!(fixture.listing(vec![changed]).unwrap_err().contains("does not match"));
        let mut outside = fixture.include("lib", &["a"], "", "lib");
        outside.artifact = "../../etc/passwd".to_owned();
        assert!(fixture.listing(vec![outside]).unwrap_err().starts_with("path calculation for include 'lib' failed"));
        let mut foreign = fixture.include("lib", &["a"], "", "lib");
        foreign.artifact = fixture.include("other", &["a"], "", "lib").artifact;
        assert_eq!(
            fixture.listing(vec![foreign]).unwrap_err(),
            "path calculation for include 'lib' failed: artifact \"gitrepository/ns/other/x.tar.gz\" of its status is not \
             in its directory \"gitrepository/ns/lib\""
        );
    }
}
