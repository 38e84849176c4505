//! What a user sees when something is wrong, and that the last good state stays.

use serde_json::json;

use crate::bench::{Bench, condition, conditions, config_map, inventory};

#[tokio::test]
async fn a_broken_build_names_the_file_and_keeps_the_last_state() {
    let bench = Bench::start("broken-build", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("app", json!({})).await;
    bench.ready("app", "1").await;

    bench.publish("2", &[("app/one.yaml", "apiVersion: v1\nkind: [")]).await;
    let message = bench.fails("app", "BuildFailed").await;

    assert!(message.contains("app/one.yaml"), "{message}");
    let object = bench.until("app", |object| Ok(object.clone())).await;
    assert_eq!(conditions(&object), ["Ready=False BuildFailed", "Reconciling=True ProgressingWithRetry"]);
    let step = &condition(&object, "Reconciling").unwrap().message;
    assert_eq!(step, "Building manifests for revision main@sha1:2 with a timeout of 30s");
    assert_eq!(inventory(&object), ["_one__ConfigMap"]);
    let status = object.status.unwrap();
    assert_eq!(status.last_applied_revision.as_deref(), Some("main@sha1:1"));
    assert_eq!(status.last_attempted_revision.as_deref(), Some("main@sha1:2"));
    assert_eq!(status.history.len(), 1);
    assert_eq!(bench.config_value("one", "key").await.as_deref(), Some("a"));
    assert_eq!(bench.event("app", &message).await, ("Warning".to_owned(), "BuildFailed".to_owned()));

    bench.publish("3", &[("app/one.yaml", &config_map("one", "fixed"))]).await;
    bench.ready("app", "3").await;
}

#[tokio::test]
async fn all_invalid_objects_of_a_stage_are_named_and_none_is_applied() {
    let bench = Bench::start("invalid", &[]).await;
    let invalid = |name: &str| {
        format!("apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\nspec:\n  ports:\n  - port: 99999\n")
    };
    bench
        .publish(
            "1",
            &[
                ("app/good.yaml", &config_map("good", "a")),
                ("app/x.yaml", &invalid("bad-x")),
                ("app/y.yaml", &invalid("bad-y")),
            ],
        )
        .await;
    bench.kustomization("app", json!({})).await;

    let message = bench.fails("app", "ReconciliationFailed").await;

    let parts: Vec<&str> = message.split("; ").collect();
    assert_eq!(parts.len(), 2, "{message}");
    for (part, name) in [(parts[0], "x"), (parts[1], "y")] {
        let start = format!("Service/{}/bad-{name} dry-run failed (Invalid): ", bench.ns.name);
        assert!(part.starts_with(&start) && part.ends_with(&format!(r#" (in "app/{name}.yaml")"#)), "{part}");
    }
    assert!(bench.config_map("good").await.is_none());
    let object = bench.until("app", |object| Ok(object.clone())).await;
    assert_eq!(inventory(&object), [""; 0]);
    let history = object.status.unwrap().history;
    assert_eq!(history[0].last_reconciled_status, "ReconciliationFailed");
}

#[tokio::test]
async fn a_missing_source_and_a_missing_path_are_told() {
    let bench = Bench::start("missing", &[]).await;
    bench.kustomization("app", json!({})).await;
    let message = bench.fails("app", "ArtifactFailed").await;
    assert!(message.contains("\"repo\" not found"), "{message}");
    let object = bench.until("app", |object| Ok(object.clone())).await;
    assert_eq!(conditions(&object), ["Ready=False ArtifactFailed"]);

    // The new source wakes the object: nothing here waits for an interval.
    bench.publish("1", &[("elsewhere/one.yaml", &config_map("one", "a"))]).await;
    let object = bench
        .until("app", |object| {
            let message = condition(object, "Ready").map(|ready| ready.message.clone()).unwrap_or_default();
            anyhow::ensure!(message.starts_with("kustomization path not found: "), "{message}");
            Ok(object.clone())
        })
        .await;
    assert!(condition(&object, "Ready").unwrap().message.contains("app"));

    bench.publish("2", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.ready("app", "2").await;
}

#[tokio::test]
async fn an_artifact_that_is_not_what_was_announced_is_refused() {
    let bench = Bench::start("wrong-digest", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.artifacts.serve(&format!("gitrepository/{}/repo/1.tar.gz", bench.ns.name), &[("app/evil.yaml", "x: y")]);
    bench.kustomization("app", json!({})).await;

    let message = bench.fails("app", "ArtifactFailed").await;

    assert!(message.contains("digest"), "{message}");
    assert!(bench.config_map("one").await.is_none());
}

#[tokio::test]
async fn an_unset_variable_fails_the_build_and_names_it() {
    let bench = Bench::start("unset", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "${MISSING}"))]).await;
    bench.kustomization("app", json!({"postBuild": {"substitute": {"OTHER": "x"}}})).await;

    let message = bench.fails("app", "BuildFailed").await;

    assert!(message.contains(r#"variable not set (strict mode): "MISSING""#), "{message}");
    bench.patch("app", json!({"spec": {"postBuild": {"substitute": {"MISSING": "found"}}}})).await;
    bench.ready("app", "1").await;
}

#[tokio::test]
async fn a_secret_that_is_still_encrypted_is_not_applied() {
    let bench = Bench::start("encrypted", &[]).await;
    let secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: login\nstringData:\n  password: ENC[AES256_GCM,data:x]\nsops:\n  mac: x\n";
    bench.publish("1", &[("app/one.yaml", secret)]).await;
    bench.kustomization("app", json!({})).await;

    let message = bench.fails("app", "ReconciliationFailed").await;

    let expected = format!(
        "Secret/{}/login is SOPS encrypted, configuring decryption is required for this secret to be reconciled",
        bench.ns.name
    );
    assert_eq!(message, expected);
}
