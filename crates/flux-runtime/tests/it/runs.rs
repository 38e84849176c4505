use anyhow::{Context as _, Result, ensure};
use flux_api::meta::{ConditionStatus, FINALIZER, FluxObject};
use flux_runtime::{Failure, Fault, Outcome, Retry};
use flux_testkit::wait_for;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::toy::{SOON, Setup, condition, done, start, start_with, story, succeed};

#[tokio::test]
async fn an_object_gets_its_finalizer_before_its_first_run() -> Result<()> {
    let rig = start(
        "finalizer",
        story(|_, run| {
            let has = run.object.metadata.finalizers.iter().flatten().any(|name| name == FINALIZER);
            let reason = if has { "Succeeded" } else { "Failed" };
            Box::pin(async move { Ok(Outcome { reason, ..done() }) })
        }),
    );
    let rig = rig.await?;
    rig.create("apps", json!({})).await?;
    let object = rig.ready("apps").await?;
    assert_eq!((object.observed_generation(), rig.runs()), (1, 1));
    let fields = object.metadata.managed_fields.context("managed fields")?;
    let ours = fields.iter().filter(|field| field.manager.as_deref() == Some("toy-controller"));
    let ours: Vec<_> = ours.map(|field| (field.operation.as_deref(), field.subresource.as_deref())).collect();
    assert_eq!(ours, [(Some("Update"), None), (Some("Update"), Some("status"))]);
    Ok(())
}

#[tokio::test]
async fn a_suspended_object_is_left_alone_until_it_is_deleted() -> Result<()> {
    let flags = ["--concurrent=1".to_owned()];
    let setup = Setup { flags: &flags, ..Setup::default() };
    let rig = start_with("suspend", setup, |_| futures::stream::pending(), succeed()).await?;
    rig.create("asleep", json!({"suspend": true})).await?;
    rig.until("asleep", |object| object.metadata.finalizers.is_some()).await?;
    rig.create("awake", json!({})).await?;
    rig.ready("awake").await?;
    let asleep = rig.api().get("asleep").await?;
    assert!(asleep.conditions().is_empty() && asleep.observed_generation() == -1);
    assert_eq!(rig.runs(), 1);
    rig.api().delete("asleep", &DeleteParams::default()).await?;
    let gone = async || rig.api().get_opt("asleep").await?.map_or(Ok(()), |_| Err(anyhow::anyhow!("still there")));
    wait_for("the deletion", SOON, gone).await?;
    assert_eq!(*rig.finalized.lock().unwrap(), ["asleep"]);
    Ok(())
}

#[tokio::test]
async fn a_reconcile_request_runs_the_object_once_and_is_acknowledged() -> Result<()> {
    let rig = start("request", succeed()).await?;
    rig.create("apps", json!({})).await?;
    rig.ready("apps").await?;
    rig.patch("apps", json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "now"}}})).await?;
    rig.until("apps", |object| object.last_handled_reconcile_at() == Some("now")).await?;
    assert_eq!(rig.runs(), 2);
    Ok(())
}

#[tokio::test]
async fn conditions_that_others_add_during_a_run_survive_it() -> Result<()> {
    let rig = start(
        "foreign",
        story(|_, run| {
            Box::pin(async move {
                let foreign = json!({"type": "Foreign", "status": "True", "reason": "Theirs", "message": "m",
                "lastTransitionTime": "2026-01-01T00:00:00Z"});
                let api: kube::Api<flux_api::source::v1::GitRepository> =
                    kube::Api::namespaced(run.client.clone(), run.object.metadata.namespace.as_deref().unwrap());
                let patch = Patch::Merge(json!({"status": {"conditions": [foreign]}}));
                api.patch_status("apps", &PatchParams::default(), &patch).await.unwrap();
                Ok(done())
            })
        }),
    )
    .await?;
    rig.create("apps", json!({})).await?;
    let object = rig.ready("apps").await?;
    let types: Vec<&str> = object.conditions().iter().map(|condition| condition.type_.as_str()).collect();
    assert_eq!(types, ["Ready", "Foreign"]);
    Ok(())
}

#[tokio::test]
async fn a_run_that_changes_nothing_writes_nothing() -> Result<()> {
    let soon = Some(std::time::Duration::from_millis(10));
    let tale = story(move |_, _| {
        let outcome = Outcome { requeue_after: soon, ..done() };
        Box::pin(async move { Ok(outcome) })
    });
    let rig = start("idle", tale).await?;
    rig.create("apps", json!({})).await?;
    let first = rig.ready("apps").await?;
    wait_for("more runs", SOON, async || {
        ensure!(rig.runs() > 5, "{} runs", rig.runs());
        Ok(())
    })
    .await?;
    let later = rig.api().get("apps").await?;
    assert_eq!(first.metadata.resource_version, later.metadata.resource_version);
    Ok(())
}

#[tokio::test]
async fn an_object_that_cannot_be_read_does_not_stop_the_others() -> Result<()> {
    let rig = start("malformed", succeed()).await?;
    // The CRD's pattern allows what no duration can hold.
    rig.create("broken", json!({"interval": "99999999999999999999h"})).await?;
    rig.create("sound", json!({})).await?;
    rig.ready("sound").await?;
    rig.patch("broken", json!({"spec": {"interval": "1h"}})).await?;
    rig.ready("broken").await?;
    Ok(())
}

#[tokio::test]
async fn a_failing_run_shows_that_it_is_retried_and_recovers() -> Result<()> {
    let flags = ["--min-retry-delay=20ms".to_owned()];
    let (open, gate) = tokio::sync::watch::channel(false);
    let tale = story(move |facts, _| {
        facts.status.observed_ignore = Some("kept".to_owned());
        let failed = !*gate.borrow();
        Box::pin(async move {
            let failure = Failure::new("GitOperationFailed", "no route").on("FetchFailed");
            if failed { Err(Fault::Transient { failure, retry: Retry::Backoff }) } else { Ok(done()) }
        })
    });
    let setup = Setup { flags: &flags, ..Setup::default() };
    let rig = start_with("retry", setup, |_| futures::stream::pending(), tale).await?;
    rig.create("apps", json!({})).await?;
    let failed = rig.until("apps", |object| condition(object, "FetchFailed").is_some()).await?;
    let reconciling = condition(&failed, "Reconciling").context("Reconciling")?;
    assert_eq!((reconciling.reason.as_str(), reconciling.message.as_str()), ("ProgressingWithRetry", "no route"));
    let ready = condition(&failed, "Ready").context("Ready")?;
    assert_eq!((ready.status, ready.reason.as_str()), (ConditionStatus::False, "GitOperationFailed"));
    assert_eq!(failed.observed_generation(), -1);
    assert_eq!(failed.status.context("status")?.observed_ignore.as_deref(), Some("kept"));
    wait_for("retries", SOON, async || {
        ensure!(rig.runs() > 2, "{} runs", rig.runs());
        Ok(())
    })
    .await?;
    open.send(true)?;
    let ready = rig.ready("apps").await?;
    assert!(condition(&ready, "Reconciling").is_none() && ready.observed_generation() == 1);
    Ok(())
}

#[tokio::test]
async fn a_panic_is_a_failed_run_of_its_object_only() -> Result<()> {
    let tale = story(|_, run| {
        let name = run.object.metadata.name.clone();
        Box::pin(async move {
            assert_ne!(name.as_deref(), Some("broken"), "on purpose");
            Ok(done())
        })
    });
    let rig = start("panic", tale).await?;
    rig.create("broken", json!({})).await?;
    let broken = rig.until("broken", |object| condition(object, "Ready").is_some()).await?;
    assert!(condition(&broken, "Ready").context("Ready")?.message.starts_with("reconciler panicked: "));
    rig.create("sound", json!({})).await?;
    rig.ready("sound").await?;
    Ok(())
}

#[tokio::test]
async fn an_object_that_vanishes_during_its_run_stays_away() -> Result<()> {
    let tale = story(|_, run| {
        let (client, meta) = (run.client.clone(), run.object.metadata.clone());
        Box::pin(async move {
            let (name, namespace) = (meta.name.unwrap(), meta.namespace.unwrap());
            if name == "gone" {
                let api: kube::Api<flux_api::source::v1::GitRepository> = kube::Api::namespaced(client, &namespace);
                let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
                api.patch(&name, &PatchParams::default(), &patch).await.unwrap();
                api.delete(&name, &DeleteParams::default()).await.unwrap();
            }
            Ok(done())
        })
    });
    let rig = start("vanish", tale).await?;
    rig.create("gone", json!({})).await?;
    rig.create("stays", json!({})).await?;
    rig.ready("stays").await?;
    // A run counts from its start: the object is still there until it has deleted it.
    wait_for("both runs, and the object gone", SOON, async || {
        ensure!(rig.runs() == 2, "{} runs", rig.runs());
        ensure!(rig.api().get_opt("gone").await?.is_none(), "the object is still there");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn only_objects_of_the_shard_are_run() -> Result<()> {
    let flags = ["--watch-label-selector=sharding.fluxcd.io/key=shard1".to_owned()];
    let setup = Setup { flags: &flags, ..Setup::default() };
    let rig = start_with("shard", setup, |_| futures::stream::pending(), succeed()).await?;
    for name in ["other", "ours"] {
        rig.create(name, json!({})).await?;
    }
    rig.patch("ours", json!({"metadata": {"labels": {"sharding.fluxcd.io/key": "shard1"}}})).await?;
    rig.ready("ours").await?;
    assert!(rig.api().get("other").await?.metadata.finalizers.is_none());
    Ok(())
}

#[tokio::test]
async fn metrics_and_probes_are_served() -> Result<()> {
    let rig = start("metrics", succeed()).await?;
    rig.create("apps", json!({})).await?;
    rig.ready("apps").await?;
    let metrics = format!("http://{}/metrics", rig.runtime.metrics_address.context("metrics")?);
    let namespace = &rig.namespace.name;
    let info = format!(
        "gotk_resource_info{{customresource_group=\"source.toolkit.fluxcd.io\",customresource_version=\"v1\",\
         customresource_kind=\"GitRepository\",exported_namespace=\"{namespace}\",name=\"apps\",ready=\"True\",\
         suspended=\"false\",url=\"https://example.com/repo.git\"}} 1"
    );
    wait_for("the metrics", SOON, async || {
        let text = reqwest::get(&metrics).await?.text().await?;
        ensure!(text.contains(&info), "{text}");
        ensure!(
            text.contains(
                "controller_runtime_reconcile_total{controller=\"gitrepository\",result=\"requeue_after\"} 1"
            )
        );
        Ok(())
    })
    .await?;
    let health = rig.runtime.health_address.context("probes")?;
    for path in ["healthz", "readyz"] {
        assert_eq!(reqwest::get(format!("http://{health}/{path}")).await?.text().await?, "ok");
    }
    Ok(())
}

#[tokio::test]
async fn a_run_sees_what_the_one_before_it_wrote() -> Result<()> {
    const RUNS: usize = 20;
    let tale = story(|facts, _| {
        let seen: usize = facts.status.observed_ignore.as_deref().map_or(0, |count| count.parse().unwrap());
        facts.status.observed_ignore = Some((seen + 1).to_string());
        let requeue_after = (seen + 1 < RUNS).then_some(std::time::Duration::ZERO);
        Box::pin(async move { Ok(Outcome { requeue_after, ..done() }) })
    });
    let rig = start("stale", tale).await?;
    rig.create("apps", json!({})).await?;
    let all = RUNS.to_string();
    let counted = |object: &flux_api::source::v1::GitRepository| {
        object.status.as_ref().is_some_and(|status| status.observed_ignore.as_deref() == Some(&all))
    };
    rig.until("apps", counted).await?;
    assert_eq!(rig.runs(), RUNS);
    Ok(())
}
