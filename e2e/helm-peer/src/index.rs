//! Repository indexes of a wanted size, the same each time.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};

/// The chart that is asked for: it is in the middle of every index.
pub const CHART: &str = "chart-m";
/// The version that is asked for.
pub const VERSION: &str = "7.3.1";

/// Versions of each chart.
const VERSIONS: usize = 200;

/// Writes an index of about so many bytes: charts in order of their names, each with versions from the newest on.
pub fn write(path: &Path, size: usize) -> Result<()> {
    let failed = || format!("write {}", path.display());
    let mut out = Counted { file: BufWriter::new(File::create(path).with_context(failed)?), written: 0 };
    out.put("apiVersion: v1\nentries:\n").with_context(failed)?;
    let mut at = 0;
    while out.written < size / 2 {
        chart(&mut out, &format!("chart-a{at:05}"), at).with_context(failed)?;
        at += 1;
    }
    chart(&mut out, CHART, at).with_context(failed)?;
    while out.written < size {
        at += 1;
        chart(&mut out, &format!("chart-z{at:05}"), at).with_context(failed)?;
    }
    out.put("generated: \"2024-05-01T12:00:00.123456789Z\"\n").with_context(failed)?;
    out.file.flush().with_context(failed)
}

/// A file that knows how much is in it.
struct Counted {
    file: BufWriter<File>,
    written: usize,
}

impl Counted {
    fn put(&mut self, text: &str) -> std::io::Result<()> {
        self.written += text.len();
        self.file.write_all(text.as_bytes())
    }
}

fn chart(out: &mut Counted, name: &str, at: usize) -> std::io::Result<()> {
    out.put(&format!("  {name}:\n"))?;
    for version in (0..VERSIONS).rev() {
        let (major, minor, patch) = (version / 20, version % 20 / 4, version % 4);
        out.put(&format!(
            "  - annotations:\n      example.com/changes: |\n        - kind: changed\n          description: \"Number {version}: <what> is new\"\n      \
             category: Databases\n    apiVersion: v2\n    appVersion: '2{minor}.{patch}'\n    created: \"2024-0{month}-1{patch}T10:20:30.{version:09}Z\"\n    \
             dependencies:\n    - condition: common.enabled\n      name: common\n      repository: https://charts.example\n      tags:\n      - library\n      version: \
             2.x.x\n    description: What chart {at} installs, in one sentence that is\n      broken over two lines.\n    digest: {at:032x}{version:032x}\n    home: \
             https://{name}.example\n    icon: https://{name}.example/icon.svg\n    keywords:\n    - {name}\n    - sample\n    kubeVersion: '>= 1.23.0-0'\n    \
             maintainers:\n    - email: team@{name}.example\n      name: Team\n    name: {name}\n    sources:\n    - https://{name}.example/source\n    type: \
             application\n    urls:\n    - https://charts.example/{name}-{major}.{minor}.{patch}.tgz\n    version: {major}.{minor}.{patch}\n",
            month = minor + 1,
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_has_the_wanted_size_and_the_wanted_version() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.yaml");
        write(&path, 1_000_000).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!((1_000_000..1_400_000).contains(&text.len()), "{}", text.len());
        let (_, after) = text.split_once(&format!("  {CHART}:\n")).unwrap();
        assert!(after.contains(&format!("    version: {VERSION}\n")));
    }
}
