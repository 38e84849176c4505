//! B19: each controller with one synced app and nothing to do.

use std::time::Duration;

use anyhow::Result;
use flux_testkit::{ControlPlane, RunningController, Toolkit};

use crate::manifests::app;
use crate::measure::Figure;

/// How long a controller is left alone before its memory is read.
const SETTLED: Duration = Duration::from_secs(5);
const TARGET: f64 = 20.0;

pub(crate) async fn run(runs: usize) -> Result<Vec<Figure>> {
    let control_plane = tokio::task::block_in_place(ControlPlane::shared)?;
    let toolkit = Toolkit::new(control_plane, "idle").await?;
    let commit = toolkit.git.create("app")?.commit_files("main", "first", &[("app.yaml", &app("first"))])?;
    toolkit.follow("app").await?;
    toolkit.sync("app", "app", "").await?;
    let (mut sources, mut appliers) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let (source, kustomize) = toolkit.start().await?;
        toolkit.applied("app", &commit).await?;
        tokio::time::sleep(SETTLED).await;
        sources.push(mebibytes(&source)?);
        appliers.push(mebibytes(&kustomize)?);
        tokio::try_join!(source.terminate(), kustomize.terminate())?;
    }
    Ok(vec![
        Figure::new("source-controller, anonymous memory", "MiB", sources).below(TARGET),
        Figure::new("kustomize-controller, anonymous memory", "MiB", appliers).below(TARGET),
    ])
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn mebibytes(process: &RunningController) -> Result<f64> {
    Ok(process.memory()?.anonymous as f64 / f64::from(1 << 20))
}
