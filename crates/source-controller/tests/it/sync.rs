use anyhow::ensure;
use flux_api::source::v1::{GitRepository, Source as _};
use flux_testkit::{Change, wait_for};
use kube::ResourceExt as _;

use crate::harness::{Harness, SOON, condition, conditions};

#[tokio::test]
async fn a_first_sync_serves_the_tree_and_says_so() {
    let harness = Harness::new("first-sync").await;
    let repository = harness.git.create("app").unwrap();
    let changes = [
        Change::File("deploy/app.yaml", b"kind: ConfigMap\n"),
        Change::Executable("run.sh", b"#!/bin/sh\n"),
        Change::Link("etc", "/etc"),
    ];
    let commit = repository.commit("main", "Add the app\n\nWith a body.", &changes).unwrap();
    harness.apply("app", &harness.main_of("app")).await;

    let revision = format!("main@sha1:{commit}");
    let object = harness.stored("app", &revision).await;
    let message = format!("stored artifact for revision '{revision}'");
    assert_eq!(
        conditions(&object),
        [format!("Ready True Succeeded: {message}"), format!("ArtifactInStorage True Succeeded: {message}")]
    );
    let artifact = object.artifact().unwrap();
    assert_eq!(artifact.path, format!("gitrepository/{}/app/{commit}.tar.gz", harness.namespace.name));
    assert_eq!(artifact.url, format!("{}{}", harness.controller.storage_url().unwrap(), artifact.path));
    assert_eq!(
        harness.served(&object).await,
        ["deploy/", "deploy/app.yaml 600 kind: ConfigMap\n", "run.sh 700 #!/bin/sh\n"]
    );
    let event = harness.event("app", "NewArtifact").await;
    assert_eq!(event["message"], "stored artifact for commit 'Add the app'");
    assert_eq!(event["metadata"]["source.toolkit.fluxcd.io/revision"], revision);
    assert_eq!(event["metadata"]["source.toolkit.fluxcd.io/digest"], artifact.digest);
    assert_eq!(harness.posted("app").len(), 1, "{:?}", harness.posted("app"));
    assert_eq!(harness.recorded("app", "NewArtifact").await, "Normal: stored artifact for commit 'Add the app'");
}

#[tokio::test]
async fn a_new_commit_takes_the_place_of_the_old_one_while_both_are_served() {
    let harness = Harness::new("new-commit").await;
    let repository = harness.git.create("app").unwrap();
    let first = repository.commit_files("main", "One", &[("a", "1")]).unwrap();
    harness.apply("app", &harness.main_of("app")).await;
    let before = harness.stored("app", &format!("main@sha1:{first}")).await;

    let second = repository.commit_files("main", "Two", &[("a", "2")]).unwrap();
    harness.run("app", "now").await;
    let after = harness.stored("app", &format!("main@sha1:{second}")).await;
    assert_eq!(harness.served(&after).await, ["a 600 2"]);
    harness.download(before.artifact().unwrap()).await.unwrap();
    assert!(harness.posted("app").contains(&"info NewArtifact: stored artifact for commit 'Two'".to_owned()));
}

#[tokio::test]
async fn polls_without_news_are_small_and_write_nothing() {
    let harness = Harness::new("no-change").await;
    let repository = harness.git.create("app").unwrap();
    let commit = repository.commit_files("main", "One", &[("a", "1")]).unwrap();
    harness.apply("app", &format!("interval: 1s\n{}", harness.main_of("app"))).await;
    let object = harness.stored("app", &format!("main@sha1:{commit}")).await;
    let version = object.metadata.resource_version.clone();

    harness.git.forget_requests();
    let polls = async || {
        let listings = harness.git.requests().iter().filter(|request| request.kind == "info/refs").count();
        ensure!(listings >= 3, "{listings} polls");
        Ok(())
    };
    wait_for("three polls", SOON, polls).await.unwrap();
    let requests = harness.git.requests();
    let sent: u64 = requests.iter().map(|request| request.sent).sum();
    let polls = requests.iter().filter(|request| request.kind == "info/refs").count() as u64;
    assert!(sent / polls < 4096, "{sent} bytes in {polls} polls");
    let now: GitRepository = harness.namespace.api().get("app").await.unwrap();
    assert_eq!(now.metadata.resource_version, version);
    assert_eq!(
        harness.recorded("app", "GitOperationSucceeded").await,
        format!("Normal: no changes since last reconciliation: observed revision 'main@sha1:{commit}'")
    );
    assert!(!harness.posted("app").iter().any(|line| line.contains("GitOperationSucceeded")));
}

#[tokio::test]
async fn each_kind_of_reference_gives_its_revision() {
    let harness = Harness::new("references").await;
    let repository = harness.git.create("app").unwrap();
    let first = repository.commit_files("main", "One", &[("a", "1")]).unwrap();
    repository.tag("v1.0.0", &first).unwrap();
    repository.tag_annotated("v1.1.0", &first, "release").unwrap();
    let second = repository.commit_files("main", "Two", &[("a", "2")]).unwrap();
    let url = harness.git.url("app");
    for (name, reference, revision) in [
        ("tag", "tag: v1.0.0", format!("v1.0.0@sha1:{first}")),
        ("semver", "semver: 1.x", format!("v1.1.0@sha1:{first}")),
        ("name", "name: refs/heads/main", format!("refs/heads/main@sha1:{second}")),
        ("commit", &format!("commit: {first}"), format!("sha1:{first}")),
        ("branch", &format!("commit: {first}\n  branch: main"), format!("main@sha1:{first}")),
    ] {
        harness.apply(name, &format!("url: {url}\nref:\n  {reference}\n")).await;
        harness.stored(name, &revision).await;
    }
    // A tag that moved is another revision.
    repository.tag("v1.0.0", &second).unwrap();
    harness.run("tag", "now").await;
    harness.stored("tag", &format!("v1.0.0@sha1:{second}")).await;
}

#[tokio::test]
async fn a_suspended_object_is_left_alone_until_it_is_resumed() {
    let harness = Harness::new("suspend").await;
    let repository = harness.git.create("app").unwrap();
    let first = repository.commit_files("main", "One", &[("a", "1")]).unwrap();
    harness.apply("app", &harness.main_of("app")).await;
    harness.stored("app", &format!("main@sha1:{first}")).await;
    harness.apply("app", &format!("suspend: true\n{}", harness.main_of("app"))).await;
    let second = repository.commit_files("main", "Two", &[("a", "2")]).unwrap();
    harness.request("app", "ignored").await;
    // Another object's run shows that the controller has had its turn.
    harness.apply("other", &harness.main_of("app")).await;
    harness.stored("other", &format!("main@sha1:{second}")).await;
    let object: GitRepository = harness.namespace.api().get("app").await.unwrap();
    assert!(object.artifact().unwrap().revision.ends_with(&first));

    harness.apply("app", &format!("suspend: false\n{}", harness.main_of("app"))).await;
    harness.stored("app", &format!("main@sha1:{second}")).await;
}

#[tokio::test]
async fn a_deleted_object_takes_its_artifacts_and_objects_along() {
    let harness = Harness::new("deletion").await;
    let repository = harness.git.create("app").unwrap();
    let commit = repository.commit_files("main", "One", &[("a", "1")]).unwrap();
    harness.apply("app", &harness.main_of("app")).await;
    let object = harness.stored("app", &format!("main@sha1:{commit}")).await;
    let folder = harness.controller.storage_folder().join("gitrepository").join(&harness.namespace.name).join("app");
    assert!(folder.is_dir());
    assert_eq!(object.finalizers(), ["finalizers.fluxcd.io"]);

    let api: kube::Api<GitRepository> = harness.namespace.api();
    api.delete("app", &kube::api::DeleteParams::default()).await.unwrap();
    flux_testkit::wait_object(&api, "app", SOON, |object: Option<&GitRepository>| {
        ensure!(object.is_none(), "still there");
        Ok(())
    })
    .await
    .unwrap();
    assert!(!folder.exists());
}

#[tokio::test]
async fn metrics_tell_of_each_object() {
    let harness = Harness::new("metrics").await;
    let repository = harness.git.create("app").unwrap();
    let commit = repository.commit_files("main", "One", &[("a", "1")]).unwrap();
    harness.apply("app", &harness.main_of("app")).await;
    let object = harness.stored("app", &format!("main@sha1:{commit}")).await;
    assert!(condition(&object, "Ready").is_some());
    let labels = [
        "customresource_kind=\"GitRepository\"",
        "name=\"app\"",
        "ready=\"True\"",
        "suspended=\"false\"",
        &format!("revision=\"main@sha1:{commit}\""),
        &format!("url=\"{}\"", harness.git.url("app")),
    ];
    let told = async || {
        let found = harness.running.metric("gotk_resource_info", &labels).await?;
        ensure!((found - 1.0).abs() < f64::EPSILON, "{}", harness.running.metrics().await?);
        Ok(())
    };
    wait_for("the object's metric", SOON, told).await.unwrap();
}
