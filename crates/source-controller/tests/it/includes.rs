use flux_api::source::v1::Source as _;

use crate::harness::{Harness, condition};

#[tokio::test]
async fn an_included_repository_is_waited_for_copied_and_followed() {
    let harness = Harness::new("includes").await;
    let app = harness.git.create("app").unwrap();
    let library = harness.git.create("library").unwrap();
    let commit = app.commit_files("main", "App", &[("app.yaml", "app"), ("taken/x", "x")]).unwrap();
    let spec = format!(
        "{}include:\n- repository:\n    name: library\n  fromPath: base\n  toPath: vendor/library\n",
        harness.main_of("app")
    );
    harness.apply("app", &spec).await;
    let name = &harness.namespace.name;
    assert_eq!(
        harness.fails("app", "NotFound").await,
        format!("could not get resource for include 'library': GitRepository/{name}/library not found")
    );
    let waiting = harness.until("app", |_| Ok(())).await;
    assert_eq!(condition(&waiting, "IncludeUnavailable").unwrap().reason, "NotFound");

    // Waiting takes half a minute; the watch takes none of it.
    library.commit_files("main", "Lib", &[("base/lib.yaml", "one"), ("other", "x")]).unwrap();
    harness.apply("library", &harness.main_of("library")).await;
    let revision = format!("main@sha1:{commit}");
    let first = harness.stored("app", &revision).await;
    assert_eq!(
        harness.served(&first).await,
        [
            "app.yaml 600 app",
            "taken/",
            "taken/x 600 x",
            "vendor/",
            "vendor/library/",
            "vendor/library/lib.yaml 600 one"
        ]
    );
    assert_eq!(first.status.as_ref().unwrap().included_artifacts.len(), 1);

    library.commit_files("main", "Lib 2", &[("base/lib.yaml", "two")]).unwrap();
    harness.run("library", "now").await;
    let second = harness
        .until("app", |object| {
            let digest =
                |object: &flux_api::source::v1::GitRepository| object.artifact().map(|found| found.digest.clone());
            anyhow::ensure!(digest(object).is_some() && digest(object) != digest(&first), "the old one");
            flux_testkit::ready(object).map(drop)
        })
        .await;
    assert_eq!(second.artifact().unwrap().revision, revision);
    assert!(harness.served(&second).await.contains(&"vendor/library/lib.yaml 600 two".to_owned()));

    let covering = spec.replace("vendor/library", "taken");
    harness.apply("app", &covering).await;
    assert_eq!(
        harness.fails("app", "CopyFailure").await,
        "failed to copy 'library' include from \"base\" to \"taken\": \"taken\" exists"
    );
}
