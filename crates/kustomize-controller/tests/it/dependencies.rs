//! Objects that depend on others start when those are ready, and at once.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::bench::{Bench, condition, config_map};

#[tokio::test]
async fn a_dependant_waits_and_starts_when_its_dependency_is_ready() {
    let bench = Bench::start("depends", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("app", json!({"dependsOn": [{"name": "base"}]})).await;
    let message = bench.fails("app", "DependencyNotReady").await;
    assert!(message.starts_with(&format!("dependency '{}/base' not found", bench.ns.name)), "{message}");
    bench.event("app", "Dependencies do not meet ready condition, retrying in 30s").await;

    bench.kustomization("base", json!({"namePrefix": "base-"})).await;

    bench.ready("base", "1").await;
    let started = Instant::now();
    bench.ready("app", "1").await;
    assert!(started.elapsed() < Duration::from_secs(10), "the dependant was not woken");
}

#[tokio::test]
async fn a_dependant_waits_for_its_dependencys_new_revision() {
    let bench = Bench::start("depends-revision", &[]).await;
    bench.publish("1", &[("base/one.yaml", &config_map("base", "a")), ("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("base", json!({"path": "./base"})).await;
    bench.kustomization("app", json!({"dependsOn": [{"name": "base"}]})).await;
    bench.ready("app", "1").await;

    bench.publish("2", &[("base/one.yaml", "broken: ["), ("app/one.yaml", &config_map("one", "b"))]).await;
    let cause = bench.fails("base", "BuildFailed").await;
    let message = format!("dependency '{}/base' is not ready: BuildFailed: {cause}", bench.ns.name);
    bench
        .until("app", |object| {
            let ready = condition(object, "Ready").context("no Ready")?;
            ensure!(ready.message == message, "{}", ready.message);
            Ok(())
        })
        .await;
    assert_eq!(bench.config_value("one", "key").await.as_deref(), Some("a"));

    bench.publish("3", &[("base/one.yaml", &config_map("base", "a")), ("app/one.yaml", &config_map("one", "c"))]).await;
    bench.ready("app", "3").await;
}

#[tokio::test]
async fn an_expression_decides_when_a_dependency_is_ready() {
    let bench = Bench::start("depends-expression", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("base", json!({"namePrefix": "base-"})).await;
    bench.ready("base", "1").await;
    let expression = "dep.metadata.labels['stage'] == self.metadata.labels['stage']";
    bench.kustomization("app", json!({"dependsOn": [{"name": "base", "readyExpr": expression}]})).await;
    bench.patch("app", json!({"metadata": {"labels": {"stage": "two"}}})).await;
    bench.fails("app", "DependencyNotReady").await;

    bench.patch("base", json!({"metadata": {"labels": {"stage": "two"}}})).await;

    bench.ready("app", "1").await;
}

#[tokio::test]
async fn an_expression_that_does_not_compile_stalls_the_object() {
    let bench = Bench::start("depends-broken", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("base", json!({"namePrefix": "base-"})).await;
    bench.kustomization("app", json!({"dependsOn": [{"name": "base", "readyExpr": "dep."}]})).await;

    let message = bench.fails("app", "InvalidCELExpression").await;

    assert!(message.starts_with("Reconciliation failed terminally due to configuration error: "), "{message}");
    let object = bench.until("app", |object| Ok(object.clone())).await;
    assert!(condition(&object, "Stalled").is_some());
}

#[tokio::test]
async fn a_chain_of_ten_is_ready_without_waiting() {
    let bench = Bench::start("chain", &[]).await;
    for n in 0..10 {
        let depends_on = if n == 0 { json!([]) } else { json!([{"name": format!("k{}", n - 1)}]) };
        bench.kustomization(&format!("k{n}"), json!({"namePrefix": format!("k{n}-"), "dependsOn": depends_on})).await;
    }
    for n in 0..10 {
        bench.fails(&format!("k{n}"), "ArtifactFailed").await;
    }

    let started = Instant::now();
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.ready("k9", "1").await;
    let elapsed = started.elapsed();

    println!("a chain of ten was ready after {elapsed:?}");
    // The aim is two seconds; the bound leaves room for a machine that does other work, and is far below one poll.
    assert!(elapsed < Duration::from_secs(15), "{elapsed:?}");
    bench
        .until("k9", |object| {
            let attempts = object.status.as_ref().context("no status")?.history.len();
            ensure!(attempts == 1, "{attempts} entries");
            Ok(())
        })
        .await;
}
