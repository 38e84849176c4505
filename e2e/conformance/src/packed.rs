//! The suites that were written for this project, packed beside the code so that a clone alone can run them.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use tar::{Archive, Builder, EntryType, Header};
use tempfile::TempDir;

use crate::case::names;

/// What is packed, from the folder's root.
const SUITES: [&str; 5] = ["envsubst", "flux-build", "helm/vectors", "kustomize/generated", "sops"];

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// The packed suites, unpacked into a folder of the usual layout.
pub(crate) fn unpack() -> Result<TempDir> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let testdata = testdata();
    for name in names(&testdata)? {
        let path = testdata.join(name);
        let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        let unpacked = Archive::new(GzDecoder::new(file)).unpack(folder.path());
        unpacked.with_context(|| format!("cannot unpack {}", path.display()))?;
    }
    Ok(folder)
}

/// Writes the packed suites anew from `folder`; the same files give the same bytes.
pub(crate) fn pack(folder: &Path) -> Result<()> {
    for suite in SUITES.iter().filter(|suite| folder.join(suite).is_dir()) {
        let path = testdata().join(format!("{}.tar.gz", suite.replace('/', "-")));
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut archive = Builder::new(GzEncoder::new(file, Compression::best()));
        append(&mut archive, folder, Path::new(suite))?;
        archive.into_inner()?.finish()?;
        println!("packed {suite}");
    }
    Ok(())
}

/// Adds everything below `path`, in order of names, without owners, times and modes.
fn append(archive: &mut Builder<GzEncoder<File>>, folder: &Path, path: &Path) -> Result<()> {
    let place = folder.join(path);
    let mut header = Header::new_ustar();
    header.set_mode(0o644);
    if place.is_dir() {
        // Empty folders are a part of some inputs.
        header.set_entry_type(EntryType::Directory);
        header.set_mode(0o755);
        header.set_size(0);
        archive.append_data(&mut header, path, std::io::empty())?;
        return names(&place)?.iter().try_for_each(|name| append(archive, folder, &path.join(name)));
    }
    let content = std::fs::read(&place).with_context(|| format!("cannot read {}", place.display()))?;
    header.set_size(content.len() as u64);
    archive
        .append_data(&mut header, path, content.as_slice())
        .with_context(|| format!("cannot pack {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run;
    use crate::suites::{Selection, find};

    #[test]
    fn all_packed_cases_pass() {
        let folder = unpack().unwrap();
        let reports = run::all(&find(folder.path(), &Selection { suite: None, case: None }).unwrap());
        assert!(reports.iter().map(|report| report.outcomes.len()).sum::<usize>() > 15_000);
        for report in &reports {
            assert!(report.all_pass(), "{}: {:?}", report.suite, report.failed());
        }
    }
}
