//! An API server that goes away and comes back.

use std::time::Duration;

use anyhow::{Context as _, Result};
use flux_testkit::{Component, ControlPlane, Toolkit};

use crate::manifests::{config_map, existing};

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_pushed_while_the_api_server_is_down_is_applied_when_it_is_back() -> Result<()> {
    // An instance of its own: other scenarios need theirs up.
    let control_plane = tokio::task::block_in_place(ControlPlane::start)?;
    let toolkit = Toolkit::new(&control_plane, "api-server").await?;
    let repository = toolkit.git.create("app")?;
    let files = [("a.yaml", &*config_map("a", "1")), ("b.yaml", &*config_map("b", "1"))];
    let commit = repository.commit_files("main", "first", &files)?;
    let (source, kustomize) = toolkit.start().await?;
    toolkit.follow("app").await?;
    toolkit.sync("app", "app", "").await?;
    toolkit.applied("app", &commit).await.context("first sync")?;

    control_plane.take_down(Component::ApiServer).await?;
    let commit = repository.commit_files("main", "second", &[("a.yaml", &config_map("a", "2"))])?;
    control_plane.bring_up(Component::ApiServer).await?;
    control_plane.restart(Component::ApiServer, Duration::from_secs(2)).await?;
    toolkit.request("app", "second").await?;
    toolkit.applied("app", &commit).await.context("sync after the outage")?;
    let values = [("a".to_owned(), "2".to_owned()), ("b".to_owned(), "1".to_owned())];
    assert_eq!(existing(&toolkit.namespace).await?, values.into(), "nothing is lost and nothing pruned");
    assert!(!source.has_ended() && !kustomize.has_ended(), "both controllers lived through the outage");
    Ok(())
}
