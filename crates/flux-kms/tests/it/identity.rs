//! An identity of known credentials, and those of decryption Secrets.

use std::sync::Mutex;

use flux_auth::Secret;
use flux_auth::aws::AwsCredentials;
use flux_kms::{CredentialsError, Identity, NoIdentity, SecretIdentity, SecretKeys};
use jiff::Timestamp;
use serde_json::json;

use crate::server::{Server, client, json, message};

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// Credentials, and what they were asked for.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) token: &'static str,
    pub(crate) session: Option<&'static str>,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Known {
    pub(crate) fn token(token: &'static str) -> Self {
        Self { token, ..Self::default() }
    }

    fn secret(&self, asked: &str) -> Option<Secret> {
        self.asked.lock().unwrap().push(asked.to_owned());
        (!self.token.is_empty()).then(|| Secret::new(self.token))
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Identity for Known {
    async fn aws(&self, region: &str, _now: Timestamp) -> Result<Option<AwsCredentials>, CredentialsError> {
        let key = self.secret(region);
        Ok(key.map(|key| AwsCredentials::new("AKIDOWN", key, self.session.map(Secret::new), Timestamp::MAX)))
    }

    async fn gcp(&self, _now: Timestamp) -> Result<Option<Secret>, CredentialsError> {
        Ok(self.secret("gcp"))
    }

    async fn azure(&self, scope: &str, _now: Timestamp) -> Result<Option<Secret>, CredentialsError> {
        Ok(self.secret(scope))
    }

    async fn vault(&self, address: &str, _now: Timestamp) -> Result<Option<Secret>, CredentialsError> {
        Ok(self.secret(address))
    }
}

fn identity<'a>(entries: impl IntoIterator<Item = (&'a str, String)>) -> SecretIdentity<Known> {
    let entries: Vec<_> = entries.into_iter().collect();
    let keys = SecretKeys::read(entries.iter().map(|(name, value)| (*name, value.as_bytes()))).unwrap();
    SecretIdentity { keys, client: client(), metadata_host: None, otherwise: Known::token("workload") }
}

#[tokio::test]
async fn a_secret_counts_before_the_workload_and_only_for_its_services() {
    let secret = identity([("sops.vault-token", "s.static\n".to_owned())]);
    assert_eq!(secret.vault("https://vault", now()).await.unwrap().unwrap().expose(), "s.static");
    assert_eq!(secret.gcp(now()).await.unwrap().unwrap().expose(), "workload");
    assert_eq!(secret.azure("scope", now()).await.unwrap().unwrap().expose(), "workload");
    let credentials = secret.aws("eu-west-1", now()).await.unwrap().unwrap();
    assert_eq!(credentials.secret_access_key().expose(), "workload");
    assert_eq!(secret.otherwise.asked(), ["gcp", "scope", "eu-west-1"]);

    let secret = identity([("sops.aws-kms", "aws_access_key_id: AKIA\naws_secret_access_key: key".to_owned())]);
    assert_eq!(secret.aws("eu-west-1", now()).await.unwrap().unwrap().access_key_id(), "AKIA");
    assert!(secret.otherwise.asked().is_empty());
}

#[tokio::test]
async fn an_empty_key_of_aws_is_not_replaced_by_the_workload() {
    let secret = identity([("sops.aws-kms", "aws_access_key_id: AKIA".to_owned())]);
    let err = secret.aws("eu-west-1", now()).await.unwrap_err();
    assert_eq!((err.to_string().as_str(), err.is_transient()), ("static credentials are empty", false));
}

#[tokio::test]
async fn nobody_has_no_credentials() {
    assert!(NoIdentity.aws("eu-west-1", now()).await.unwrap().is_none());
    assert!(NoIdentity.gcp(now()).await.unwrap().is_none());
    assert!(NoIdentity.azure("scope", now()).await.unwrap().is_none());
    assert!(NoIdentity.vault("https://vault", now()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_service_account_of_google_is_exchanged_for_a_token() {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let public = pair.public_key_pem();
    let server = Server::start(move |request| {
        let form = request.form();
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        validation.validate_exp = false;
        validation.set_issuer(&["sops@project.iam.gserviceaccount.com"]);
        validation.validate_aud = false;
        let key = jsonwebtoken::DecodingKey::from_rsa_pem(public.as_bytes()).unwrap();
        match jsonwebtoken::decode::<serde_json::Value>(&form["assertion"], &key, &validation) {
            Ok(_) => json(200, &json!({"access_token": "ya29.token", "expires_in": 3599})),
            Err(_) => json(401, &json!({"error": "invalid_grant"})),
        }
    })
    .await;
    let file = json!({
        "type": "service_account",
        "client_email": "sops@project.iam.gserviceaccount.com",
        "private_key_id": "1",
        "private_key": pair.serialize_pem(),
        "token_uri": server.url.join("token").unwrap(),
    });
    let secret = identity([("sops.gcp-kms", format!("{file}\n\n"))]);
    assert_eq!(secret.gcp(now()).await.unwrap().unwrap().expose(), "ya29.token");
    assert_eq!(server.only_received().path, "/token");
}

#[tokio::test]
async fn azure_is_logged_in_to_by_secret_and_by_certificate() {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let certificate = rcgen::CertificateParams::new(["flux".to_owned()]).unwrap().self_signed(&key).unwrap();
    let public = key.public_key_pem();
    let server = Server::start(move |request| {
        let form = request.form();
        assert_eq!((request.path.as_str(), form["client_id"].as_str()), ("/tenant/oauth2/v2.0/token", "client"));
        assert_eq!(form["scope"], "https://vault.azure.net/.default");
        assert_eq!(form["grant_type"], "client_credentials");
        let proven = match form.get("client_assertion") {
            Some(assertion) => {
                let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::PS256);
                validation.validate_exp = false;
                let audience = format!("http://{}/tenant/oauth2/v2.0/token", request.header("host"));
                validation.set_audience(&[audience]);
                let key = jsonwebtoken::DecodingKey::from_rsa_pem(public.as_bytes()).unwrap();
                jsonwebtoken::decode::<serde_json::Value>(assertion, &key, &validation).is_ok()
            }
            None => form["client_secret"] == "hunter2",
        };
        if proven {
            json(200, &json!({"access_token": "eyJ.token", "expires_in": 3599}))
        } else {
            json(401, &json!({"error": "invalid_client", "error_description": "AADSTS7000215: wrong secret"}))
        }
    })
    .await;
    let scope = "https://vault.azure.net/.default";
    let form = |rest: serde_json::Value| {
        let mut form = json!({"tenantId": "tenant", "clientId": "client", "authorityHost": server.url});
        form.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        identity([("sops.azure-kv", form.to_string())])
    };
    let by_secret = form(json!({"clientSecret": "hunter2"}));
    assert_eq!(by_secret.azure(scope, now()).await.unwrap().unwrap().expose(), "eyJ.token");
    let pem = format!("{}{}", certificate.pem(), key.serialize_pem());
    let by_certificate = form(json!({"clientCertificate": pem}));
    assert_eq!(by_certificate.azure(scope, now()).await.unwrap().unwrap().expose(), "eyJ.token");
    let err = form(json!({"clientSecret": "old"})).azure(scope, now()).await.unwrap_err();
    let shown = format!("{}tenant/oauth2/v2.0/token", server.url);
    let expected = format!("{shown} refused with status 401 Unauthorized: AADSTS7000215: wrong secret");
    assert!(message(&err).ends_with(&expected), "{}", message(&err));
    assert!(!err.is_transient());
}

#[tokio::test]
async fn a_managed_identity_of_azure_comes_from_the_machine() {
    let server = Server::start(|request| {
        assert_eq!(request.header("metadata"), "true");
        json(200, &json!({"access_token": "eyJ.machine", "expires_in": "3599"}))
    })
    .await;
    let secret = SecretIdentity {
        metadata_host: Some(server.url.clone()),
        ..identity([("sops.azure-kv", "clientId: 1234-abcd".to_owned())])
    };
    let token = secret.azure("https://vault.azure.net/.default", now()).await.unwrap().unwrap();
    assert_eq!(token.expose(), "eyJ.machine");
    let expected = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net\
                    &client_id=1234-abcd";
    assert_eq!(server.only_received().path, expected);
}
