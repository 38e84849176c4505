use std::fs;

use anyhow::ensure;
use flux_api::meta::ConditionStatus;
use flux_api::source::v1::{GitRepository, Source as _};

use crate::harness::{Harness, condition};

/// Waits for the object to be Ready again, and fails when it was ever not Ready meanwhile in a way that a user would
/// take for a failure.
async fn heals(harness: &Harness, token: &str, good: &GitRepository) {
    let mut wrong = Vec::new();
    harness
        .until("app", |object| {
            let ready = condition(object, "Ready").unwrap();
            if ready.status == ConditionStatus::False {
                wrong.push(ready.clone());
            }
            let handled = object.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_deref());
            ensure!(handled == Some(token), "handled is {handled:?}");
            flux_testkit::ready(object)?;
            let (now, before) = (object.artifact().unwrap(), good.artifact().unwrap());
            ensure!((&now.digest, &now.revision) == (&before.digest, &before.revision), "another artifact");
            Ok(())
        })
        .await;
    assert_eq!(wrong, [], "no wrong status in between");
    let healed: GitRepository = harness.namespace.api().get("app").await.unwrap();
    assert_eq!(harness.served(&healed).await, ["a 600 1"]);
}

#[tokio::test]
async fn storage_that_is_lost_or_damaged_heals_without_a_wrong_status() {
    let mut harness = Harness::new("storage-lost").await;
    let commit = harness.git.create("app").unwrap().commit_files("main", "One", &[("a", "1")]).unwrap();
    harness.apply("app", &harness.main_of("app")).await;
    let good = harness.stored("app", &format!("main@sha1:{commit}")).await;
    let file = harness.controller.storage_folder().join(&good.artifact().unwrap().path);

    fs::remove_dir_all(harness.controller.storage_folder().join("gitrepository")).unwrap();
    harness.request("app", "lost").await;
    heals(&harness, "lost", &good).await;

    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    harness.request("app", "cut short").await;
    heals(&harness, "cut short", &good).await;
    let event = harness.event("app", "ArtifactVerificationFailed").await;
    assert_eq!(event["severity"], "error");

    // Over a restart too, where nothing is remembered of the file.
    harness.running.kill().unwrap();
    let mut altered = whole;
    altered[20] ^= 1;
    fs::write(&file, &altered).unwrap();
    fs::write(file.with_file_name(".draft-left"), "half").unwrap();
    harness.running = harness.controller.start().await.unwrap();
    harness.request("app", "restarted").await;
    heals(&harness, "restarted", &good).await;
    let news = harness.posted("app").into_iter().filter(|line| line.contains("NewArtifact")).count();
    assert_eq!(news, 1, "the same content is no news: {:?}", harness.posted("app"));
}

#[tokio::test]
async fn old_artifacts_go_by_age_and_number() {
    let harness = Harness::with("retention", flux_testkit::GitServerOptions::default(), |controller| {
        controller.flag("--artifact-retention-records=1")
    })
    .await;
    let repository = harness.git.create("app").unwrap();
    let first = repository.commit_files("main", "One", &[("a", "1")]).unwrap();
    harness.apply("app", &harness.main_of("app")).await;
    harness.stored("app", &format!("main@sha1:{first}")).await;
    let second = repository.commit_files("main", "Two", &[("a", "2")]).unwrap();
    harness.run("app", "1").await;
    let object = harness.stored("app", &format!("main@sha1:{second}")).await;
    harness.run("app", "2").await;
    let folder = harness.controller.storage_folder().join(&object.artifact().unwrap().path);
    let names: Vec<_> =
        fs::read_dir(folder.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, [format!("{second}.tar.gz").as_str()]);
}
