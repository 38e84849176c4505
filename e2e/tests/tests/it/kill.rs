//! `kill -9` in the middle of work loses nothing and prunes nothing by mistake.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use flux_api::kustomize::v1::Kustomization;
use flux_testkit::{ControlPlane, GitFault, Toolkit, wait_for};

use crate::manifests::{at_least, config_map, config_maps, existing, expected};

/// Enough objects that an apply of them takes a while.
const MANY: usize = 150;

#[tokio::test]
async fn an_apply_cut_by_a_kill_is_finished_by_the_next_process() -> Result<()> {
    let toolkit = Toolkit::new(ControlPlane::shared()?, "kill-apply").await?;
    let repository = toolkit.git.create("app")?;
    let commit = repository.commit_files("main", "first", &[("all.yaml", &config_maps("m", MANY, "1"))])?;
    let (_source, kustomize) = toolkit.start().await?;
    // Not the toolkit's, and not to be touched by any of this.
    toolkit.namespace.apply(&config_map("bystander", "kept")).await?;
    toolkit.follow("app").await?;
    toolkit.sync("app", "app", "").await?;

    at_least(&toolkit.namespace, 5).await?;
    kustomize.kill()?;
    let cut = existing(&toolkit.namespace).await?.len();
    ensure!(cut <= MANY, "all {MANY} objects were applied before the kill: the scenario needs more of them");
    let inventory = inventory(&toolkit).await?;
    ensure!(inventory == MANY, "the inventory lists {inventory} objects before they are applied");

    let kustomize = toolkit.kustomize.start().await?;
    toolkit.applied("app", &commit).await.context("apply after the kill")?;
    let mut all = expected("m", MANY, "1");
    all.insert(("bystander".to_owned(), "kept".to_owned()));
    assert_eq!(existing(&toolkit.namespace).await?, all);

    let half = MANY / 2;
    let commit = repository.commit_files("main", "half", &[("all.yaml", &config_maps("m", half, "1"))])?;
    toolkit.request("app", "half").await?;
    wait_for("pruning began", Duration::from_secs(60), async || {
        let left = existing(&toolkit.namespace).await?.len();
        ensure!(left < MANY, "{left} objects");
        Ok(())
    })
    .await?;
    kustomize.kill()?;
    let _kustomize = toolkit.kustomize.start().await?;
    toolkit.applied("app", &commit).await.context("prune after the kill")?;
    let mut kept = expected("m", half, "1");
    kept.insert(("bystander".to_owned(), "kept".to_owned()));
    assert_eq!(existing(&toolkit.namespace).await?, kept);
    Ok(())
}

#[tokio::test]
async fn a_fetch_cut_by_a_kill_is_finished_by_the_next_process() -> Result<()> {
    let toolkit = Toolkit::new(ControlPlane::shared()?, "kill-fetch").await?;
    let repository = toolkit.git.create("app")?;
    let first = repository.commit_files("main", "first", &[("a.yaml", &config_map("a", "1"))])?;
    let (source, _kustomize) = toolkit.start().await?;
    toolkit.follow("app").await?;
    toolkit.sync("app", "app", "").await?;
    toolkit.applied("app", &first).await?;

    let second = repository.commit_files("main", "second", &[("a.yaml", &config_map("a", "2"))])?;
    toolkit.git.forget_requests();
    toolkit.git.set_fault(GitFault::EndlessPack);
    toolkit.request("app", "second").await?;
    wait_for("a pack is flowing", Duration::from_secs(30), async || {
        let flowing = toolkit.git.requests().iter().any(|request| request.sent > 1 << 20);
        ensure!(flowing, "{:?}", toolkit.git.requests());
        Ok(())
    })
    .await?;
    source.kill()?;
    assert_eq!(existing(&toolkit.namespace).await?, [("a".to_owned(), "1".to_owned())].into());

    toolkit.git.set_fault(GitFault::None);
    let _source = toolkit.source.start().await?;
    toolkit.fetched("app", &second).await.context("fetch after the kill")?;
    toolkit.applied("app", &second).await?;
    assert_eq!(existing(&toolkit.namespace).await?, [("a".to_owned(), "2".to_owned())].into());
    Ok(())
}

async fn inventory(toolkit: &Toolkit) -> Result<usize> {
    let object = toolkit.namespace.api::<Kustomization>().get("app").await?;
    let inventory = object.status.and_then(|status| status.inventory).context("no inventory")?;
    Ok(inventory.entries.len())
}
