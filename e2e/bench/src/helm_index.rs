//! Repository indexes read by this project and by Helm's own library, for one version of one chart.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use flux_helm_peer::index::{CHART, VERSION, write};
use serde_json::Value;

use crate::helm_render::beside;
use crate::measure::Figure;
use crate::timings::{Timings, programs};

/// Sizes in megabytes: of a small repository, and of two of the largest.
const SIZES: [usize; 3] = [1, 26, 140];
/// How many times faster.
const BAR: f64 = 5.0;
/// The most anonymous memory: a share of the file, and what any process needs, in megabytes.
const MEMORY_SHARE: f64 = 0.15;
const MEMORY_BASE: f64 = 10.485_76;

pub(crate) fn run(runs: usize) -> Result<Vec<Figure>> {
    let folder = programs()?;
    let (own, peer) = (folder.join("examples/timed"), flux_helm_peer::program(&folder)?);
    let place = tempfile::tempdir().context("make a folder")?;
    let mut figures = Vec::new();
    for size in SIZES {
        let title = format!("{size} MB");
        eprintln!("  {title}");
        let index = place.path().join("index.yaml");
        write(&index, size * 1_000_000)?;
        // Helm takes minutes and gigabytes for the largest.
        let (own, own_found) = read(&own, &index, runs)?;
        let (peer, peer_found) = read(&peer, &index, if size > 100 { 1 } else { runs })?;
        if own_found != peer_found {
            bail!("{title}: found {own_found}, and Helm {peer_found}");
        }
        figures.extend(beside(&title, &own.milliseconds(), &peer.milliseconds(), BAR));
        let bytes = std::fs::metadata(&index).context("look at the index")?.len();
        let bound = crate::measure::kilobytes(bytes) / 1000.0 * MEMORY_SHARE + MEMORY_BASE;
        figures.push(Figure::new(format!("{title}: our memory"), "MB", vec![own.anonymous()]).below(bound));
        figures.push(Figure::new(format!("{title}: Helm's memory"), "MB", vec![peer.anonymous()]));
    }
    Ok(figures)
}

/// Reads the index so many times in one process; also what was found.
fn read(program: &Path, index: &Path, runs: usize) -> Result<(Timings, Value)> {
    let found = tempfile::NamedTempFile::new()?;
    let mut command = Command::new(program);
    command.arg("index").arg(index).args([CHART, VERSION, "--repeat", &runs.to_string()]);
    let timings = Timings::of(command.arg("--output").arg(found.path()))?;
    let text = std::fs::read_to_string(found.path()).context("read what was found")?;
    Ok((timings, serde_json::from_str(&text).context("read what was found")?))
}
