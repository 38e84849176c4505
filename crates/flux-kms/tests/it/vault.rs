//! Vault's transit engine.

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flux_auth::Secret;
use flux_kms::{NoIdentity, VaultAllowList, VaultOptions, VaultTransit, VaultTransitKey};
use serde_json::{Value, json};

use crate::identity::{Known, now};
use crate::server::{Received, Server, cause, json, message, service};

/// A server with an engine at `teams/sops` and one key in it.
fn transit(request: &Received) -> Response {
    let errors = |status, text: &str| json(status, &json!({"errors": [text]}));
    assert_eq!((request.method.as_str(), request.header("x-vault-request")), ("PUT", "true"));
    if request.header("x-vault-token") != "s.token" {
        return errors(403, &format!("permission denied for {}", request.header("x-vault-token")));
    }
    let body = request.json();
    match request.path.as_str() {
        "/v1/teams/sops/encrypt/app" => {
            let plaintext = STANDARD.decode(body["plaintext"].as_str().unwrap()).unwrap();
            let ciphertext = plaintext.iter().rev().map(|byte| byte ^ 0x5a).collect::<Vec<_>>();
            json(200, &json!({"data": {"ciphertext": format!("vault:v1:{}", STANDARD.encode(ciphertext))}}))
        }
        "/v1/teams/sops/decrypt/app" => {
            let Some(text) = body["ciphertext"].as_str().unwrap().strip_prefix("vault:v1:") else {
                return errors(400, "invalid ciphertext: no prefix");
            };
            let plaintext: Vec<u8> = STANDARD.decode(text).unwrap().iter().rev().map(|byte| byte ^ 0x5a).collect();
            json(200, &json!({"request_id": "1", "data": {"plaintext": STANDARD.encode(plaintext)}, "warnings": null}))
        }
        _ => errors(404, ""),
    }
}

fn client(namespace: Option<&str>) -> VaultTransit {
    VaultTransit::new(VaultOptions {
        service: service(),
        namespace: namespace.map(str::to_owned),
        ..VaultOptions::default()
    })
    .unwrap()
}

fn key(server: &Server, name: &str) -> VaultTransitKey {
    let address = server.url.as_str().trim_end_matches('/').to_owned();
    VaultTransitKey { address, engine_path: "teams/sops".to_owned(), name: name.to_owned() }
}

#[tokio::test]
async fn a_data_key_is_encrypted_and_decrypted() {
    let server = Server::start(transit).await;
    let (key, identity) = (key(&server, "app"), Known::token("s.token"));
    let encrypted = client(None).encrypt(&key, b"0123456789abcdef", &identity, now()).await.unwrap();
    assert!(encrypted.starts_with("vault:v1:"));
    assert_eq!(*client(None).decrypt(&key, &encrypted, &identity, now()).await.unwrap(), b"0123456789abcdef");
    assert_eq!(identity.asked(), [key.address.clone(), key.address]);
    assert!(server.received().iter().all(|request| !request.headers.contains_key("x-vault-namespace")));
}

#[tokio::test]
async fn the_namespace_is_sent_where_there_is_one() {
    let server = Server::start(transit).await;
    let encrypted = client(Some("team-a")).encrypt(&key(&server, "app"), b"k", &Known::token("s.token"), now()).await;
    assert!(encrypted.is_ok());
    assert_eq!(server.only_received().header("x-vault-namespace"), "team-a");
}

#[tokio::test]
async fn without_a_token_none_is_sent() {
    let server = Server::start(|_| json(200, &json!({"data": {"plaintext": "a2V5"}}))).await;
    let decrypted = client(None).decrypt(&key(&server, "app"), "vault:v1:AAAA", &NoIdentity, now()).await.unwrap();
    assert_eq!(*decrypted, b"key");
    assert!(!server.only_received().headers.contains_key("x-vault-token"));
}

#[tokio::test]
async fn refusals_are_repeated_without_the_token() {
    let server = Server::start(transit).await;
    let failure = async |name: &str, encrypted: &str, token| {
        let key = key(&server, name);
        let err = client(None).decrypt(&key, encrypted, &Known::token(token), now()).await.unwrap_err();
        assert!(!err.is_transient());
        message(&err)
    };
    let address = server.url.as_str().trim_end_matches('/');
    assert_eq!(
        failure("app", "vault:v1:AAAA", "s.hidden").await,
        format!(
            "failed to decrypt sops data key with Vault transit key \"{address}/v1/teams/sops/keys/app\": \
             {address}/v1/teams/sops/decrypt/app refused with status 403 Forbidden: permission denied for ***"
        )
    );
    assert!(failure("app", "AAAA", "s.token").await.ends_with("400 Bad Request: invalid ciphertext: no prefix"));
    assert!(failure("other", "vault:v1:AAAA", "s.token").await.ends_with("404 Not Found: no reason given"));
}

#[tokio::test]
async fn a_name_that_leaves_the_engine_is_not_asked_for() {
    let server = Server::start(transit).await;
    let err = client(None)
        .decrypt(&key(&server, "../../sys/seal"), "vault:v1:AAAA", &Known::token("s.token"), now())
        .await
        .unwrap_err();
    assert!(message(&err).ends_with("no valid Vault transit path found in \"teams/sops/decrypt/../../sys/seal\""));
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn servers_that_are_not_on_the_list_get_no_token() {
    let server = Server::start(transit).await;
    let allowed = VaultAllowList::parse("https://vault.example.com").unwrap();
    let options = VaultOptions { service: service(), allowed, ..VaultOptions::default() };
    let (client, identity) = (VaultTransit::new(options).unwrap(), Known::token("s.token"));
    let err = client.decrypt(&key(&server, "app"), "vault:v1:AAAA", &identity, now()).await.unwrap_err();
    let address = server.url.as_str().trim_end_matches('/');
    assert_eq!(cause(&err), format!("allowlist does not allow \"{address}\""));
    assert!(server.received().is_empty() && identity.asked().is_empty());
}

#[tokio::test]
async fn a_standby_points_to_the_active_server_once() {
    let active = Server::start(transit).await;
    let target = active.url.join("/v1/teams/sops/decrypt/app").unwrap().to_string();
    let moved = move |_: &Received| ([("location", target.clone())], json(307, &Value::Null)).into_response();
    let standby = Server::start(moved).await;
    let identity = Known::token("s.token");
    let encrypted = client(None).encrypt(&key(&active, "app"), b"key", &identity, now()).await.unwrap();
    let decrypted = client(None).decrypt(&key(&standby, "app"), &encrypted, &identity, now()).await.unwrap();
    assert_eq!(*decrypted, b"key");

    let endless = Server::start(|_| ([("location", "/v1/x")], json(307, &Value::Null)).into_response()).await;
    let err = client(None).decrypt(&key(&endless, "app"), &encrypted, &identity, now()).await.unwrap_err();
    assert!(message(&err).contains("307 Temporary Redirect") && !err.is_transient());
    assert_eq!(endless.received().len(), 2);
}

#[tokio::test]
async fn a_token_of_a_service_account_is_exchanged_at_the_login_path() {
    let server = Server::start(|request| {
        assert_eq!(request.path, "/v1/auth/kubernetes/login");
        let body = request.json();
        if body == json!({"role": "apps_flux", "jwt": "e30.e30.c2ln"}) {
            json(200, &json!({"auth": {"client_token": "s.issued", "policies": ["sops"]}}))
        } else if body["role"] == "none" {
            json(200, &json!({"auth": null}))
        } else {
            json(400, &json!({"errors": [format!("invalid role name for {}", body["jwt"].as_str().unwrap())]}))
        }
    })
    .await;
    let (client, jwt) = (client(None), Secret::new("e30.e30.c2ln"));
    let address = server.url.as_str().trim_end_matches('/');
    let log_in = async |role: &'static str| client.log_in(address, "auth/kubernetes/login", role, &jwt).await;
    assert_eq!(log_in("apps_flux").await.unwrap().expose(), "s.issued");
    let prefix = |role: &str| {
        format!(
            "failed to authenticate with Vault \"{address}\" at login path \"auth/kubernetes/login\" as role \"{role}\""
        )
    };
    let refused =
        format!("{address}/v1/auth/kubernetes/login refused with status 400 Bad Request: invalid role name for ***");
    assert_eq!(message(&log_in("other").await.unwrap_err()), format!("{}: {refused}", prefix("other")));
    let empty = format!("unexpected answer of {address}/v1/auth/kubernetes/login: expected auth.client_token");
    assert_eq!(message(&log_in("none").await.unwrap_err()), format!("{}: {empty}", prefix("none")));
}
