//! Azure: every source of access tokens, and what its server is asked.

use flux_auth::azure::{AzureIdentity, AzureLogin, AzureProof, AzureSettings, DEV_OPS, KEY_VAULT};
use flux_auth::{AccessToken, CloudLogin, Secret};
use flux_http::ClientOptions;

use crate::issuer::{Issuer, account, chain, in_an_hour, now};

const TOKEN: &str = r#"{"token_type": "Bearer", "expires_in": 3600, "access_token": "entra-token"}"#;

fn login<'a>(settings: &'a AzureSettings, scope: &'a str) -> AzureLogin<'a> {
    AzureLogin { settings, scope, client: ClientOptions::default() }
}

fn is_issued(token: &AccessToken) {
    assert_eq!((token.expose(), token.expires_at()), ("entra-token", in_an_hour()));
}

/// The tokens of `tenant-1`.
async fn entra(status: u16, answer: &str) -> (Issuer, AzureSettings) {
    let entra = Issuer::start(&[("POST /tenant-1/oauth2/v2.0/token", status, answer)]).await;
    let settings = AzureSettings { authority_host: Some(entra.url.clone()), ..AzureSettings::default() };
    (entra, settings)
}

#[tokio::test]
async fn a_service_accounts_token_is_the_assertion_of_its_client() {
    let (entra, settings) = entra(200, TOKEN).await;
    let annotations =
        [("azure.workload.identity/tenant-id", "tenant-1"), ("azure.workload.identity/client-id", "client-1")];
    let login = login(&settings, DEV_OPS);
    let token = login.account_token(&account(&annotations), &Secret::new("kubernetes-token"), now()).await;
    is_issued(&token.unwrap());
    let form = entra.request().form();
    assert_eq!(form["grant_type"], "client_credentials");
    assert_eq!(form["client_id"], "client-1");
    assert_eq!(form["client_assertion"], "kubernetes-token");
    assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    assert_eq!(form["scope"], DEV_OPS);
    let err = login.account_token(&account(&annotations[1..]), &Secret::new("t"), now()).await.unwrap_err();
    assert_eq!(err.to_string(), "ServiceAccount/apps/flux has no annotation azure.workload.identity/tenant-id");
}

#[tokio::test]
async fn the_controllers_own_token_file_is_an_assertion_too() {
    let (entra, settings) = entra(200, TOKEN).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    std::fs::write(&file, "mounted-token").unwrap();
    let settings = AzureSettings {
        tenant_id: Some("tenant-1".to_owned()),
        client_id: Some("client-1".to_owned()),
        federated_token_file: Some(file),
        ..settings
    };
    is_issued(&login(&settings, KEY_VAULT).controller_token(now()).await.unwrap());
    assert_eq!(entra.request().form()["client_assertion"], "mounted-token");
}

#[tokio::test]
async fn a_client_secret_comes_before_the_token_file() {
    let (entra, settings) = entra(200, TOKEN).await;
    let settings = AzureSettings {
        tenant_id: Some("tenant-1".to_owned()),
        client_id: Some("client-1".to_owned()),
        client_secret: Some(Secret::new("own-secret")),
        federated_token_file: Some("/nowhere".into()),
        ..settings
    };
    is_issued(&login(&settings, KEY_VAULT).controller_token(now()).await.unwrap());
    assert_eq!(entra.request().form()["client_secret"], "own-secret");
}

#[tokio::test]
async fn a_machine_asks_for_the_identity_that_the_environment_names() {
    let answer = r#"{"access_token": "entra-token", "expires_in": "3600", "resource": "https://vault.azure.net"}"#;
    let metadata = Issuer::start(&[("GET /metadata/identity/oauth2/token", 200, answer)]).await;
    let settings = AzureSettings {
        client_id: Some("client-1".to_owned()),
        metadata_host: Some(metadata.url.clone()),
        ..AzureSettings::default()
    };
    is_issued(&login(&settings, KEY_VAULT).controller_token(now()).await.unwrap());
    let request = metadata.request();
    assert_eq!(request.header("metadata"), "true");
    assert_eq!(
        request.line,
        "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net\
         &client_id=client-1"
    );
}

#[tokio::test]
async fn a_refusal_is_told_in_entras_words_and_without_the_secret() {
    let refusal = r#"{"error": "invalid_client", "error_description":
        "AADSTS7000215: Invalid client secret provided. Trace ID: 1 Correlation ID: 2 Timestamp: 3"}"#;
    let (entra, settings) = entra(401, refusal).await;
    let identity = AzureIdentity { tenant: "tenant-1".to_owned(), client: "client-1".to_owned() };
    let proof = AzureProof::ClientSecret(Secret::new("hidden"));
    let err = login(&settings, KEY_VAULT).token(&identity, &proof, now()).await.unwrap_err();
    assert_eq!(
        chain(&err),
        format!(
            "azure gave no token: {}tenant-1/oauth2/v2.0/token refused with status 401 Unauthorized: \
             AADSTS7000215: Invalid client secret provided.",
            entra.url
        )
    );
}
