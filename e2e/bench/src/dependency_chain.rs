//! B5: ten Kustomizations in a row, each depending on the one before and each ready at once.

use std::time::Instant;

use anyhow::Result;
use flux_testkit::{ControlPlane, Toolkit};

use crate::manifests::config_map;
use crate::measure::Figure;

/// How many in a row.
const LINKS: usize = 10;

pub(crate) async fn run(runs: usize) -> Result<Vec<Figure>> {
    let mut times = Vec::new();
    for _ in 0..runs {
        times.push(chain().await?);
    }
    Ok(vec![Figure::new(format!("{LINKS} links, created to last Ready"), "s", times).below(2.0)])
}

/// Seconds from the first creation until the last link is Ready. The links are created last first, so each has to wait.
async fn chain() -> Result<f64> {
    let control_plane = tokio::task::block_in_place(ControlPlane::shared)?;
    let toolkit = Toolkit::new(control_plane, "chain").await?;
    let repository = toolkit.git.create("chain")?;
    let files: Vec<_> =
        (0..LINKS).map(|at| (format!("{at}/link.yaml"), config_map(&format!("link-{at}"), "here"))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let commit = repository.commit_files("main", "all", &files)?;
    let (_source, _kustomize) = toolkit.start().await?;
    toolkit.follow("chain").await?;
    toolkit.fetched("chain", &commit).await?;

    let begin = Instant::now();
    for at in (0..LINKS).rev() {
        let depends = at.checked_sub(1).map_or_else(String::new, |on| format!("  dependsOn:\n    - name: link-{on}\n"));
        toolkit.sync(&format!("link-{at}"), "chain", &format!("  wait: true\n  path: ./{at}\n{depends}")).await?;
    }
    toolkit.applied(&format!("link-{}", LINKS - 1), &commit).await?;
    Ok(begin.elapsed().as_secs_f64())
}
