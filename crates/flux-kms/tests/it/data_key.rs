//! Documents of several keys.

use std::collections::BTreeMap;

use flux_kms::{AwsKms, AwsOptions, AzureKeyVault, AzureOptions, GcpKms, GcpOptions, KeyServices, ServiceKey};
use flux_kms::{VaultOptions, VaultTransit};
use flux_sops::{KeyGroup, Keyring, MasterKey, Metadata};
use serde_json::json;

use crate::identity::{Known, now};
use crate::server::{Server, json, message, service};

fn services() -> KeyServices {
    KeyServices {
        aws: AwsKms::new(AwsOptions { service: service(), ..AwsOptions::default() }).unwrap(),
        gcp: GcpKms::new(GcpOptions { service: service(), ..GcpOptions::default() }).unwrap(),
        azure: AzureKeyVault::new(AzureOptions { service: service(), ..AzureOptions::default() }).unwrap(),
        vault: VaultTransit::new(VaultOptions { service: service(), ..VaultOptions::default() }).unwrap(),
    }
}

fn vault(server: &Server, key_name: &str) -> MasterKey {
    MasterKey::Vault {
        address: server.url.as_str().trim_end_matches('/').to_owned(),
        engine_path: "transit".to_owned(),
        key_name: key_name.to_owned(),
        created_at: "2027-01-15T08:00:00Z".to_owned(),
        encrypted: "vault:v1:AAAA".to_owned(),
    }
}

fn huawei() -> MasterKey {
    MasterKey::HuaweiKms {
        key_id: "region:id".to_owned(),
        created_at: "2027-01-15T08:00:00Z".to_owned(),
        encrypted: "AAAA".to_owned(),
    }
}

fn document(keys: KeyGroup) -> Metadata {
    Metadata::new(keys, "2027-01-15T08:00:00Z")
}

/// A server that knows the key `good`, is busy for `busy`, and refuses all others.
async fn start() -> Server {
    Server::start(|request| match request.path.rsplit('/').next().unwrap() {
        "good" => json(200, &json!({"data": {"plaintext": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}})),
        "busy" => json(503, &json!({"errors": ["Vault is sealed"]})),
        _ => json(403, &json!({"errors": ["permission denied"]})),
    })
    .await
}

#[tokio::test]
async fn the_first_key_that_is_allowed_gives_the_data_key() {
    let server = start().await;
    let metadata = document(vec![huawei(), vault(&server, "other"), vault(&server, "good"), vault(&server, "busy")]);
    let key = services().data_key(&metadata, &Keyring::new(), &Known::token("s.token"), now()).await.unwrap();
    assert_eq!(key.bytes(), b"0123456789abcdef0123456789abcdef");
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn each_key_that_gives_nothing_is_named_with_its_reason() {
    let server = start().await;
    let failure = async |keys: KeyGroup| {
        let metadata = document(keys);
        services().data_key(&metadata, &Keyring::new(), &Known::token("s.token"), now()).await.unwrap_err()
    };
    let address = server.url.as_str().trim_end_matches('/');
    let err = failure(vec![huawei(), vault(&server, "other")]).await;
    let reason = format!(
        "failed to decrypt sops data key with Vault transit key \"{address}/v1/transit/keys/other\": \
         {address}/v1/transit/decrypt/other refused with status 403 Forbidden: permission denied"
    );
    let text = message(&err);
    assert!(text.starts_with("cannot get sops data key: Error getting data key: 0 successful groups required, got 0"));
    assert!(text.contains("hckms region:id: the service is not supported") && text.contains(&reason), "{text}");
    assert!(!err.is_transient());
    assert!(failure(vec![vault(&server, "other"), vault(&server, "busy")]).await.is_transient());
}

#[tokio::test]
async fn a_document_of_very_many_keys_is_not_tried_through() {
    let server = start().await;
    let metadata = document(vec![vault(&server, "other"); 1000]);
    let failed = services().data_key(&metadata, &Keyring::new(), &Known::token("s.token"), now()).await;
    assert!(failed.is_err());
    assert_eq!(server.received().len(), 50);
}

#[test]
fn the_context_of_aws_keeps_the_values_that_are_there() {
    let context = BTreeMap::from([("a".to_owned(), Some("1".to_owned())), ("b".to_owned(), None)]);
    let key = MasterKey::AwsKms {
        arn: "arn:aws:kms:eu-west-1:1:key/x".to_owned(),
        role: None,
        context,
        profile: "admin".to_owned(),
        created_at: String::new(),
        encrypted: String::new(),
    };
    let Some(ServiceKey::Aws(key)) = ServiceKey::of(&key) else { panic!("a key of AWS") };
    assert_eq!(key.context, BTreeMap::from([("a".to_owned(), "1".to_owned())]));
    assert_eq!(ServiceKey::of(&huawei()), None);
}
