//! The event sink.

use std::time::Duration;

use anyhow::{Result, ensure};
use flux_testkit::{EventSink, SinkMood};

#[tokio::test]
async fn events_are_kept_however_they_are_answered() -> Result<()> {
    let sink = EventSink::start()?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    ensure!(client.post(sink.url()).body(r#"{"reason":"One"}"#).send().await?.status() == 202);
    sink.set_mood(SinkMood::Refuses(429));
    ensure!(client.post(sink.url()).body("no JSON").send().await?.status() == 429);
    let first = sink.wait_for("the first", Duration::from_secs(5), |event| event.body["reason"] == "One").await?;
    ensure!(first.headers.contains_key("content-length"));
    ensure!(sink.events().len() == 2);
    let missing = sink.wait_for("a third", Duration::from_millis(50), |event| event.body["reason"] == "Three").await;
    ensure!(missing.is_err_and(|err| format!("{err:#}").contains("2 events so far")));
    Ok(())
}

#[tokio::test]
async fn a_dropped_sink_refuses_connections() -> Result<()> {
    let sink = EventSink::start()?;
    let url = sink.url().to_owned();
    drop(sink);
    let client = reqwest::Client::builder().no_proxy().build()?;
    let refused = flux_testkit::wait_for("the port is closed", Duration::from_secs(5), async || {
        ensure!(client.post(&url).send().await.is_err(), "it answered");
        Ok(())
    });
    refused.await
}
