//! Writes the charts and a small index into a folder, to look at: `cargo run -p flux-helm-peer --example generate -- DIR`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use flux_helm_peer::{charts, index};

fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).context("usage: generate DIR")?);
    for sample in charts::SAMPLES {
        (sample.write)(&folder.join(sample.name.replace(' ', "-")))?;
    }
    index::write(&folder.join("index.yaml"), 1_000_000)
}
