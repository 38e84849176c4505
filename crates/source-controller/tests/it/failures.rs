use flux_api::source::v1::Source as _;
use flux_testkit::{Authentication, GitFault, GitServerOptions};

use crate::harness::{Harness, condition, conditions};

#[tokio::test]
async fn wrong_credentials_are_said_without_repeating_them() {
    let authentication = Authentication::Basic("jane".to_owned(), "right-password".to_owned());
    let options = GitServerOptions { authentication, ..GitServerOptions::default() };
    let harness = Harness::with("credentials", options, |controller| controller).await;
    let commit = harness.git.create("app").unwrap().commit_files("main", "One", &[("a", "1")]).unwrap();
    let spec = harness.main_of("app");
    harness.apply("app", &spec).await;
    let url = harness.git.url("app");
    let start = format!("failed to checkout and determine revision of 'refs/heads/main': unable to clone '{url}': ");
    let message = harness.fails("app", "GitOperationFailed").await;
    assert_eq!(message, format!("{start}authentication required"));

    harness.secret("git", &[("username", "jane"), ("password", "wrong-password")]).await;
    harness.apply("app", &format!("{spec}secretRef:\n  name: git\n")).await;
    let object = harness
        .until("app", |object| {
            let message = &condition(object, "Ready").unwrap().message;
            anyhow::ensure!(message.starts_with(&start) && !message.ends_with("required"), "{message}");
            Ok(())
        })
        .await;
    assert!(!conditions(&object).concat().contains("wrong-password"));
    assert!(!harness.running.logs().unwrap().contains("wrong-password"));

    harness.secret("git", &[("username", "jane"), ("password", "right-password")]).await;
    harness.request("app", "mended").await;
    harness.stored("app", &format!("main@sha1:{commit}")).await;
}

#[tokio::test]
async fn a_missing_secret_or_half_of_it_is_an_authentication_failure() {
    let harness = Harness::new("secrets").await;
    harness.git.create("app").unwrap().commit_files("main", "One", &[("a", "1")]).unwrap();
    let spec = format!("{}secretRef:\n  name: git\n", harness.main_of("app"));
    harness.apply("app", &spec).await;
    let key = format!("{}/git", harness.namespace.name);
    assert_eq!(
        harness.fails("app", "AuthenticationFailed").await,
        format!("failed to get secret '{key}': Secret/{key} not found")
    );
    harness.secret("git", &[("password", "secret")]).await;
    harness.request("app", "again").await;
    let half = "failed to configure authentication options: invalid 'http' auth option: 'password' requires 'username' to be set";
    let object = harness
        .until("app", |object| {
            let message = &condition(object, "Ready").unwrap().message;
            anyhow::ensure!(message == half, "{message}");
            Ok(())
        })
        .await;
    assert_eq!(condition(&object, "FetchFailed").unwrap().reason, "AuthenticationFailed");
}

#[tokio::test]
async fn what_the_server_does_not_have_is_named() {
    let harness = Harness::new("missing").await;
    let repository = harness.git.create("app").unwrap();
    repository.commit_files("main", "One", &[("a", "1")]).unwrap();
    harness.git.create("empty").unwrap();
    let url = harness.git.url("app");
    harness.apply("branch", &format!("url: {url}\nref:\n  branch: nope\n")).await;
    assert_eq!(
        harness.fails("branch", "GitOperationFailed").await,
        format!(
            "failed to checkout and determine revision of 'refs/heads/nope': unable to clone '{url}': \
             couldn't find remote ref \"refs/heads/nope\""
        )
    );
    harness.apply("range", &format!("url: {url}\nref:\n  semver: '>=2.0.0'\n")).await;
    let message = harness.fails("range", "GitOperationFailed").await;
    assert!(message.ends_with("no match found for semver: >=2.0.0"), "{message}");
    harness.apply("empty", &harness.main_of("empty")).await;
    assert_eq!(harness.fails("empty", "EmptyGitRepository").await, "git repository is empty");
    harness.apply("gone", &harness.main_of("gone")).await;
    let message = harness.fails("gone", "GitOperationFailed").await;
    assert!(message.contains(&harness.git.url("gone")), "{message}");
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_retried_and_named() {
    let harness = Harness::new("unreachable").await;
    let port = flux_testkit::ReservedPort::new().unwrap();
    let url = format!("http://{}/app.git", port.address());
    harness.apply("app", &format!("url: {url}\n")).await;
    let message = harness.fails("app", "GitOperationFailed").await;
    let start = format!("failed to checkout and determine revision of 'refs/heads/master': unable to clone '{url}'");
    assert!(message.starts_with(&start), "{message}");
    let object = harness.until("app", |_| Ok(())).await;
    assert_eq!(condition(&object, "Reconciling").unwrap().reason, "ProgressingWithRetry");
    assert_eq!(object.status.unwrap().observed_generation, Some(-1));
}

#[tokio::test]
async fn what_only_an_edit_can_mend_stalls() {
    let harness = Harness::new("stalled").await;
    harness.git.create("app").unwrap().commit_files("main", "One", &[("a", "1")]).unwrap();
    let main = harness.main_of("app");
    for (name, spec, reason) in [
        ("url", "url: https://[nonsense\n".to_owned(), "URLInvalid"),
        ("github", format!("{main}provider: github\n"), "InvalidProviderConfiguration"),
        ("account", format!("{main}provider: azure\nserviceAccountName: me\n"), "FeatureGateDisabled"),
        ("sparse", format!("{main}sparseCheckout:\n- nowhere\n"), "GitOperationFailed"),
    ] {
        harness.apply(name, &spec).await;
        let message = harness.fails(name, reason).await;
        let object = harness.until(name, |_| Ok(())).await;
        let stalled = condition(&object, "Stalled").unwrap_or_else(|| panic!("{:?}", conditions(&object)));
        assert_eq!((stalled.reason.as_str(), &stalled.message), (reason, &message));
        assert_eq!(object.status.as_ref().unwrap().observed_generation, object.metadata.generation);
        assert!(condition(&object, "Reconciling").is_none());
    }
}

#[tokio::test]
async fn hostile_answers_end_in_bounded_time_while_the_last_good_artifact_is_served() {
    let harness = Harness::new("hostile").await;
    let repository = harness.git.create("app").unwrap();
    let first = repository.commit_files("main", "One", &[("a", "1")]).unwrap();
    let spec = format!("timeout: 2s\n{}", harness.main_of("app"));
    harness.apply("app", &spec).await;
    let good = harness.stored("app", &format!("main@sha1:{first}")).await;
    let second = repository.commit_files("main", "Two", &[("a", "2")]).unwrap();
    for (token, fault) in [
        ("2", GitFault::EndlessPack),
        ("3", GitFault::CorruptPack),
        ("4", GitFault::CutPack),
        ("5", GitFault::Silent),
        ("6", GitFault::Status(500)),
    ] {
        harness.git.set_fault(fault);
        let object = harness.run("app", token).await;
        let ready = condition(&object, "Ready").unwrap();
        assert_eq!(ready.reason, "GitOperationFailed", "{fault:?}: {}", ready.message);
        assert!(ready.message.contains("refs/heads/main") && ready.message.contains(&harness.git.url("app")));
        assert_eq!(object.artifact(), good.artifact(), "{fault:?}");
        harness.download(object.artifact().unwrap()).await.unwrap();
    }
    harness.git.set_fault(GitFault::None);
    harness.run("app", "mended").await;
    let healed = harness.stored("app", &format!("main@sha1:{second}")).await;
    assert_eq!(harness.served(&healed).await, ["a 600 2"]);
}

#[tokio::test]
async fn recovery_is_announced_even_when_nothing_is_new() {
    let harness = Harness::new("recovery").await;
    let commit = harness.git.create("app").unwrap().commit_files("main", "One", &[("a", "1")]).unwrap();
    harness.apply("app", &harness.main_of("app")).await;
    let revision = format!("main@sha1:{commit}");
    harness.stored("app", &revision).await;
    harness.git.set_fault(GitFault::Status(503));
    harness.run("app", "1").await;
    harness.git.set_fault(GitFault::None);
    harness.run("app", "2").await;
    harness.stored("app", &revision).await;
    let event = harness.event("app", "Succeeded").await;
    assert_eq!(event["message"], format!("stored artifact for commit '{revision}'"));
    let errors = harness.posted("app").into_iter().filter(|line| line.starts_with("error GitOperationFailed")).count();
    assert!(errors >= 1);
}
