//! GitHub App tokens from a server that checks what it is asked.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use flux_auth::{GitHubApp, GitHubAppError, GitHubAppOptions, Installation};
use flux_http::ClientOptions;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

const NOW: i64 = 1_800_000_000;

/// A server at `/api/v3` with 150 installations, and the App's key.
struct Server {
    url: String,
    key: String,
}

impl Server {
    async fn start() -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let router = axum::Router::new()
            .route("/api/v3/app/installations/{id}/access_tokens", post(issue))
            .route("/api/v3/app/installations", get(installations))
            .with_state(Arc::new(pair.public_key_pem()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api/v3", listener.local_addr().unwrap());
        #[expect(clippy::disallowed_methods, reason = "the test's own server ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, key: pair.serialize_pem() }
    }

    fn app(&self, installation: Installation) -> GitHubApp {
        GitHubApp::new(GitHubAppOptions {
            app_id: "123".into(),
            installation,
            private_key: self.key.clone().into_bytes(),
            base_url: Some(self.url.clone()),
            client: ClientOptions::default(),
        })
        .unwrap()
    }
}

/// Whether the request carries a JWT of App 123, signed with its key and good at `NOW`.
fn signed(headers: &HeaderMap, key: &str) -> bool {
    let bearer = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.set_issuer(&["123"]);
    let key = DecodingKey::from_rsa_pem(key.as_bytes()).unwrap();
    let decoded = jsonwebtoken::decode::<Value>(bearer.trim_start_matches("Bearer "), &key, &validation);
    decoded.is_ok_and(|token| {
        let (iat, exp) = (token.claims["iat"].as_i64().unwrap(), token.claims["exp"].as_i64().unwrap());
        iat <= NOW && exp > NOW && exp - iat <= 600
    })
}

async fn issue(
    State(key): State<Arc<String>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> (StatusCode, Json<Value>) {
    if !signed(&headers, &key) {
        return (StatusCode::UNAUTHORIZED, Json(json!({"message": "A JSON web token could not be decoded"})));
    }
    (StatusCode::CREATED, Json(json!({"token": format!("token-of-{id}"), "expires_at": "2027-01-15T09:00:00Z"})))
}

async fn installations(
    State(key): State<Arc<String>>,
    Query(query): Query<std::collections::HashMap<String, usize>>,
    headers: HeaderMap,
) -> (StatusCode, Json<Value>) {
    if !signed(&headers, &key) {
        return (StatusCode::UNAUTHORIZED, Json(json!({})));
    }
    let (size, page) = (query["per_page"], query["page"]);
    let list = (1..=150).skip((page - 1) * size).take(size);
    (StatusCode::OK, Json(list.map(|id| json!({"id": id, "account": {"login": format!("Owner-{id}")}})).collect()))
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

#[tokio::test]
async fn an_installation_is_issued_a_token() {
    let server = Server::start().await;
    let token = server.app(Installation::Id("42".into())).token(now()).await.unwrap();
    assert_eq!(token.expose(), "token-of-42");
    assert_eq!(token.expires_at(), "2027-01-15T09:00:00Z".parse().unwrap());
}

#[tokio::test]
async fn an_owners_installation_is_found_on_a_later_page() {
    let server = Server::start().await;
    let token = server.app(Installation::Owner("owner-149".into())).token(now()).await.unwrap();
    assert_eq!(token.expose(), "token-of-149");
}

#[tokio::test]
async fn an_owner_without_installation_is_named() {
    let server = Server::start().await;
    let err = server.app(Installation::Owner("nobody".into())).token(now()).await.unwrap_err();
    assert_eq!(err.to_string(), "GitHub App 123 has no installation on the account \"nobody\"");
}

#[tokio::test]
async fn a_refusal_is_told_in_the_servers_words() {
    let (server, other) = (Server::start().await, Server::start().await);
    let app = Server { url: server.url.clone(), key: other.key }.app(Installation::Id("42".into()));
    let err = app.token(now()).await.unwrap_err();
    let url = format!("{}/app/installations/42/access_tokens", server.url);
    assert_eq!(
        err.to_string(),
        format!("the GitHub API at {url} refused with status 401 Unauthorized: A JSON web token could not be decoded")
    );
}

#[tokio::test]
async fn unusable_settings_are_refused_before_any_request() {
    let options = |app_id: &str, key: &str, base: &str| GitHubAppOptions {
        app_id: app_id.into(),
        installation: Installation::Id("1".into()),
        private_key: key.into(),
        base_url: Some(base.into()),
        client: ClientOptions::default(),
    };
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap().serialize_pem();
    let err = |options| GitHubApp::new(options).unwrap_err();
    assert!(matches!(err(options("x", &key, "https://example.com")), GitHubAppError::Number { field: "ID", .. }));
    assert!(matches!(err(options("1", "no key", "https://example.com")), GitHubAppError::PrivateKey(_)));
    assert!(matches!(err(options("1", &key, "ftp://example.com")), GitHubAppError::BaseUrl { .. }));
}
