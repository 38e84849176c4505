//! Charts that are made up, of the shapes that people install, written into a folder.
//!
//! They are the same each time, and use what charts use: helpers, `include`, `tpl`, `toYaml`, `range`, files, hooks and notes.

mod monitoring;
mod renderings;
mod umbrella;
mod webapp;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// A chart: its name, and what writes it into a folder.
pub struct Sample {
    /// What the chart is like, for a table.
    pub name: &'static str,
    /// Writes the chart into a folder that is there.
    pub write: fn(&Path) -> Result<()>,
}

/// All of them: a small one, a large one, one with many subcharts, and one that evaluates its values.
pub const SAMPLES: [Sample; 4] = [
    Sample { name: "podinfo-like", write: webapp::write },
    Sample { name: "kube-prometheus-stack-sized", write: monitoring::write },
    Sample { name: "umbrella of 100 subcharts", write: umbrella::write },
    Sample { name: "tpl-heavy", write: renderings::write },
];

/// Writes a file of a chart, with the folders above it.
fn put(chart: &Path, name: &str, text: &str) -> Result<()> {
    let path = chart.join(name);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    fs::write(&path, text).with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> usize {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
    }

    #[test]
    fn charts_have_the_sizes_that_their_names_promise() {
        let folder = tempfile::tempdir().unwrap();
        let count = |at: usize, below: &str| {
            let chart = folder.path().join(at.to_string());
            (SAMPLES[at].write)(&chart).unwrap();
            files(&chart.join(below))
        };
        assert!((15..25).contains(&count(0, "templates")));
        assert!((120..140).contains(&count(1, "templates")));
        assert_eq!(count(2, "charts") / count(2, "charts/service-00"), 100);
        assert!(count(3, "templates") >= 60);
    }
}
