use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, ensure};
use flux_api::meta::FluxObject as _;
use flux_runtime::{Failure, Fault, ObjectKey, Scope, wakes, watch_metadata};
use flux_testkit::wait_for;
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::json;
use tokio::sync::Notify;

use crate::toy::{Rig, SOON, Setup, Story, condition, done, start_with, story};

/// What the runs did, in order.
type Diary = Arc<Mutex<Vec<String>>>;

/// A story that waits for `gate` while the object is of generation 1, as its name says, and writes down how that ends.
fn waiting(diary: &Diary, gate: &Arc<Notify>) -> Story {
    let (diary, gate) = (Arc::clone(diary), Arc::clone(gate));
    story(move |facts, run| {
        let (diary, gate) = (Arc::clone(&diary), Arc::clone(&gate));
        let name = run.object.metadata.name.as_deref().unwrap_or_default();
        let (waits, holds) = (["waits", "holds"].contains(&name), name == "holds");
        let waits = waits && run.object.metadata.generation == Some(1);
        Box::pin(async move {
            if waits {
                run.progress(facts, "waiting for the gate").await;
                let opened = gate.notified();
                match if holds { run.while_current(opened).await } else { run.wait(opened).await } {
                    Ok(()) => diary.lock().unwrap().push("opened".to_owned()),
                    Err(interrupted) => {
                        diary.lock().unwrap().push(interrupted.to_string());
                        return Err(Fault::Interrupted(Failure::new("HealthCheckCanceled", interrupted)));
                    }
                }
            }
            diary.lock().unwrap().push("done".to_owned());
            Ok(done())
        })
    })
}

async fn rig(test: &str, uninterrupted: bool, diary: &Diary, gate: &Arc<Notify>) -> Result<Rig> {
    rig_with(test, "waits", uninterrupted, diary, gate).await
}

async fn rig_with(test: &str, name: &str, uninterrupted: bool, diary: &Diary, gate: &Arc<Notify>) -> Result<Rig> {
    let flags = ["--concurrent=1".to_owned()];
    let setup = Setup { flags: &flags, uninterrupted, ..Setup::default() };
    let rig = start_with(test, setup, |_| futures::stream::pending(), waiting(diary, gate)).await?;
    rig.create(name, json!({})).await?;
    let waits = rig.until(name, |object| condition(object, "Reconciling").is_some()).await?;
    let reconciling = condition(&waits, "Reconciling").context("Reconciling")?;
    assert_eq!((reconciling.reason.as_str(), reconciling.message.as_str()), ("Progressing", "waiting for the gate"));
    Ok(rig)
}

#[tokio::test]
async fn a_waiting_run_leaves_its_permit_to_others() -> Result<()> {
    let (diary, gate) = (Diary::default(), Arc::default());
    let rig = rig("permit", false, &diary, &gate).await?;
    rig.create("works", json!({})).await?;
    rig.ready("works").await?;
    gate.notify_one();
    rig.ready("waits").await?;
    assert_eq!(*diary.lock().unwrap(), ["done", "opened", "done"]);
    Ok(())
}

#[tokio::test]
async fn a_run_that_holds_its_permit_lets_no_other_run_until_it_goes_on() -> Result<()> {
    let (diary, gate) = (Diary::default(), Arc::default());
    let rig = rig_with("held", "holds", false, &diary, &gate).await?;
    for name in ["first", "second", "third"] {
        rig.create(name, json!({})).await?;
    }
    gate.notify_one();
    rig.ready("third").await?;
    assert_eq!(diary.lock().unwrap()[..2], ["opened", "done"]);
    Ok(())
}

#[tokio::test]
async fn a_new_spec_ends_what_is_waited_for_with_the_permit_held() -> Result<()> {
    let (diary, gate) = (Diary::default(), Arc::default());
    let rig = rig_with("held-interrupt", "holds", false, &diary, &gate).await?;
    rig.patch("holds", json!({"spec": {"interval": "20m"}})).await?;
    rig.ready("holds").await?;
    let superseded = format!("superseded by GitRepository/{}/holds", rig.namespace.name);
    assert_eq!(*diary.lock().unwrap(), [superseded, "done".to_owned()]);
    Ok(())
}

#[tokio::test]
async fn a_new_spec_cuts_a_wait_short() -> Result<()> {
    let (diary, gate) = (Diary::default(), Arc::default());
    let rig = rig("interrupt", false, &diary, &gate).await?;
    rig.patch("waits", json!({"spec": {"interval": "20m"}})).await?;
    let object = rig.ready("waits").await?;
    assert_eq!(object.observed_generation(), 2);
    let superseded = format!("superseded by GitRepository/{}/waits", rig.namespace.name);
    assert_eq!(*diary.lock().unwrap(), [superseded, "done".to_owned()]);
    Ok(())
}

#[tokio::test]
async fn without_the_switch_a_wait_ends_by_itself_and_the_new_spec_follows() -> Result<()> {
    let (diary, gate) = (Diary::default(), Arc::default());
    let rig = rig("switch", true, &diary, &gate).await?;
    rig.patch("waits", json!({"spec": {"interval": "20m"}})).await?;
    // A second object that has run shows that the change above was seen.
    rig.create("works", json!({})).await?;
    rig.ready("works").await?;
    gate.notify_one();
    let object = rig.until("waits", |object| object.observed_generation() == 2).await?;
    assert!(condition(&object, "Reconciling").is_none());
    assert_eq!(*diary.lock().unwrap(), ["done", "opened", "done", "done"]);
    Ok(())
}

#[tokio::test]
async fn a_change_of_a_watched_config_wakes_what_depends_on_it() -> Result<()> {
    let wakes_of = |runtime: &flux_runtime::Runtime| {
        let scope = Scope {
            namespace: Some(runtime.namespace().to_owned()),
            label_selector: Some("reconcile.fluxcd.io/watch=Enabled".to_owned()),
        };
        let configs = watch_metadata::<ConfigMap>(runtime.client.clone(), &scope, &runtime.tasks);
        wakes(&configs, |change| vec![ObjectKey::new(&change.key.namespace, "apps")])
    };
    let rig = start_with("config", Setup::default(), wakes_of, crate::toy::succeed()).await?;
    rig.create("apps", json!({})).await?;
    rig.ready("apps").await?;
    let labels = json!({"reconcile.fluxcd.io/watch": "Enabled"});
    for data in ["one", "two"] {
        let before = rig.runs();
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "vars", "labels": labels},
            "data": {"key": data}});
        rig.namespace.apply(&config.to_string()).await?;
        wait_for("the wake", SOON, async || {
            ensure!(rig.runs() > before, "{} runs", rig.runs());
            Ok(())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_controller_that_stops_cuts_its_waits_and_releases_its_lease() -> Result<()> {
    let (diary, gate) = (Diary::default(), Arc::default());
    let flags = ["--enable-leader-election".to_owned()];
    let setup = Setup { flags: &flags, ..Setup::default() };
    let rig = start_with("stop", setup, |_| futures::stream::pending(), waiting(&diary, &gate)).await?;
    assert!(rig.runtime.lead().await);
    rig.create("waits", json!({})).await?;
    rig.until("waits", |object| condition(object, "Reconciling").is_some()).await?;
    let leases: kube::Api<k8s_openapi::api::coordination::v1::Lease> = rig.namespace.api();
    let holder = async || {
        let lease = leases.get("toy-controller-leader-election").await?;
        lease.spec.and_then(|spec| spec.holder_identity).context("a holder")
    };
    assert!(!holder().await?.is_empty());
    rig.runtime.tasks.begin_stop();
    // The gate stays shut, so only a wait that is cut lets this end before the grace period does.
    tokio::time::timeout(std::time::Duration::from_secs(5), rig.runtime.clone().finish()).await??;
    assert_eq!(holder().await?, "");
    assert!(diary.lock().unwrap().is_empty());
    Ok(())
}
