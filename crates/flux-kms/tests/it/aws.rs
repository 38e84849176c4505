//! AWS KMS and the token service.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flux_kms::{AwsKms, AwsKmsKey, AwsOptions, NoIdentity};
use serde_json::{Value, json};

use crate::identity::{Known, now};
use crate::server::{Received, Server, cause, json, message, service, text};
use crate::signature::is_signed;

const TIME: &str = "20270115T080000Z";
const ARN: &str = "arn:aws:kms:eu-west-1:123456789012:key/612d5f0a";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCY";

/// A key service with one key, which binds the encryption context as the real one does.
fn kms(request: &Received, key: (&str, &str)) -> Response {
    let refused = |code: &str, message: &str| json(400, &json!({"__type": code, "message": message}));
    let must_sign = ["host", "x-amz-date", "x-amz-target", "content-type"];
    if request.method != "POST" || !is_signed(request, key, TIME, "eu-west-1/kms", &must_sign) {
        return refused("InvalidSignatureException", "The request signature does not match");
    }
    assert_eq!(request.header("content-type"), "application/x-amz-json-1.1");
    let body = request.json();
    if body["KeyId"] != ARN {
        return refused("com.amazonaws.kms#NotFoundException", "Key does not exist");
    }
    let blob = |field: &str| STANDARD.decode(body[field].as_str().unwrap()).unwrap();
    let aad = || Aad::from(body["EncryptionContext"].to_string());
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap());
    let nonce = || Nonce::assume_unique_for_key([1; NONCE_LEN]);
    match request.header("x-amz-target") {
        "TrentService.Encrypt" => {
            let mut bytes = blob("Plaintext");
            cipher.seal_in_place_append_tag(nonce(), aad(), &mut bytes).unwrap();
            json(200, &json!({"KeyId": ARN, "CiphertextBlob": STANDARD.encode(bytes)}))
        }
        "TrentService.Decrypt" => match cipher.open_in_place(nonce(), aad(), &mut blob("CiphertextBlob")) {
            Ok(bytes) => json(200, &json!({"KeyId": ARN, "Plaintext": STANDARD.encode(bytes)})),
            Err(_) => refused("InvalidCiphertextException", ""),
        },
        target => refused("UnknownOperationException", target),
    }
}

fn client(kms: &Server, sts: Option<&Server>) -> AwsKms {
    AwsKms::new(AwsOptions {
        service: service(),
        kms_endpoint: Some(kms.url.clone()),
        sts_endpoint: sts.map(|server| server.url.clone()),
        host_name: "kustomize-controller-0".to_owned(),
    })
    .unwrap()
}

fn key(context: &[(&str, &str)], role: Option<&str>) -> AwsKmsKey {
    let context: BTreeMap<_, _> =
        context.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    AwsKmsKey { arn: ARN.to_owned(), role: role.map(str::to_owned), context }
}

fn identity() -> Known {
    Known::token(SECRET)
}

#[tokio::test]
async fn a_data_key_comes_back_under_the_context_it_was_encrypted_with() {
    let server = Server::start(|request| kms(request, ("AKIDOWN", SECRET))).await;
    let (client, identity) = (client(&server, None), identity());
    let key_with = key(&[("app", "vote"), ("stage", "prod")], None);
    let encrypted = client.encrypt(&key_with, &[42; 32], &identity, now()).await.unwrap();
    let decrypted = client.decrypt(&key_with, &encrypted, &identity, now()).await.unwrap();
    assert_eq!(*decrypted, [42; 32]);
    assert_eq!(server.received()[1].json()["EncryptionContext"], json!({"app": "vote", "stage": "prod"}));
    assert_eq!(identity.asked(), ["eu-west-1", "eu-west-1"]);

    let err = client.decrypt(&key(&[("app", "other")], None), &encrypted, &identity, now()).await.unwrap_err();
    assert_eq!(
        message(&err),
        format!(
            "failed to decrypt sops data key with AWS KMS key \"{ARN}\": {} refused with status 400 Bad Request: \
             InvalidCiphertextException",
            server.url
        )
    );
    assert!(!err.is_transient());
}

#[tokio::test]
async fn the_token_of_a_session_is_sent_and_signed() {
    let server = Server::start(|request| {
        assert_eq!(request.header("x-amz-security-token"), "session/+");
        let signed = is_signed(request, ("AKIDOWN", SECRET), TIME, "eu-west-1/kms", &["x-amz-security-token"]);
        assert!(signed);
        kms(request, ("AKIDOWN", SECRET))
    })
    .await;
    let identity = Known { session: Some("session/+"), ..identity() };
    let encrypted = client(&server, None).encrypt(&key(&[], None), b"key", &identity, now()).await.unwrap();
    let decrypted = client(&server, None).decrypt(&key(&[], None), &encrypted, &identity, now()).await.unwrap();
    assert_eq!(*decrypted, b"key");
}

#[tokio::test]
async fn a_wrong_key_of_aws_is_refused_by_its_signature() {
    let server = Server::start(|request| kms(request, ("AKIDOWN", "another"))).await;
    let err = client(&server, None).decrypt(&key(&[], None), "AAAA", &identity(), now()).await.unwrap_err();
    assert!(message(&err).ends_with("InvalidSignatureException: The request signature does not match"));
    assert!(!err.is_transient());
    server.only_received();
}

#[tokio::test]
async fn the_role_of_the_document_is_taken_on() {
    let kms = Server::start(|request| {
        assert_eq!(request.header("x-amz-security-token"), "role&session");
        kms(request, ("ASIAROLE", "rolesecret"))
    })
    .await;
    let sts = Server::start(|request| {
        let signed = is_signed(request, ("AKIDOWN", SECRET), TIME, "eu-west-1/sts", &["host", "content-type"]);
        let form = request.form();
        assert_eq!((form["Action"].as_str(), form["Version"].as_str()), ("AssumeRole", "2011-06-15"));
        assert_eq!(form["RoleSessionName"], "sops@kustomizecontroller0");
        if !signed || form["RoleArn"] != "arn:aws:iam::1:role/sops" {
            return text(403, "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>");
        }
        let fields = "<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>rolesecret</SecretAccessKey>\
                      <SessionToken>role&amp;session</SessionToken><Expiration>2027-01-15T09:00:00Z</Expiration>";
        text(200, &format!("<AssumeRoleResponse><AssumeRoleResult><Credentials>{fields}</Credentials></AssumeRoleResult></AssumeRoleResponse>"))
    })
    .await;
    let client = client(&kms, Some(&sts));
    let key_as = |role| key(&[], Some(role));
    let good = key_as("arn:aws:iam::1:role/sops");
    let encrypted = client.encrypt(&good, b"key", &identity(), now()).await.unwrap();
    assert_eq!(*client.decrypt(&good, &encrypted, &identity(), now()).await.unwrap(), b"key");

    let err = client.decrypt(&key_as("arn:aws:iam::1:role/x"), &encrypted, &identity(), now()).await.unwrap_err();
    assert_eq!(
        message(&err),
        format!(
            "failed to decrypt sops data key with AWS KMS key \"{ARN}\": failed to obtain credentials: failed to assume \
             role \"arn:aws:iam::1:role/x\": {} refused with status 403 Forbidden: AccessDenied: no",
            sts.url
        )
    );
    assert!(!err.is_transient());
    assert_eq!(kms.received().len(), 2);
}

#[tokio::test]
async fn throttling_passes() {
    let server =
        Server::start(|_| json(400, &json!({"__type": "ThrottlingException", "message": "Rate exceeded"}))).await;
    let err = client(&server, None).decrypt(&key(&[], None), "AAAA", &identity(), now()).await.unwrap_err();
    assert!(err.is_transient());
    assert_eq!(server.received().len(), 3);
}

#[tokio::test]
async fn nothing_is_asked_with_a_key_that_is_none_or_without_credentials() {
    let server = Server::start(|_| json(200, &Value::Null)).await;
    let client = client(&server, None);
    let bad = AwsKmsKey { arn: "arn:aws:kms:evil.example/:1:key/x".to_owned(), ..AwsKmsKey::default() };
    let check = async |key: &AwsKmsKey, encrypted: &str, expected: &str| {
        let err = client.decrypt(key, encrypted, &NoIdentity, now()).await.unwrap_err();
        assert_eq!(cause(&err), expected);
        assert!(!err.is_transient());
    };
    check(&bad, "AAAA", "no valid ARN found in \"arn:aws:kms:evil.example/:1:key/x\"").await;
    check(&key(&[], None), "AAAA", "no credentials for AWS KMS are configured").await;
    let not_base64 = "encrypted data key is not base64: Invalid symbol 33, offset 0.";
    check(&key(&[], None), "!", not_base64).await;
    assert!(server.received().is_empty());
}
