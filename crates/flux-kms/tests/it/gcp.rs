//! Google Cloud KMS.

use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flux_kms::{GcpKms, GcpKmsKey, GcpOptions, NoIdentity};
use serde_json::json;

use crate::identity::{Known, now};
use crate::server::{Received, Server, cause, json, message, service};

const KEY: &str = "projects/p/locations/global/keyRings/sops/cryptoKeys/app";

/// A key service with one key, which turns the bits over.
fn kms(request: &Received) -> Response {
    let refused = |status: u16, code: &str, message: &str| {
        json(status, &json!({"error": {"code": status, "message": message, "status": code}}))
    };
    if request.header("authorization") != "Bearer ya29.token" {
        return refused(401, "UNAUTHENTICATED", &format!("bad credential {}", request.header("authorization")));
    }
    assert_eq!((request.method.as_str(), request.header("content-type")), ("POST", "application/json"));
    let body = request.json();
    let turned = |field: &str| {
        let bytes = STANDARD.decode(body[field].as_str().unwrap()).unwrap();
        STANDARD.encode(bytes.iter().map(|byte| !byte).collect::<Vec<_>>())
    };
    match request.path.strip_prefix("/v1/").unwrap().rsplit_once(':').unwrap() {
        (KEY, "encrypt") => json(200, &json!({"name": KEY, "ciphertext": turned("plaintext")})),
        (KEY, "decrypt") => json(200, &json!({"plaintext": turned("ciphertext"), "usedPrimary": true})),
        _ => refused(403, "PERMISSION_DENIED", "Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied"),
    }
}

fn client(server: &Server) -> GcpKms {
    GcpKms::new(GcpOptions { service: service(), endpoint: Some(server.url.clone()) }).unwrap()
}

fn key(resource_id: &str) -> GcpKmsKey {
    GcpKmsKey { resource_id: resource_id.to_owned() }
}

#[tokio::test]
async fn a_data_key_is_encrypted_and_decrypted() {
    let server = Server::start(kms).await;
    let (client, identity) = (client(&server), Known::token("ya29.token"));
    let encrypted = client.encrypt(&key(KEY), &[1; 32], &identity, now()).await.unwrap();
    assert_eq!(encrypted, STANDARD.encode([254; 32]));
    assert_eq!(*client.decrypt(&key(KEY), &encrypted, &identity, now()).await.unwrap(), [1; 32]);
    assert_eq!(server.received()[1].path, format!("/v1/{KEY}:decrypt"));
}

#[tokio::test]
async fn a_refusal_is_repeated_in_the_words_of_the_service_but_without_the_token() {
    let server = Server::start(kms).await;
    let failure = async |resource_id: &str, token| {
        let err = client(&server).decrypt(&key(resource_id), "AAAA", &Known::token(token), now()).await.unwrap_err();
        assert!(!err.is_transient());
        message(&err)
    };
    let other = "projects/p/locations/global/keyRings/sops/cryptoKeys/other";
    assert_eq!(
        failure(other, "ya29.token").await,
        format!(
            "failed to decrypt sops data key with GCP KMS key \"{other}\": {}v1/{other}:decrypt refused with status 403 \
             Forbidden: PERMISSION_DENIED: Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied",
            server.url
        )
    );
    assert!(failure(KEY, "ya29.old").await.ends_with("UNAUTHENTICATED: bad credential Bearer ***"));
}

#[tokio::test]
async fn nothing_is_asked_with_a_key_that_is_none_or_without_credentials() {
    let server = Server::start(kms).await;
    let failure = async |resource_id: &str| {
        let err = client(&server).encrypt(&key(resource_id), b"key", &NoIdentity, now()).await.unwrap_err();
        cause(&err)
    };
    assert_eq!(failure("projects/p").await, "no valid resource ID found in \"projects/p\"");
    assert_eq!(failure(KEY).await, "no credentials for GCP KMS are configured");
    assert!(server.received().is_empty());
}
