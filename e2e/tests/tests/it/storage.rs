//! Artifact storage that is deleted under a running source-controller.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use flux_api::kustomize::v1::Kustomization;
use flux_api::meta::{ConditionStatus, FluxObject as _};
use flux_testkit::{ControlPlane, Toolkit};
use futures::{StreamExt as _, pin_mut};
use kube::runtime::{WatchStreamExt as _, watcher};

use crate::manifests::{config_map, existing};

#[tokio::test]
async fn deleted_storage_heals_without_a_wrong_status_in_between() -> Result<()> {
    let toolkit = Toolkit::new(ControlPlane::shared()?, "storage").await?;
    let repository = toolkit.git.create("app")?;
    let first = repository.commit_files("main", "first", &[("a.yaml", &config_map("a", "1"))])?;
    let (_source, _kustomize) = toolkit.start().await?;
    toolkit.follow("app").await?;
    toolkit.sync("app", "app", "").await?;
    let before = toolkit.fetched("app", &first).await?;
    toolkit.applied("app", &first).await?;

    let states = watcher(toolkit.namespace.api::<Kustomization>(), watcher::Config::default()).applied_objects();
    pin_mut!(states);
    for entry in fs::read_dir(toolkit.source.storage_folder())? {
        fs::remove_dir_all(entry?.path())?;
    }
    toolkit.request("app", "deleted").await?;
    let healed =
        flux_testkit::wait_for("the artifact is served again", std::time::Duration::from_secs(30), async || {
            let object = toolkit.fetched("app", &first).await?;
            let handled = object.last_handled_reconcile_at().context("no request handled")?;
            ensure!(handled == "deleted", "handled {handled}");
            Ok(object)
        })
        .await?;
    let artifact =
        |object: flux_api::source::v1::GitRepository| object.status.and_then(|status| status.artifact).unwrap();
    let (before, healed) = (artifact(before), artifact(healed));
    assert_eq!((&before.revision, &before.digest), (&healed.revision, &healed.digest));
    let served = toolkit.source.storage_folder().join(&healed.path);
    assert!(served.is_file(), "{} is there again", served.display());

    let second = repository.commit_files("main", "second", &[("a.yaml", &config_map("a", "2"))])?;
    toolkit.request("app", "second").await?;
    toolkit.applied("app", &second).await?;
    assert_eq!(existing(&toolkit.namespace).await?, [("a".to_owned(), "2".to_owned())].into());
    // Every status since the deletion, up to the second commit's.
    while let Some(state) = states.next().await {
        let state = state?;
        let failed = state.conditions().iter().find(|condition| condition.status == ConditionStatus::False);
        ensure!(failed.is_none(), "a status in between was {failed:?}");
        let revision = state.status.and_then(|status| status.last_applied_revision);
        if revision.is_some_and(|revision| revision.ends_with(&second)) {
            break;
        }
    }
    Ok(())
}
