//! B8: what goes over the wire for a repository of 5,000 files and 1,000 other branches.

use anyhow::{Context as _, Result};
use flux_api::meta::FluxObject as _;
use flux_api::source::v1::GitRepository;
use flux_testkit::{ControlPlane, GitRequest, Toolkit, wait_object};
use std::time::Duration;

use crate::measure::{Figure, kilobytes};

const FILES: usize = 5_000;
const BRANCHES: usize = 1_000;
/// A listing of one ref, with all that protocol and server put around it.
const POLL_TARGET: f64 = 4.0;

pub(crate) async fn run(runs: usize) -> Result<Vec<Figure>> {
    let control_plane = tokio::task::block_in_place(ControlPlane::shared)?;
    let toolkit = Toolkit::new(control_plane, "traffic").await?;
    let repository = toolkit.git.create("large")?;
    let files: Vec<_> = (0..FILES).map(|at| (path(at), content(at, 0))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let first = repository.commit_files("main", "first", &files)?;
    for at in 0..BRANCHES {
        repository.branch(&format!("topic/some-longer-name-{at}"), &first)?;
    }
    let _source = toolkit.source.start().await?;
    toolkit.follow("large").await?;
    toolkit.fetched("large", &first).await?;
    let mut figures = counted("first fetch", &[toolkit.git.requests()]);

    let mut polls = Vec::new();
    for run in 0..runs {
        toolkit.git.forget_requests();
        let token = format!("poll-{run}");
        toolkit.request("large", &token).await?;
        handled(&toolkit, &token).await?;
        polls.push(toolkit.git.requests());
    }
    let [requests, mut bytes] = counted("poll without news", &polls).try_into().ok().context("two figures")?;
    bytes = bytes.below(POLL_TARGET);
    figures.extend([requests, bytes]);

    let mut commits = Vec::new();
    for run in 0..runs {
        let commit = repository.commit_files("main", "next", &[(&path(run), &content(run, run + 1))])?;
        toolkit.git.forget_requests();
        toolkit.request("large", &format!("commit-{run}")).await?;
        toolkit.fetched("large", &commit).await?;
        commits.push(toolkit.git.requests());
    }
    figures.extend(counted("commit of one file", &commits));
    Ok(figures)
}

async fn handled(toolkit: &Toolkit, token: &str) -> Result<()> {
    let api = toolkit.namespace.api();
    wait_object(&api, "large", Duration::from_secs(60), |object: Option<&GitRepository>| {
        let handled = object.and_then(|object| object.last_handled_reconcile_at().map(str::to_owned));
        handled.filter(|handled| handled == token).map(drop).context("the request is not handled yet")
    })
    .await
}

/// Requests, and kilobytes in both directions without headers, of each run.
#[expect(clippy::cast_precision_loss, reason = "a handful of requests")]
fn counted(what: &str, runs: &[Vec<GitRequest>]) -> Vec<Figure> {
    let bytes = |run: &Vec<GitRequest>| kilobytes(run.iter().map(|request| request.sent + request.received).sum());
    vec![
        Figure::new(format!("{what}: requests"), "", runs.iter().map(|run| run.len() as f64).collect()),
        Figure::new(format!("{what}: bytes"), "kB", runs.iter().map(bytes).collect()),
    ]
}

fn path(at: usize) -> String {
    format!("dir-{}/file-{at}.yaml", at % 50)
}

fn content(at: usize, version: usize) -> String {
    format!("# file {at}, version {version}\n{}", "value: some text that stands for a manifest\n".repeat(20))
}
