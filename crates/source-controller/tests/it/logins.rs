//! Logins at AWS and Azure, as the controller and as ServiceAccounts, whose tokens the real API server creates.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use flux_auth::Secret;
use flux_auth::aws::{AwsCredentials, code_commit_login};
use flux_testkit::{Authentication, ClientCertificates, GitServerOptions, TestAuthority};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::harness::Harness;

const GATE: &str = "--feature-gates=ObjectLevelWorkloadIdentity=true";
const TOKEN: &str = "token-of-dev-ops";
const CODE_COMMIT: &str = "git-codecommit.eu-west-1.amazonaws.com";
const SECRET_KEY: &str = "secret-key-of-the-role";
const SESSION: &str = "token-of-the-session";

/// A server that issues the same thing to everyone, and what it was asked.
struct Issuer {
    url: String,
    forms: Arc<Mutex<Vec<HashMap<String, String>>>>,
}

impl Issuer {
    async fn start(answer: String) -> Self {
        let forms: Arc<Mutex<Vec<HashMap<String, String>>>> = Arc::default();
        let asked = Arc::clone(&forms);
        let issue = move |body: String| async move {
            asked.lock().unwrap().push(url::form_urlencoded::parse(body.as_bytes()).into_owned().collect());
            answer
        };
        let router = axum::Router::new().fallback(issue);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        #[expect(clippy::disallowed_methods, reason = "the test's own server ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, forms }
    }

    /// An authority of Azure.
    async fn azure() -> Self {
        Self::start(json!({"access_token": TOKEN, "expires_in": 3600}).to_string()).await
    }

    /// The Security Token Service of AWS.
    async fn sts() -> Self {
        let expires = Timestamp::now() + std::time::Duration::from_hours(1);
        Self::start(format!(
            "<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>{SECRET_KEY}</SecretAccessKey>\
             <SessionToken>{SESSION}</SessionToken><Expiration>{expires}</Expiration></Credentials>"
        ))
        .await
    }

    /// What it was asked, as often as it was.
    fn asked(&self) -> Vec<HashMap<String, String>> {
        self.forms.lock().unwrap().clone()
    }
}

/// Whether the API server says that `token` is the ServiceAccount's, for `audience`.
async fn is_token_of(harness: &Harness, token: &str, account: &str, audience: &str) -> bool {
    let spec = TokenReviewSpec { token: token.to_owned(), audiences: Some(vec![audience.to_owned()]) };
    let review = TokenReview { spec, ..TokenReview::default() };
    let api: Api<TokenReview> = Api::all(harness.namespace.client.clone());
    let status = api.create(&PostParams::default(), &review).await.unwrap().status.unwrap();
    let expected = format!("system:serviceaccount:{}:{account}", harness.namespace.name);
    status.authenticated == Some(true) && status.user.and_then(|user| user.username) == Some(expected)
}

async fn service_account(harness: &Harness, name: &str, annotations: &[(&str, &str)]) {
    let annotations: HashMap<_, _> = annotations.iter().copied().collect();
    let object = json!({"apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": name, "annotations": annotations}});
    harness.namespace.apply(&object.to_string()).await.unwrap();
}

fn dev_ops() -> GitServerOptions {
    GitServerOptions { authentication: Authentication::Bearer(TOKEN.to_owned()), ..GitServerOptions::default() }
}

#[tokio::test]
async fn azure_takes_the_controllers_own_secret_once_for_many_runs() {
    let azure = Issuer::azure().await;
    let harness = Harness::with("azure-controller", dev_ops(), |controller| {
        controller
            .flag(format!("--azure-authority-host={}", azure.url))
            .flag("--azure-tenant-id=tenant-1")
            .flag("--azure-client-id=client-1")
            .flag("--azure-client-secret=secret-of-the-client")
    })
    .await;
    let commit = harness.git.create("app").unwrap().commit_files("main", "One", &[("a", "1")]).unwrap();
    harness.apply("app", &format!("{}provider: azure\n", harness.main_of("app"))).await;
    harness.stored("app", &format!("main@sha1:{commit}")).await;
    harness.run("app", "again").await;
    let asked = azure.asked();
    assert_eq!(asked.len(), 1, "the token is used again");
    assert_eq!(asked[0]["client_secret"], "secret-of-the-client");
    let logs = harness.running.logs().unwrap();
    assert!(!logs.contains(TOKEN) && !logs.contains("secret-of-the-client"));
}

#[tokio::test]
async fn azure_takes_the_token_of_the_service_account_that_an_object_or_the_flag_names() {
    let azure = Issuer::azure().await;
    let harness = Harness::with("azure-account", dev_ops(), |controller| {
        controller
            .flag(GATE)
            .flag(format!("--azure-authority-host={}", azure.url))
            .flag("--default-service-account=standing")
    })
    .await;
    let commit = harness.git.create("app").unwrap().commit_files("main", "One", &[("a", "1")]).unwrap();
    let annotations =
        [("azure.workload.identity/tenant-id", "tenant-1"), ("azure.workload.identity/client-id", "client-1")];
    service_account(&harness, "flux", &annotations).await;
    let spec = format!("{}provider: azure\n", harness.main_of("app"));
    harness.apply("app", &format!("{spec}serviceAccountName: flux\n")).await;
    harness.stored("app", &format!("main@sha1:{commit}")).await;
    let asked = azure.asked();
    assert_eq!(asked[0]["client_id"], "client-1");
    assert!(is_token_of(&harness, &asked[0]["client_assertion"], "flux", "api://AzureADTokenExchange").await);
    assert!(!harness.running.logs().unwrap().contains(&asked[0]["client_assertion"]));

    harness.apply("standing", &spec).await;
    let account = format!("ServiceAccount/{}/standing", harness.namespace.name);
    assert_eq!(
        harness.fails("standing", "AuthenticationFailed").await,
        format!(
            "failed to configure authentication options: {account} not found, which this cluster uses for objects that \
             name none: create it, or name another one in the object"
        )
    );
    service_account(&harness, "standing", &annotations[..1]).await;
    harness.run("standing", "again").await;
    assert_eq!(
        harness.fails("standing", "AuthenticationFailed").await,
        format!(
            "failed to configure authentication options: {account} has no annotation azure.workload.identity/client-id"
        )
    );
}

/// A proxy that leads every name to `server`, and passes plain requests on to where they are addressed.
async fn proxy(server: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "the test's own server ends with the test's runtime")]
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(pass(client, server.clone()));
        }
    });
    address
}

async fn pass(mut client: TcpStream, server: String) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && client.read_buf(&mut head).await? > 0 {}
    let text = String::from_utf8_lossy(&head).into_owned();
    let target = text.split(' ').nth(1).unwrap_or_default();
    let mut upstream;
    if text.starts_with("CONNECT ") {
        upstream = TcpStream::connect(server).await?;
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    } else {
        let url = Url::parse(target).map_err(std::io::Error::other)?;
        upstream = TcpStream::connect(url.socket_addrs(|| None)?[0]).await?;
        upstream.write_all(&head).await?;
    }
    tokio::io::copy_bidirectional(&mut client, &mut upstream).await.map(drop)
}

#[tokio::test]
async fn code_commit_takes_a_signature_with_the_role_of_the_service_account() {
    let url = format!("https://{CODE_COMMIT}/app.git");
    let expected = {
        let url: Url = url.parse().unwrap();
        let session = Some(Secret::new(SESSION));
        let credentials = AwsCredentials::new("ASIA1", Secret::new(SECRET_KEY), session, Timestamp::MAX);
        move |user: &str, password: &str| {
            // The time is the signer's; it must be now, and all else follows from it.
            let time = password.split_once('Z').map(|(time, _)| time).unwrap_or_default();
            let signed = signed_at(time).and_then(|time| code_commit_login(&url, &credentials, time).ok());
            let recent = signed_at(time).is_some_and(|time| Timestamp::now().duration_since(time).as_secs() < 60);
            recent && signed.is_some_and(|it| it.username.expose() == user && it.password.expose() == password)
        }
    };
    let authority = TestAuthority::new().unwrap().with_host(CODE_COMMIT);
    let ca = authority.certificate();
    let options = GitServerOptions {
        authentication: Authentication::Checked(Arc::new(expected)),
        tls: Some((authority, ClientCertificates::Unasked)),
        ..GitServerOptions::default()
    };
    let sts = Issuer::sts().await;
    let harness = Harness::with("code-commit", options, |controller| {
        controller.flag(GATE).flag(format!("--aws-endpoint-url-sts={}", sts.url))
    })
    .await;
    let commit = harness.git.create("app").unwrap().commit_files("main", "One", &[("a", "1")]).unwrap();
    let server: Url = harness.git.url("app").parse().unwrap();
    let proxy = proxy(format!("127.0.0.1:{}", server.port().unwrap())).await;
    harness.secret("proxy", &[("address", &proxy)]).await;
    harness.secret("git", &[("ca.crt", &ca)]).await;
    let arn = "arn:aws:iam::123456789012:role/flux";
    service_account(&harness, "flux", &[("eks.amazonaws.com/role-arn", arn)]).await;
    let spec = "ref:\n  branch: main\nprovider: aws\nserviceAccountName: flux\nsecretRef:\n  name: git\n\
                proxySecretRef:\n  name: proxy\n";
    harness.apply("app", &format!("url: {url}\n{spec}")).await;
    harness.stored("app", &format!("main@sha1:{commit}")).await;
    harness.run("app", "again").await;
    let asked = sts.asked();
    assert_eq!(asked.len(), 1, "the credentials are used again");
    assert_eq!(asked[0]["RoleArn"], arn);
    assert!(is_token_of(&harness, &asked[0]["WebIdentityToken"], "flux", "sts.amazonaws.com").await);
    let logs = harness.running.logs().unwrap();
    assert!([SECRET_KEY, SESSION, &asked[0]["WebIdentityToken"]].iter().all(|secret| !logs.contains(*secret)));

    harness.apply("other", &format!("url: https://example.com/app.git\n{spec}")).await;
    assert_eq!(
        harness.fails("other", "AuthenticationFailed").await,
        "failed to configure authentication options: \"https://example.com/app.git\" is no CodeCommit URL, expected \
         https://git-codecommit.<region>.amazonaws.com/v1/repos/<name>"
    );
    harness.apply("nobody", &format!("url: {url}\n{}", spec.replace("Name: flux", "Name: nobody"))).await;
    let account = format!("ServiceAccount/{}/nobody", harness.namespace.name);
    assert_eq!(
        harness.fails("nobody", "AuthenticationFailed").await,
        format!("failed to configure authentication options: {account} not found")
    );
}

/// The time of a signature, such as `20270115T080000`.
fn signed_at(time: &str) -> Option<Timestamp> {
    let time = k8s_openapi::jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S", time).ok()?;
    Some(time.to_zoned(k8s_openapi::jiff::tz::TimeZone::UTC).ok()?.timestamp())
}
