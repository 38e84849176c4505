//! Azure Key Vault.

use std::sync::LazyLock;

use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flux_kms::{AzureKeyVault, AzureKeyVaultKey, AzureOptions, NoIdentity};
use serde_json::{Value, json};

use crate::identity::{Known, now};
use crate::server::{Received, Server, cause, json, message, service};

const VAULT: &str = "https://team.vault.azure.net";

/// The vault's key: a real one, as the padding is what the vault is asked for.
static KEY: LazyLock<(OaepPublicEncryptingKey, OaepPrivateDecryptingKey)> = LazyLock::new(|| {
    let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let public = OaepPublicEncryptingKey::new(key.public_key()).unwrap();
    (public, OaepPrivateDecryptingKey::new(key).unwrap())
});

fn challenge(resource: &str) -> Response {
    let header = format!("Bearer authorization=\"https://login.microsoftonline.com/tenant\", resource=\"{resource}\"");
    let body = json!({"error": {"code": "Unauthorized", "message": "AKV10000: Request is missing a Bearer token."}});
    ([("www-authenticate", header)], json(401, &body)).into_response()
}

/// A vault with one key in one version, which takes tokens for `resource`.
fn vault(request: &Received, resource: &str) -> Response {
    let authorization = request.header("authorization");
    if authorization.is_empty() {
        assert!(request.body.is_empty(), "nothing is sent to a vault that has not asked for a token");
        return challenge(resource);
    }
    let refused =
        |status, code: &str, message: &str| json(status, &json!({"error": {"code": code, "message": message}}));
    if authorization != "Bearer eyJ.token" {
        return refused(403, "Forbidden", "The policy does not allow");
    }
    assert_eq!((request.method.as_str(), request.header("content-type")), ("POST", "application/json"));
    let body = request.json();
    assert_eq!(body["alg"], "RSA-OAEP-256");
    let value = URL_SAFE_NO_PAD.decode(body["value"].as_str().unwrap()).unwrap();
    let (public, private) = &*KEY;
    let mut buffer = vec![0; 256];
    let result = match request.path.as_str() {
        "/keys/sops/3b2a/encrypt?api-version=2025-07-01" => {
            public.encrypt(&OAEP_SHA256_MGF1SHA256, &value, &mut buffer, None).unwrap()
        }
        "/keys/sops/3b2a/decrypt?api-version=2025-07-01" => {
            match private.decrypt(&OAEP_SHA256_MGF1SHA256, &value, &mut buffer, None) {
                Ok(plaintext) => plaintext,
                Err(_) => return refused(400, "BadParameter", "The parameter is incorrect."),
            }
        }
        _ => return refused(404, "KeyNotFound", "A key with this name was not found"),
    };
    json(200, &json!({"kid": format!("{VAULT}/keys/sops/3b2a"), "value": URL_SAFE_NO_PAD.encode(result)}))
}

async fn start(resource: &'static str) -> (Server, AzureKeyVault) {
    let server = Server::start(move |request| vault(request, resource)).await;
    let options = AzureOptions { service: service(), endpoint: Some(server.url.clone()) };
    (server, AzureKeyVault::new(options).unwrap())
}

fn key(name: &str, version: &str) -> AzureKeyVaultKey {
    AzureKeyVaultKey { vault_url: VAULT.to_owned(), name: name.to_owned(), version: version.to_owned() }
}

#[tokio::test]
async fn a_data_key_goes_through_a_real_rsa_key_and_back() {
    let (server, client) = start("https://vault.azure.net").await;
    let identity = Known::token("eyJ.token");
    let encrypted = client.encrypt(&key("sops", "3b2a"), &[9; 32], &identity, now()).await.unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(&encrypted).unwrap().len(), 256);
    assert_eq!(*client.decrypt(&key("sops", "3b2a"), &encrypted, &identity, now()).await.unwrap(), [9; 32]);
    assert_eq!(identity.asked(), ["https://vault.azure.net/.default", "https://vault.azure.net/.default"]);
    assert_eq!(server.received().len(), 4);
}

#[tokio::test]
async fn refusals_of_the_vault_are_final_and_repeated_in_its_words() {
    let (server, client) = start("https://vault.azure.net").await;
    let failure = async |name: &str, token, encrypted: &str| {
        let err = client.decrypt(&key(name, "3b2a"), encrypted, &Known::token(token), now()).await.unwrap_err();
        assert!(!err.is_transient());
        message(&err)
    };
    assert_eq!(
        failure("other", "eyJ.token", "AAAA").await,
        format!(
            "failed to decrypt sops data key with Azure Key Vault key \"{VAULT}/keys/other/3b2a\": \
             {}keys/other/3b2a/decrypt refused with status 404 Not Found: KeyNotFound: A key with this name was not found",
            server.url
        )
    );
    assert!(failure("sops", "eyJ.other", "AAAA").await.ends_with("Forbidden: The policy does not allow"));
    assert!(failure("sops", "eyJ.token", "AAAA").await.ends_with("BadParameter: The parameter is incorrect."));
}

#[tokio::test]
async fn a_vault_gets_no_token_for_another_domain() {
    for resource in ["https://management.azure.com", "https://vault.azure.net.evil.example", "vault", ""] {
        let (server, client) = start(resource).await;
        let identity = Known::token("eyJ.token");
        let err = client.decrypt(&key("sops", "3b2a"), "AAAA", &identity, now()).await.unwrap_err();
        assert!(message(&err).contains("resource"), "{}", message(&err));
        assert!(identity.asked().is_empty() && !err.is_transient());
        server.only_received();
    }
}

#[tokio::test]
async fn a_vault_that_asks_for_no_token_is_none() {
    let server = Server::start(|_| json(200, &Value::Null)).await;
    let options = AzureOptions { service: service(), endpoint: Some(server.url.clone()) };
    let client = AzureKeyVault::new(options).unwrap();
    let identity = Known::token("eyJ.token");
    let err = client.decrypt(&key("sops", "3b2a"), "AAAA", &identity, now()).await.unwrap_err();
    assert!(message(&err).ends_with("refused with status 200 OK: no reason given"));
    assert!(identity.asked().is_empty());
}

#[tokio::test]
async fn a_vault_is_asked_only_under_tls_and_with_credentials() {
    let (server, client) = start("https://vault.azure.net").await;
    let plain = AzureKeyVaultKey { vault_url: "http://team.vault.azure.net".to_owned(), ..key("sops", "1") };
    let err = client.decrypt(&plain, "AAAA", &NoIdentity, now()).await.unwrap_err();
    let expected = "no valid Azure Key Vault key found in \"http://team.vault.azure.net/keys/sops/1\"";
    assert_eq!(cause(&err), expected);
    assert!(server.received().is_empty());
    let err = client.decrypt(&key("sops", "1"), "AAAA", &NoIdentity, now()).await.unwrap_err();
    let expected = "no credentials for Azure Key Vault are configured";
    assert_eq!(cause(&err), expected);
}
