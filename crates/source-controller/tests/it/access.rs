use flux_testkit::{
    Authentication, ClientCertificates, GitServerOptions, SshGitServer, SshGitServerOptions, SshKey, TestAuthority,
};
use serde_json::json;

use crate::harness::Harness;

#[tokio::test]
async fn private_authorities_client_certificates_and_tokens_open_a_server() {
    let authority = TestAuthority::new().unwrap();
    let client = authority.client("flux").unwrap();
    let ca = authority.certificate();
    let options = GitServerOptions {
        authentication: Authentication::Bearer("token-of-flux".to_owned()),
        tls: Some((authority, ClientCertificates::Required)),
        ..GitServerOptions::default()
    };
    let harness = Harness::with("tls", options, |controller| controller).await;
    let commit = harness.git.create("app").unwrap().commit_files("main", "One", &[("a", "1")]).unwrap();
    let entries = [
        ("ca.crt", &*ca),
        ("tls.crt", &*client.certificate),
        ("tls.key", &*client.key),
        ("bearerToken", "token-of-flux"),
    ];
    harness.secret("git", &entries).await;
    harness.secret("distrusting", &entries[1..]).await;
    let spec = |secret: &str| format!("{}secretRef:\n  name: {secret}\n", harness.main_of("app"));
    harness.apply("app", &spec("git")).await;
    harness.stored("app", &format!("main@sha1:{commit}")).await;
    harness.apply("other", &spec("distrusting")).await;
    let message = harness.fails("other", "GitOperationFailed").await;
    assert!(message.to_lowercase().contains("certificate"), "{message}");
}

#[tokio::test]
async fn ssh_needs_the_key_and_the_known_host() {
    let harness = Harness::new("ssh").await;
    let key = SshKey::generate().unwrap();
    let server =
        SshGitServer::start(SshGitServerOptions { clients: vec![key.clone()], ..SshGitServerOptions::default() })
            .unwrap();
    let commit = server.create("app").unwrap().commit_files("main", "One", &[("a", "1")]).unwrap();
    let (private, known) = (key.private().unwrap(), server.known_hosts().unwrap());
    let stranger = server.known_hosts_of(&SshKey::generate().unwrap()).unwrap();
    harness.secret("git", &[("identity", &private), ("known_hosts", &known)]).await;
    harness.secret("stranger", &[("identity", &private), ("known_hosts", &stranger)]).await;
    let spec =
        |secret: &str| format!("url: {}\nref:\n  branch: main\nsecretRef:\n  name: {secret}\n", server.url("app"));
    harness.apply("app", &spec("git")).await;
    harness.stored("app", &format!("main@sha1:{commit}")).await;
    harness.apply("other", &spec("stranger")).await;
    harness.fails("other", "GitOperationFailed").await;
    harness.apply("nobody", &format!("url: {}\n", server.url("app"))).await;
    assert_eq!(
        harness.fails("nobody", "AuthenticationFailed").await,
        "failed to configure authentication options: invalid 'ssh' auth option: 'identity' is required"
    );
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_told() {
    let harness = Harness::new("proxy").await;
    harness.git.create("app").unwrap().commit_files("main", "One", &[("a", "1")]).unwrap();
    harness.secret("proxy", &[("address", "not a url")]).await;
    harness.apply("app", &format!("{}proxySecretRef:\n  name: proxy\n", harness.main_of("app"))).await;
    let message = harness.fails("app", "AuthenticationFailed").await;
    let start = format!("failed to configure proxy options: invalid Secret/{}/proxy", harness.namespace.name);
    assert!(message.starts_with(&start), "{message}");

    let port = flux_testkit::ReservedPort::new().unwrap();
    harness.secret("closed", &[("address", &format!("http://{}", port.address()))]).await;
    harness.apply("closed", &format!("{}proxySecretRef:\n  name: closed\n", harness.main_of("app"))).await;
    harness.fails("closed", "GitOperationFailed").await;
}

/// GitHub's API as far as an App needs it: every installation gets the same token, good for an hour.
async fn github_api(token: &'static str) -> String {
    let answer = move || async move {
        let expires = k8s_openapi::jiff::Timestamp::now() + std::time::Duration::from_hours(1);
        (axum::http::StatusCode::CREATED, axum::Json(json!({"token": token, "expires_at": expires.to_string()})))
    };
    let path = "/api/v3/app/installations/{id}/access_tokens";
    let router = axum::Router::new().route(path, axum::routing::post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/v3", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "the test's own server ends with the test's runtime")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn a_github_app_exchanges_its_key_for_a_token_that_never_shows() {
    const TOKEN: &str = "installation-token";
    let authentication = Authentication::Basic("x-access-token".to_owned(), TOKEN.to_owned());
    let options = GitServerOptions { authentication, ..GitServerOptions::default() };
    let harness = Harness::with("github-app", options, |controller| controller).await;
    let commit = harness.git.create("app").unwrap().commit_files("main", "One", &[("a", "1")]).unwrap();
    let api = github_api(TOKEN).await;
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap().serialize_pem();
    let entries = [
        ("githubAppID", "123"),
        ("githubAppInstallationID", "456"),
        ("githubAppPrivateKey", &*key),
        ("githubAppBaseURL", &*api),
    ];
    harness.secret("app", &entries).await;
    let spec = format!("{}secretRef:\n  name: app\n", harness.main_of("app"));
    harness.apply("app", &format!("{spec}provider: github\n")).await;
    harness.stored("app", &format!("main@sha1:{commit}")).await;
    harness.run("app", "again").await;
    let hits = harness.running.metric("gotk_token_cache_events_total", &["event_type=\"cache_hit\""]).await.unwrap();
    assert!(hits >= 1.0, "the token is used again");
    assert!(!harness.running.logs().unwrap().contains(TOKEN));

    harness.apply("generic", &spec).await;
    let secret = format!("{}/app", harness.namespace.name);
    assert_eq!(
        harness.fails("generic", "InvalidProviderConfiguration").await,
        format!("secretRef '{secret}' has github app data but provider is not set to github")
    );
}
