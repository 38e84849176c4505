use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use flux_runtime::{Notice, Severity};
use flux_testkit::{EventSink, SinkMood, wait_for};
use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde_json::json;

use crate::toy::{Rig, SOON, Setup, Story, done, start_with, story};

/// A story that sends a trace and then an info event with the object's name in it.
fn telling() -> Story {
    story(|facts, run| {
        run.mask(b"hunter2hunter2");
        let name = run.object.metadata.name.clone().unwrap();
        let notice = |severity, message: String| Notice {
            severity,
            reason: "NewArtifact".to_owned(),
            message,
            metadata: [("revision".to_owned(), "main@sha1:ab".to_owned())].into(),
        };
        facts.notices.push(notice(Severity::Trace, format!("traced {name}")));
        facts.notices.push(notice(Severity::Info, format!("stored {name} with hunter2hunter2")));
        Box::pin(async { Ok(done()) })
    })
}

async fn rig(test: &str, sink: &EventSink) -> Result<Rig> {
    let flags = [format!("--events-addr={}", sink.url())];
    start_with(test, Setup { flags: &flags, ..Setup::default() }, |_| futures::stream::pending(), telling()).await
}

async fn cluster_event(rig: &Rig, message: &str, count: i32) -> Result<Event> {
    let api: Api<Event> = rig.namespace.api();
    wait_for("the event in the cluster", SOON, async || {
        let all = api.list(&ListParams::default()).await?;
        let texts: Vec<_> = all.items.iter().map(|event| (event.message.clone(), event.count)).collect();
        let found = all.items.into_iter().find(|event| event.message.as_deref() == Some(message));
        let found = found.with_context(|| format!("{texts:?}"))?;
        ensure!(found.count == Some(count), "{texts:?}");
        Ok(found)
    })
    .await
}

fn posted(sink: &EventSink, message: &str) -> usize {
    sink.events().iter().filter(|event| event.body["message"] == message).count()
}

#[tokio::test]
async fn an_event_goes_to_the_cluster_and_to_the_receiver() -> Result<()> {
    let sink = EventSink::start()?;
    let rig = rig("events", &sink).await?;
    rig.create("apps", json!({})).await?;
    let object = rig.ready("apps").await?;
    let event = cluster_event(&rig, "stored apps with *****", 1).await?;
    assert_eq!((event.type_.as_deref(), event.reason.as_deref()), (Some("Normal"), Some("NewArtifact")));
    assert_eq!(event.reporting_component.as_deref(), Some("toy-controller"));
    assert_eq!(event.source.and_then(|source| source.component).as_deref(), Some("toy-controller"));
    assert_eq!(event.involved_object.uid, object.metadata.uid);
    let annotations = event.metadata.annotations.context("annotations")?;
    assert_eq!(annotations["source.toolkit.fluxcd.io/revision"], "main@sha1:ab");

    let taken = sink.wait_for("the post", SOON, |event| event.body["message"] == "stored apps with *****").await?;
    assert_eq!(taken.body["severity"], "info");
    assert_eq!(taken.body["reportingController"], "toy-controller");
    assert_eq!(taken.body["metadata"], json!({"source.toolkit.fluxcd.io/revision": "main@sha1:ab"}));
    assert_eq!(taken.body["involvedObject"]["kind"], "GitRepository");
    cluster_event(&rig, "traced apps", 1).await?;
    assert_eq!(posted(&sink, "traced apps"), 0);
    Ok(())
}

#[tokio::test]
async fn a_repeated_event_raises_the_count_of_the_first() -> Result<()> {
    let sink = EventSink::start()?;
    let rig = rig("repeat", &sink).await?;
    rig.create("apps", json!({})).await?;
    rig.ready("apps").await?;
    cluster_event(&rig, "stored apps with *****", 1).await?;
    rig.patch("apps", json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "1"}}})).await?;
    cluster_event(&rig, "stored apps with *****", 2).await?;
    Ok(())
}

/// A client that does what it is asked, but does not hear the answer to the first event it creates.
fn deaf_once(client: kube::Client) -> kube::Client {
    let heard = Arc::new(AtomicBool::new(true));
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let event = request.method() == http::Method::POST && request.uri().path().ends_with("/events");
        let (client, heard) = (client.clone(), Arc::clone(&heard));
        async move {
            let answer = client.send(request).await?;
            if event && heard.swap(false, Ordering::SeqCst) {
                return Err(kube::Error::Service("the connection broke".into()));
            }
            Ok(answer)
        }
    });
    kube::Client::new(service, "default")
}

#[tokio::test]
async fn an_event_that_was_written_unheard_counts_as_delivered() -> Result<()> {
    let setup = Setup { client: Some(deaf_once), ..Setup::default() };
    let rig = start_with("unheard", setup, |_| futures::stream::pending(), telling()).await?;
    rig.create("apps", json!({})).await?;
    rig.ready("apps").await?;
    cluster_event(&rig, "traced apps", 1).await?;
    cluster_event(&rig, "stored apps with *****", 1).await?;
    rig.patch("apps", json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "1"}}})).await?;
    cluster_event(&rig, "traced apps", 2).await?;
    assert!(!rig.runtime.metrics.text().contains("undelivered"));
    Ok(())
}

#[tokio::test]
async fn a_receiver_that_never_answers_holds_up_no_run() -> Result<()> {
    let sink = EventSink::start()?;
    sink.set_mood(SinkMood::Silent);
    let rig = rig("silent", &sink).await?;
    let names = ["a", "b", "c"];
    for name in names {
        rig.create(name, json!({})).await?;
    }
    for name in names {
        rig.ready(name).await?;
        cluster_event(&rig, &format!("stored {name} with *****"), 1).await?;
    }
    // The first post is still waiting for its answer.
    assert!(sink.events().len() <= 1);
    Ok(())
}

#[tokio::test]
async fn a_receiver_that_fails_is_asked_again() -> Result<()> {
    let sink = EventSink::start()?;
    sink.set_mood(SinkMood::Refuses(503));
    let rig = rig("refused", &sink).await?;
    rig.create("apps", json!({})).await?;
    let message = "stored apps with *****";
    sink.wait_for("the first post", SOON, |event| event.body["message"] == message).await?;
    sink.set_mood(SinkMood::Accepts);
    wait_for("the second post", SOON, async || {
        ensure!(posted(&sink, message) == 2, "{} posts", posted(&sink, message));
        Ok(())
    })
    .await?;
    tokio::time::timeout(SOON, rig.runtime.events.flush(Duration::MAX)).await?;
    Ok(())
}

#[tokio::test]
async fn a_receiver_that_knows_the_event_is_not_asked_again() -> Result<()> {
    let sink = EventSink::start()?;
    sink.set_mood(SinkMood::Refuses(429));
    let rig = rig("known", &sink).await?;
    for name in ["a", "b"] {
        rig.create(name, json!({})).await?;
        sink.wait_for("the post", SOON, |event| event.body["message"] == format!("stored {name} with *****")).await?;
    }
    assert_eq!(posted(&sink, "stored a with *****"), 1);
    Ok(())
}
