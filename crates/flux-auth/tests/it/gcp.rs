//! Google Cloud: every source of access tokens, and what its server is asked.

use flux_auth::gcp::{GcpLogin, GcpSettings, GoogleKey};
use flux_auth::{AccessToken, CloudLogin, Secret};
use flux_http::ClientOptions;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::issuer::{Issuer, account, chain, in_an_hour, now};

const TOKEN: &str = r#"{"access_token": "google-token", "expires_in": 3600, "token_type": "Bearer"}"#;
const SCOPES: &str = "https://www.googleapis.com/auth/cloud-platform https://www.googleapis.com/auth/userinfo.email";
const PROVIDER: &str = "projects/1/locations/global/workloadIdentityPools/pool/providers/cluster";

fn login(settings: &GcpSettings) -> GcpLogin<'_> {
    GcpLogin { settings, client: ClientOptions::default() }
}

fn is_issued(token: &AccessToken) {
    assert_eq!((token.expose(), token.expires_at()), ("google-token", in_an_hour()));
}

/// All of Google at one address.
async fn google(answers: &[(&str, u16, &str)]) -> (Issuer, GcpSettings) {
    let google = Issuer::start(answers).await;
    let url = || Some(google.url.clone());
    let settings =
        GcpSettings { metadata_host: url(), sts_endpoint: url(), iam_endpoint: url(), ..GcpSettings::default() };
    (google, settings)
}

#[tokio::test]
async fn a_service_account_has_access_by_its_provider() {
    let (google, settings) = google(&[("POST /v1/token", 200, TOKEN)]).await;
    let account = account(&[("gcp.auth.fluxcd.io/workload-identity-provider", PROVIDER)]);
    let login = login(&settings);
    assert_eq!(login.audience(&account).await.unwrap(), format!("//iam.googleapis.com/{PROVIDER}"));
    is_issued(&login.account_token(&account, &Secret::new("kubernetes-token"), now()).await.unwrap());
    let form = google.request().form();
    assert_eq!(form["audience"], format!("//iam.googleapis.com/{PROVIDER}"));
    assert_eq!(form["subject_token"], "kubernetes-token");
    assert_eq!(form["scope"], SCOPES);
}

#[tokio::test]
async fn a_service_account_acts_as_the_account_it_names() {
    let impersonated = r#"{"accessToken": "google-token", "expireTime": "2027-01-15T09:00:00Z"}"#;
    let email = "flux@project-1.iam.gserviceaccount.com";
    let federated = r#"{"access_token": "federated-token", "expires_in": 60}"#;
    let path = format!("POST /v1/projects/-/serviceAccounts/{email}:generateAccessToken");
    let (google, settings) = google(&[("POST /v1/token", 200, federated), (&path, 200, impersonated)]).await;
    let account = account(&[
        ("gcp.auth.fluxcd.io/workload-identity-provider", PROVIDER),
        ("iam.gke.io/gcp-service-account", email),
    ]);
    is_issued(&login(&settings).account_token(&account, &Secret::new("kubernetes-token"), now()).await.unwrap());
    let requests = google.requests();
    assert_eq!(requests[0].form()["scope"], "https://www.googleapis.com/auth/cloud-platform");
    assert_eq!(requests[1].header("authorization"), "Bearer federated-token");
    assert_eq!(serde_json::from_str::<Value>(&requests[1].body).unwrap()["lifetime"], "3600s");
}

#[tokio::test]
async fn on_gke_the_cluster_is_the_provider() {
    let (google, settings) = google(&[
        ("GET /computeMetadata/v1/project/project-id", 200, "project-1"),
        ("GET /computeMetadata/v1/instance/attributes/cluster-location", 200, "europe-west1"),
        ("GET /computeMetadata/v1/instance/attributes/cluster-name", 200, "main"),
        ("POST /v1/token", 200, TOKEN),
    ])
    .await;
    let (login, account) = (login(&settings), account(&[]));
    assert_eq!(login.audience(&account).await.unwrap(), "project-1.svc.id.goog");
    is_issued(&login.account_token(&account, &Secret::new("kubernetes-token"), now()).await.unwrap());
    assert_eq!(
        google.requests().last().unwrap().form()["audience"],
        "identitynamespace:project-1.svc.id.goog:https://container.googleapis.com/v1/projects/project-1/locations/\
         europe-west1/clusters/main"
    );
    assert!(google.requests()[..6].iter().all(|request| request.header("metadata-flavor") == "Google"));
}

#[tokio::test]
async fn a_node_gives_the_token_of_its_service_account() {
    let (google, settings) =
        google(&[("GET /computeMetadata/v1/instance/service-accounts/default/token", 200, TOKEN)]).await;
    is_issued(&login(&settings).controller_token(now()).await.unwrap());
    assert_eq!(google.request().header("metadata-flavor"), "Google");
}

#[tokio::test]
async fn a_key_file_signs_for_its_service_account() {
    let (google, settings) = google(&[("POST /token", 200, TOKEN)]).await;
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let token_uri = google.url.join("token").unwrap();
    let content = json!({"type": "service_account", "client_email": "flux@project-1.iam.gserviceaccount.com",
        "private_key_id": "key-1", "private_key": pair.serialize_pem(), "token_uri": token_uri});
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key.json");
    std::fs::write(&file, content.to_string()).unwrap();
    let settings = GcpSettings { application_credentials: Some(file), ..settings };
    is_issued(&login(&settings).controller_token(now()).await.unwrap());

    let form = google.request().form();
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.set_issuer(&["flux@project-1.iam.gserviceaccount.com"]);
    validation.set_audience(&[token_uri.as_str()]);
    let key = DecodingKey::from_rsa_pem(pair.public_key_pem().as_bytes()).unwrap();
    let assertion = jsonwebtoken::decode::<Value>(&form["assertion"], &key, &validation).unwrap();
    assert_eq!(assertion.header.kid.as_deref(), Some("key-1"));
    assert_eq!(assertion.claims["scope"], SCOPES);
    assert_eq!(assertion.claims["exp"], in_an_hour().as_second());
}

#[tokio::test]
async fn a_user_file_is_refreshed_and_a_refusal_told_without_its_secrets() {
    let refusal = r#"{"error": "invalid_grant", "error_description": "Token has been expired or revoked."}"#;
    let (google, settings) = google(&[("POST /token", 400, refusal)]).await;
    let content = json!({"type": "authorized_user", "client_id": "id", "client_secret": "hidden",
        "refresh_token": "hidden-too", "token_uri": google.url.join("token").unwrap()});
    let key = GoogleKey::parse(content.to_string().as_bytes()).unwrap();
    let err = login(&settings).key_token(&key, now()).await.unwrap_err();
    assert_eq!(
        chain(&err),
        format!(
            "gcp gave no token: {}token refused with status 400 Bad Request: invalid_grant: Token has been \
             expired or revoked.",
            google.url
        )
    );
    assert_eq!(google.request().form()["refresh_token"], "hidden-too");
}
