//! Charts in archives.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use flux_helm::Time;
use flux_helm::chart::{Chart, LoadLimits, load_archive, package};

use crate::SEPARATOR;

pub(crate) const WORDS: [&str; 14] = [
    "Chart.yaml",
    "\n%%%\n",
    "a/charts/b/",
    "../",
    "/",
    "\\",
    "c:/",
    "requirements.yaml",
    "values.yaml",
    "dependencies:",
    "- name: ",
    "version: 1.0.0",
    "apiVersion: v2",
    "\n---\n",
];

/// An archive is a chart or refused, and what is packaged once is packaged the same again.
pub(crate) fn archives_of_a_chart_hold_the_chart(bytes: &[u8]) {
    let _ = load(bytes);
    let _ = load(&zipped(bytes));
    let Some(first) = load(&zipped(&archive(bytes))).and_then(|chart| packaged(&chart)) else { return };
    // Subcharts of one name become one, and those with names that are passed over are gone.
    let Some(second) = load(&first).and_then(|chart| packaged(&chart)) else { return };
    let Some(chart) = load(&second) else { return };
    assert!(packaged(&chart) == Some(second), "packaged again, the archive is another");
}

fn load(archive: &[u8]) -> Option<Chart> {
    let limits = LoadLimits { archive: 8 << 20, file: 1 << 20, total: 16 << 20, entries: 1000, depth: 8 };
    load_archive(archive, &limits).ok()
}

fn packaged(chart: &Chart) -> Option<Vec<u8>> {
    package(chart, Vec::new(), Time::zero()).ok()
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut zipper = GzEncoder::new(Vec::new(), Compression::fast());
    let _ = zipper.write_all(bytes);
    zipper.finish().unwrap_or_default()
}

/// An archive of the parts of a seed: each has the name in its first line.
fn archive(seed: &[u8]) -> Vec<u8> {
    let seed = String::from_utf8_lossy(seed);
    let mut archive = tar::Builder::new(Vec::new());
    for part in seed.split(SEPARATOR) {
        let (name, data) = part.split_once('\n').unwrap_or((part, ""));
        let mut header = tar::Header::new_ustar();
        // Set by hand: the library refuses names that leave the root.
        for (slot, byte) in header.as_old_mut().name.iter_mut().zip(name.bytes()) {
            *slot = byte;
        }
        header.set_mode(0o644);
        header.set_size(data.len() as u64);
        header.set_cksum();
        let _ = archive.append(&header, data.as_bytes());
    }
    archive.into_inner().unwrap_or_default()
}
