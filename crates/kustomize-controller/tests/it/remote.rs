//! Bases and files that a kustomization names by address.

use flux_testkit::{GitServer, GitServerOptions};
use serde_json::json;

use crate::bench::{Bench, config_map};

/// A repository with one base, which also lies behind a link.
fn serve() -> (GitServer, String) {
    let server = GitServer::start(GitServerOptions::default()).unwrap();
    let repository = server.create("bases").unwrap();
    let base = "resources: [../shared/one.yaml]\n";
    repository.commit_files("main", "First", &[("base/kustomization.yaml", base), ("shared/one.yaml", "")]).unwrap();
    let one = config_map("one", "remote");
    repository
        .commit_files(
            "main",
            "Second",
            &[("base/kustomization.yaml", "resources: [one.yaml]\n"), ("base/one.yaml", &one)],
        )
        .unwrap();
    let url = server.url("bases");
    (server, url)
}

#[tokio::test]
async fn bases_and_files_elsewhere_are_fetched() {
    let bench = Bench::start("remote", &[]).await;
    let (_server, url) = serve();
    let two = bench.artifacts.serve_file("two.yaml", &config_map("two", "file"));
    let kustomization = format!("resources: ['{url}//base?ref=main', '{two}']\nnamePrefix: far-\n");
    bench.publish("1", &[("app/kustomization.yaml", &kustomization)]).await;
    bench.kustomization("app", json!({})).await;

    bench.ready("app", "1").await;

    assert_eq!(bench.config_value("far-one", "key").await.as_deref(), Some("remote"));
    assert_eq!(bench.config_value("far-two", "key").await.as_deref(), Some("file"));
}

#[tokio::test]
async fn bases_elsewhere_that_are_not_there_fail_the_build_by_name() {
    let bench = Bench::start("remote-missing", &[]).await;
    let (_server, url) = serve();
    bench.publish("1", &[("app/kustomization.yaml", &format!("resources: ['{url}//base?ref=v9']\n"))]).await;
    bench.kustomization("app", json!({})).await;

    let message = bench.fails("app", "BuildFailed").await;

    let start = "kustomize build failed: ";
    assert!(message.starts_with(start) && message.contains("couldn't find remote ref \"refs/heads/v9\""), "{message}");
}

#[tokio::test]
async fn bases_elsewhere_are_refused_where_the_flag_says_so() {
    let bench = Bench::start("remote-refused", &["--no-remote-bases"]).await;
    let (server, url) = serve();
    bench.publish("1", &[("app/kustomization.yaml", &format!("resources: ['{url}//base?ref=main']\n"))]).await;
    bench.kustomization("app", json!({})).await;

    let message = bench.fails("app", "BuildFailed").await;

    assert!(message.starts_with("kustomize build failed: ") && message.contains(&url), "{message}");
    assert!(server.requests().is_empty());
}
