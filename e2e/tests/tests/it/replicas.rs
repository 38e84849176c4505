//! Two replicas of each controller, of which the leader is taken away.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use flux_testkit::{ControlPlane, Controller, RunningController, Toolkit, wait_for};
use k8s_openapi::api::coordination::v1::Lease;

use crate::manifests::{config_map, existing};

/// A controller that takes part in an election with short times.
fn candidate(controller: Controller) -> Controller {
    controller
        .flag("--enable-leader-election")
        .flag("--leader-election-lease-duration=3s")
        .flag("--leader-election-renew-deadline=2s")
        .flag("--leader-election-retry-period=500ms")
}

/// Who holds the controller's lease.
async fn holder(toolkit: &Toolkit, controller: &str) -> Result<String> {
    let lease = toolkit.namespace.api::<Lease>().get(&format!("{controller}-leader-election")).await?;
    let holder = lease.spec.and_then(|spec| spec.holder_identity).context("nobody holds the lease")?;
    ensure!(!holder.is_empty(), "nobody holds the lease");
    Ok(holder)
}

async fn held_by_another(toolkit: &Toolkit, controller: &str, before: &str) -> Result<String> {
    wait_for("another replica leads", Duration::from_secs(20), async || {
        let holder = holder(toolkit, controller).await?;
        ensure!(holder != before, "{holder} leads");
        Ok(holder)
    })
    .await
}

#[tokio::test]
async fn another_replica_goes_on_when_the_leader_is_killed() -> Result<()> {
    let control_plane = ControlPlane::shared()?;
    let toolkit = Toolkit::new(control_plane, "replicas").await?;
    let namespace = toolkit.namespace.name.clone();
    let kubeconfig = control_plane.kubeconfig();
    let replica = |controller: Result<Controller>| anyhow::Ok(candidate(controller?.in_namespace(&namespace)));
    let sources = [replica(Controller::source(kubeconfig))?, replica(Controller::source(kubeconfig))?];
    let appliers = [replica(Controller::kustomize(kubeconfig))?, replica(Controller::kustomize(kubeconfig))?];

    let repository = toolkit.git.create("app")?;
    let first = repository.commit_files("main", "first", &[("a.yaml", &config_map("a", "1"))])?;
    // The first of each leads, because the second starts when the lease is taken.
    let leading_source = sources[0].start().await?;
    let leading_applier = appliers[0].start().await?;
    let source_holder = wait_for("a source-controller leads", Duration::from_secs(20), async || {
        holder(&toolkit, "source-controller").await
    })
    .await?;
    let applier_holder = wait_for("a kustomize-controller leads", Duration::from_secs(20), async || {
        holder(&toolkit, "kustomize-controller").await
    })
    .await?;
    let standby: [RunningController; 2] = [sources[1].start().await?, appliers[1].start().await?];
    toolkit.follow("app").await?;
    toolkit.sync("app", "app", "").await?;
    toolkit.applied("app", &first).await.context("with the first leaders")?;
    let refused = reqwest::get(sources[1].storage_url().unwrap()).await;
    assert!(refused.is_err(), "only the leader serves artifacts");

    leading_source.kill()?;
    leading_applier.kill()?;
    held_by_another(&toolkit, "source-controller", &source_holder).await?;
    held_by_another(&toolkit, "kustomize-controller", &applier_holder).await?;
    let second = repository.commit_files("main", "second", &[("a.yaml", &config_map("a", "2"))])?;
    toolkit.request("app", "second").await?;
    let logs = |running: &RunningController| running.logs().unwrap_or_default();
    let synced = toolkit.applied("app", &second).await;
    synced.with_context(|| standby.iter().map(logs).collect::<String>()).context("with the second leaders")?;
    assert_eq!(existing(&toolkit.namespace).await?, [("a".to_owned(), "2".to_owned())].into());

    // A leader that ends in order releases its lease at once.
    let [source, applier] = standby;
    let (source, applier) = tokio::try_join!(source.terminate(), applier.terminate())?;
    assert!(source.success() && applier.success(), "{source}, {applier}");
    let lease = toolkit.namespace.api::<Lease>().get("source-controller-leader-election").await?;
    assert_eq!(lease.spec.and_then(|spec| spec.holder_identity).unwrap_or_default(), "");
    Ok(())
}
