//! Data keys that a Vault server opens.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::put;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_sops::{DataKey, Format, KeyGroup, MasterKey, Metadata, PlainDocument, Rule, seal_data_key};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::Api;
use kube::api::PostParams;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::bench::Bench;

/// What the server makes of data keys: it gives back what is behind the prefix.
const PREFIX: &str = "vault:v1:";
/// The token that the server lets in.
const TOKEN: &str = "s.letmein";

/// A server with one transit engine and one auth method.
struct Vault {
    address: String,
    /// The roles that logged in.
    roles: Arc<Mutex<Vec<String>>>,
}

impl Vault {
    async fn start() -> Self {
        let roles: Arc<Mutex<Vec<String>>> = Arc::default();
        let app = Router::new()
            .route("/v1/transit/decrypt/{name}", put(decrypt))
            .route("/v1/auth/kubernetes/login", put(log_in))
            .with_state(Arc::clone(&roles));
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        #[expect(clippy::disallowed_methods, reason = "the server ends with the test's runtime")]
        drop(tokio::spawn(async move { axum::serve(listener, app).await }));
        Self { address, roles }
    }

    /// A Secret whose values only the server opens.
    fn encrypt(&self, text: &str) -> String {
        let mut random = |bytes: &mut [u8]| bytes.fill(7);
        let key = DataKey::random(&mut random);
        let group: KeyGroup = vec![MasterKey::Vault {
            address: self.address.clone(),
            engine_path: "transit".to_owned(),
            key_name: "flux".to_owned(),
            created_at: "2026-01-01T00:00:00Z".to_owned(),
            encrypted: String::new(),
        }];
        let mut metadata = Metadata::new(group, "2026-01-01T00:00:00Z");
        metadata.rule = Rule::EncryptedRegex("^stringData$".to_owned());
        let seal = |_: &MasterKey, part: &[u8]| Ok(format!("{PREFIX}{}", STANDARD.encode(part)));
        seal_data_key(&mut metadata, &key, &mut random, seal).unwrap();
        let plain = PlainDocument::parse(text.as_bytes(), Format::Yaml).unwrap();
        let encrypted = plain.encrypt(metadata, &key, &mut random).unwrap();
        String::from_utf8(encrypted.print(Format::Yaml).unwrap()).unwrap()
    }
}

async fn decrypt(Path(name): Path<String>, headers: HeaderMap, Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    if headers.get("x-vault-token").is_none_or(|token| token != TOKEN) || name != "flux" {
        return (StatusCode::FORBIDDEN, Json(json!({"errors": ["permission denied"]})));
    }
    let ciphertext = body["ciphertext"].as_str().unwrap_or_default();
    (StatusCode::OK, Json(json!({"data": {"plaintext": ciphertext.trim_start_matches(PREFIX)}})))
}

async fn log_in(State(roles): State<Arc<Mutex<Vec<String>>>>, Json(body): Json<Value>) -> Json<Value> {
    roles.lock().push(body["role"].as_str().unwrap_or_default().to_owned());
    Json(json!({"auth": {"client_token": TOKEN}}))
}

const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata:\n    name: one\nstringData:\n    password: from-the-vault\n";

async fn password(bench: &Bench) -> String {
    let data = bench.ns.api::<Secret>().get("one").await.unwrap().data.unwrap_or_default();
    String::from_utf8(data["password"].0.clone()).unwrap()
}

#[tokio::test]
async fn a_vault_token_in_the_secret_opens_data_keys() {
    let (bench, vault) = (Bench::start("vault-token", &[]).await, Vault::start().await);
    let install = async |token: &str| {
        let data = json!({"sops.vault-token": token});
        let keys = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": data});
        bench.ns.apply(&keys.to_string()).await.unwrap();
    };
    install("s.wrong-token").await;
    bench.publish("1", &[("app/secret.yaml", &vault.encrypt(SECRET))]).await;
    let decryption = json!({"provider": "sops", "secretRef": {"name": "keys"}});
    bench.kustomization("app", json!({"decryption": decryption})).await;

    let message = bench.fails("app", "BuildFailed").await;
    let start =
        format!("decryption failed for 'Secret/{}/one': failed to decrypt and format its data: ", bench.ns.name);
    assert!(message.starts_with(&start) && message.contains("permission denied"), "{message}");
    assert!(!message.contains("s.wrong-token"), "{message}");

    install(TOKEN).await;
    bench.reconcile("app", "again").await;
    bench.ready("app", "1").await;
    assert_eq!(password(&bench).await, "from-the-vault");
    assert!(vault.roles.lock().is_empty());
}

#[tokio::test]
async fn a_service_account_logs_in_at_the_vault_servers_that_the_operator_lists() {
    let flags = ["--sops-vault-configmap=vaults", "--feature-gates=ObjectLevelWorkloadIdentity=true"];
    let (bench, vault) = (Bench::start("vault-login", &flags).await, Vault::start().await);
    let account: Api<ServiceAccount> = bench.ns.api();
    let opener = serde_json::from_value(json!({"metadata": {"name": "opener"}})).unwrap();
    account.create(&PostParams::default(), &opener).await.unwrap();
    bench.publish("1", &[("app/secret.yaml", &vault.encrypt(SECRET))]).await;
    let list = async |address: &str| {
        let config = format!("instances:\n- address: {address}\n  loginPath: auth/kubernetes/login\n");
        let list = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "vaults"}, "data": {"config.yaml": config}});
        bench.ns.apply(&list.to_string()).await.unwrap();
    };
    list("https://vault.example.com").await;
    bench.kustomization("app", json!({"decryption": {"provider": "sops", "serviceAccountName": "opener"}})).await;

    let message = bench.fails("app", "BuildFailed").await;
    let refused = format!("no Vault login path configured for address \"{}\"", vault.address);
    assert!(message.contains(&refused), "{message}");

    list(&vault.address).await;
    bench.reconcile("app", "again").await;
    bench.ready("app", "1").await;
    assert_eq!(password(&bench).await, "from-the-vault");
    let role = format!("{}_opener", bench.ns.name);
    assert_eq!(*vault.roles.lock(), [role]);
}

#[tokio::test]
async fn a_new_revision_does_not_wait_for_a_server_that_never_answers() {
    let bench = Bench::start("vault-silent", &[]).await;
    let silent = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let vault = Vault { address: format!("http://{}", silent.local_addr().unwrap()), roles: Arc::default() };
    let keys = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"},
        "stringData": {"sops.vault-token": TOKEN}});
    bench.ns.apply(&keys.to_string()).await.unwrap();
    bench.publish("1", &[("app/secret.yaml", &vault.encrypt(SECRET))]).await;
    let decryption = json!({"provider": "sops", "secretRef": {"name": "keys"}});
    bench.kustomization("app", json!({"decryption": decryption, "timeout": "10m"})).await;
    let _asked = silent.accept().await.unwrap();

    bench.publish("2", &[("app/secret.yaml", SECRET)]).await;

    // The run of the old revision would ask three times, for half a minute each.
    bench.ready("app", "2").await;
    assert_eq!(password(&bench).await, "from-the-vault");
}
