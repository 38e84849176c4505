//! Waiting for what was applied to be healthy.

use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::json;

use crate::bench::{Bench, condition, conditions, config_map};

/// A Deployment whose pods do as `outcome` says, and that fails after a second.
fn deployment(outcome: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  replicas: 1\n  progressDeadlineSeconds: 1\n  \
         selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata:\n      labels: {{app: web}}\n      \
         annotations: {{controlplane.test/outcome: {outcome}}}\n    spec:\n      containers:\n      - {{name: web, image: web}}\n"
    )
}

/// The same with time enough on any machine.
fn patient(outcome: &str) -> String {
    deployment(outcome).replace("progressDeadlineSeconds: 1", "progressDeadlineSeconds: 600")
}

/// A Deployment that never gets anywhere, and does not fail either.
fn pending() -> String {
    patient("unready")
}

#[tokio::test]
async fn a_healthy_deployment_makes_the_object_ready_and_healthy() {
    let bench = Bench::start("healthy", &[]).await;
    bench.publish("1", &[("app/web.yaml", &patient("run"))]).await;
    bench.kustomization("app", json!({"wait": true})).await;

    let object = bench.ready("app", "1").await;

    assert_eq!(conditions(&object), ["Ready=True ReconciliationSucceeded", "Healthy=True Succeeded"]);
    let message = &condition(&object, "Healthy").unwrap().message;
    assert!(message.starts_with("Health check passed in "), "{message}");
    assert_eq!(bench.event("app", "Health check passed in ").await, ("Normal".to_owned(), "Progressing".to_owned()));
}

#[tokio::test]
async fn a_failed_deployment_fails_the_health_check_before_the_timeout() {
    let bench = Bench::start("unhealthy", &[]).await;
    bench.publish("1", &[("app/web.yaml", &deployment("unready"))]).await;
    bench.kustomization("app", json!({"wait": true, "timeout": "5m"})).await;

    let message = bench.fails("app", "HealthCheckFailed").await;

    assert!(message.starts_with("health check failed after "), "{message}");
    assert!(message.contains(&format!("Deployment/{}/web", bench.ns.name)), "{message}");
    // The one fact that blocks it, and since when.
    assert!(message.contains(": Pod web-") && message.contains(r#": container "web" is not ready"#), "{message}");
    assert!(message.ends_with(" (since main@sha1:1)"), "{message}");
    let fields = bench.event_fields("app", "health check failed after ").await;
    let field = |name: &str| fields[&format!("kustomize.toolkit.fluxcd.io/{name}")].clone();
    assert_eq!(field("blockedBy"), format!("Deployment/{}/web", bench.ns.name));
    assert!(field("blockedReason").ends_with(r#"container "web" is not ready"#), "{fields:?}");
    assert_eq!((field("blockedSince"), field("revision")), ("main@sha1:1".to_owned(), "main@sha1:1".to_owned()));
    let object = bench.until("app", |object| Ok(object.clone())).await;
    assert_eq!(
        conditions(&object),
        ["Ready=False HealthCheckFailed", "Healthy=False HealthCheckFailed", "Reconciling=True ProgressingWithRetry"]
    );
    let status = object.status.as_ref().unwrap();
    assert_eq!(status.history[0].last_reconciled_status, "HealthCheckFailed");
    assert_eq!(status.last_applied_revision, None);
    assert_eq!(status.inventory.as_ref().unwrap().entries.len(), 1);
}

#[tokio::test]
async fn a_new_revision_interrupts_the_wait_for_an_old_one() {
    let bench = Bench::start("interrupt", &[]).await;
    bench.publish("1", &[("app/web.yaml", &pending())]).await;
    bench.kustomization("app", json!({"wait": true, "timeout": "10m"})).await;
    bench
        .until("app", |object| {
            let healthy = condition(object, "Healthy").map(|healthy| healthy.reason.clone());
            ensure!(healthy.as_deref() == Some("Progressing"), "{healthy:?}");
            Ok(())
        })
        .await;

    let started = Instant::now();
    bench.publish("2", &[("app/web.yaml", &patient("run"))]).await;

    bench.ready("app", "2").await;
    assert!(started.elapsed() < Duration::from_secs(30));
    let note =
        format!("Health checks canceled due to new reconciliation triggered by GitRepository/{}/repo", bench.ns.name);
    assert_eq!(bench.event("app", &note).await, ("Normal".to_owned(), "HealthCheckCanceled".to_owned()));
}

#[tokio::test]
async fn objects_that_wait_leave_room_for_others_to_work() {
    let bench = Bench::start("permits", &["--concurrent=1"]).await;
    bench.publish("1", &[("app/web.yaml", &pending()), ("other/one.yaml", &config_map("one", "a"))]).await;
    for n in 0..3 {
        bench
            .kustomization(
                &format!("waits-{n}"),
                json!({"wait": true, "timeout": "10m", "namePrefix": format!("n{n}-")}),
            )
            .await;
    }
    for n in 0..3 {
        bench
            .until(&format!("waits-{n}"), |object| {
                ensure!(condition(object, "Healthy").is_some(), "not waiting yet");
                Ok(())
            })
            .await;
    }

    bench.kustomization("works", json!({"path": "./other"})).await;

    bench.ready("works", "1").await;
}

#[tokio::test]
async fn named_objects_and_expressions_decide_health() {
    let bench = Bench::start("expressions", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "starting"))]).await;
    let spec = json!({
        "healthChecks": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "one", "namespace": bench.ns.name}],
        "healthCheckExprs": [{
            "apiVersion": "v1", "kind": "ConfigMap", "current": "data.key == 'done'", "failed": "data.key == 'broken'",
        }],
        "timeout": "10m",
    });
    bench.kustomization("app", spec).await;
    bench
        .until("app", |object| {
            ensure!(condition(object, "Healthy").is_some(), "not waiting yet");
            Ok(())
        })
        .await;

    bench.publish("2", &[("app/one.yaml", &config_map("one", "broken"))]).await;
    bench.fails("app", "HealthCheckFailed").await;

    bench.publish("3", &[("app/one.yaml", &config_map("one", "done"))]).await;
    bench.ready("app", "3").await;
}

#[tokio::test]
async fn a_health_expression_that_does_not_compile_stalls_the_object() {
    let bench = Bench::start("expression-broken", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    let expressions = json!([{"apiVersion": "v1", "kind": "ConfigMap", "current": "data."}]);
    bench.kustomization("app", json!({"wait": true, "healthCheckExprs": expressions})).await;

    let message = bench.fails("app", "InvalidCELExpression").await;

    assert!(message.starts_with("Reconciliation failed terminally due to configuration error: "), "{message}");
}
