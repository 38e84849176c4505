//! B14: from a request, as a webhook makes one after a push, to the Kustomization being Ready at the new commit.

use std::time::Instant;

use anyhow::Result;
use flux_testkit::{ControlPlane, Toolkit};

use crate::manifests::app;
use crate::measure::{Figure, milliseconds};

pub(crate) async fn run(runs: usize) -> Result<Vec<Figure>> {
    let control_plane = tokio::task::block_in_place(ControlPlane::shared)?;
    let toolkit = Toolkit::new(control_plane, "push").await?;
    let repository = toolkit.git.create("app")?;
    let commit = repository.commit_files("main", "first", &[("app.yaml", &app("first"))])?;
    let (_source, _kustomize) = toolkit.start().await?;
    toolkit.follow("app").await?;
    toolkit.sync("app", "app", "  wait: true\n").await?;
    toolkit.applied("app", &commit).await?;

    let (mut fetched, mut ready) = (Vec::new(), Vec::new());
    for run in 0..runs {
        let commit = repository.commit_files("main", "next", &[("app.yaml", &app(&format!("run-{run}")))])?;
        let begin = Instant::now();
        toolkit.request("app", &format!("run-{run}")).await?;
        toolkit.fetched("app", &commit).await?;
        fetched.push(milliseconds(begin.elapsed()));
        toolkit.applied("app", &commit).await?;
        ready.push(milliseconds(begin.elapsed()));
    }
    Ok(vec![
        Figure::new("request to artifact", "ms", fetched),
        Figure::new("request to Ready, health awaited", "ms", ready).below(500.0),
    ])
}
