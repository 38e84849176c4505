//! The identity of a workload.

use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flux_auth::aws::AwsSettings;
use flux_auth::azure::AzureSettings;
use flux_auth::gcp::GcpSettings;
use flux_auth::{CloudLogin, Secret};
use flux_kms::{
    CloudSettings, CredentialsError, Identity, VaultInstances, VaultOptions, VaultTransit, Workload, WorkloadIdentity,
};
use jiff::Timestamp;
use serde_json::json;

use crate::identity::now;
use crate::server::{Server, client, json, message, service};

/// The controller, without a cache; keeps what its logins depend on and which audiences were asked for.
#[derive(Default)]
struct Controller {
    asked: Mutex<Vec<String>>,
    subject: &'static str,
}

impl Workload for &Controller {
    async fn log_in<L: CloudLogin>(&self, login: &L, now: Timestamp) -> Result<L::Token, CredentialsError> {
        self.asked.lock().unwrap().push(format!("{} {}", login.provider(), login.dependencies()[0]));
        Ok(login.controller_token(now).await?)
    }

    async fn kubernetes_token(&self, audience: &str, _now: Timestamp) -> Result<Secret, CredentialsError> {
        self.asked.lock().unwrap().push(audience.to_owned());
        let claims = URL_SAFE_NO_PAD.encode(json!({"sub": self.subject}).to_string());
        Ok(Secret::new(format!("e30.{claims}.c2ln")))
    }
}

fn settings(issuer: &Server) -> CloudSettings {
    CloudSettings {
        aws: AwsSettings {
            access_key_id: Some("AKIA".to_owned()),
            secret_access_key: Some(Secret::new("key")),
            ..AwsSettings::default()
        },
        gcp: GcpSettings { metadata_host: Some(issuer.url.clone()), ..GcpSettings::default() },
        azure: AzureSettings {
            tenant_id: Some("tenant".to_owned()),
            client_id: Some("client".to_owned()),
            client_secret: Some(Secret::new("hunter2")),
            authority_host: Some(issuer.url.clone()),
            ..AzureSettings::default()
        },
        client: client(),
    }
}

#[tokio::test]
async fn each_cloud_is_logged_in_to_for_what_the_key_needs() {
    let issuer = Server::start(|request| {
        let token = if request.path.starts_with("/tenant/") { request.form()["scope"].clone() } else { "ya29".into() };
        json(200, &json!({"access_token": token, "expires_in": 3600}))
    })
    .await;
    let (controller, settings) = (Controller::default(), settings(&issuer));
    let identity = WorkloadIdentity::new(&controller, &settings, None);
    let credentials = identity.aws("eu-west-1", now()).await.unwrap().unwrap();
    assert_eq!(credentials.access_key_id(), "AKIA");
    let scope = "https://vault.azure.net/.default";
    assert_eq!(identity.azure(scope, now()).await.unwrap().unwrap().expose(), scope);
    assert_eq!(identity.gcp(now()).await.unwrap().unwrap().expose(), "ya29");
    assert!(identity.vault("https://vault", now()).await.unwrap().is_none());
    let asked = controller.asked.lock().unwrap().clone();
    assert_eq!(asked[..2], ["aws stsRegion=eu-west-1", "azure scopes=https://vault.azure.net/.default"]);
}

#[tokio::test]
async fn a_listed_vault_is_logged_in_to_once_with_a_token_for_it() {
    let server = Server::start(|request| {
        assert_eq!(request.path, "/v1/auth/jwt/login");
        assert_eq!(request.json()["role"], "flux-system_kustomize-controller");
        json(200, &json!({"auth": {"client_token": "s.issued"}}))
    })
    .await;
    let address = server.url.as_str().trim_end_matches('/').to_owned();
    let instances = format!("instances: [{{address: '{address}', loginPath: auth/jwt/login}}]");
    let instances = VaultInstances::parse(&instances).unwrap();
    let vault = VaultTransit::new(VaultOptions { service: service(), ..VaultOptions::default() }).unwrap();
    let controller =
        Controller { subject: "system:serviceaccount:flux-system:kustomize-controller", ..Controller::default() };
    let settings = settings(&server);
    let identity = WorkloadIdentity::new(&controller, &settings, Some((&vault, &instances)));
    for _ in 0..2 {
        assert_eq!(identity.vault(&address, now()).await.unwrap().unwrap().expose(), "s.issued");
    }
    server.only_received();
    let err = identity.vault("https://evil.example", now()).await.unwrap_err();
    assert_eq!(err.to_string(), "no Vault login path configured for address \"https://evil.example\"");
    assert_eq!(*controller.asked.lock().unwrap(), [address.as_str()], "no token is issued for another server");

    let stranger = Controller { subject: "admin", ..Controller::default() };
    let identity = WorkloadIdentity::new(&stranger, &settings, Some((&vault, &instances)));
    let err = identity.vault(&address, now()).await.unwrap_err();
    assert_eq!(message(&err), "failed to derive Vault role for authentication: unexpected token subject \"admin\"");
}
