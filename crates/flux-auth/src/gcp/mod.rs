//! Access tokens of Google Cloud.

mod cluster;
mod key;

use std::path::PathBuf;

use flux_http::ClientOptions;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::exchange::{Answer, ExchangeError, client, metadata_client, read_file, send};
use crate::login::proxy_dependency;
use crate::{AccessToken, CloudError, CloudLogin, Secret, ServiceAccount};

pub use key::{GoogleKey, KeyError};

/// The cloud's name.
const GCP: &str = "gcp";
const EMAIL_ANNOTATION: &str = "iam.gke.io/gcp-service-account";
const PROVIDER_ANNOTATION: &str = "gcp.auth.fluxcd.io/workload-identity-provider";
const EMAIL_FORM: &str = "<name>@<project>.iam.gserviceaccount.com";
const PROVIDER_FORM: &str = "projects/<number>/locations/global/workloadIdentityPools/<pool>/providers/<provider>";
/// What tokens are for.
const SCOPES: [&str; 2] =
    ["https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/userinfo.email"];
/// What the token is for that stands for another service account.
const IMPERSONATION_SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const STS: &str = "https://sts.googleapis.com/";
const IAM: &str = "https://iamcredentials.googleapis.com/";
const METADATA: &str = "http://169.254.169.254/";
const FILE_SETTING: &str = "GOOGLE_APPLICATION_CREDENTIALS";
/// The longest part of a name.
const LONGEST_PART: usize = 100;

/// What the controller's environment says about Google Cloud.
#[derive(Clone, Debug, Default)]
pub struct GcpSettings {
    /// `GOOGLE_APPLICATION_CREDENTIALS`.
    pub application_credentials: Option<PathBuf>,
    /// `GCE_METADATA_HOST`, as a URL: where the metadata server is in place of the link-local address.
    pub metadata_host: Option<Url>,
    /// Where tokens are exchanged in place of Google's address.
    pub sts_endpoint: Option<Url>,
    /// Where service accounts are impersonated in place of Google's address.
    pub iam_endpoint: Option<Url>,
}

/// A login at Google Cloud.
#[derive(Clone, Debug)]
pub struct GcpLogin<'a> {
    /// The controller's environment.
    pub settings: &'a GcpSettings,
    /// Proxy and trust on the way to Google.
    pub client: ClientOptions,
}

impl GcpLogin<'_> {
    /// A new token for the owner of `key`.
    pub async fn key_token(&self, key: &GoogleKey, now: Timestamp) -> Result<AccessToken, CloudError> {
        let (url, form) = key.request(&SCOPES, now).map_err(CloudError::GoogleCredentials)?;
        self.issued(&url, &form, now).await.map_err(failed)
    }

    /// A token from the metadata server, for the service account of the node or, on GKE, of the pod.
    async fn metadata_token(&self, now: Timestamp) -> Result<AccessToken, CloudError> {
        let mut url = cluster::address(self.settings, "instance/service-accounts/default/token");
        url.query_pairs_mut().append_pair("scopes", &SCOPES.join(","));
        let exchange = async {
            let request = metadata_client()?.get(url.clone()).header("metadata-flavor", "Google");
            read(&send(request, &url).await?.accepted(refusal)?, now)
        };
        exchange.await.map_err(failed)
    }

    async fn issued(&self, url: &Url, form: &[(&str, String)], now: Timestamp) -> Result<AccessToken, ExchangeError> {
        let answer = send(client(&self.client)?.post(url.clone()).form(form), url).await?;
        read(&answer.accepted(refusal)?, now)
    }

    /// A token of the service account `email` in exchange for one that may act as it.
    async fn impersonate(&self, email: &str, token: &AccessToken) -> Result<AccessToken, ExchangeError> {
        let mut url = endpoint(self.settings.iam_endpoint.as_ref(), IAM);
        url.set_path(&format!("v1/projects/-/serviceAccounts/{email}:generateAccessToken"));
        let body = json!({"delegates": [], "lifetime": "3600s", "scope": SCOPES});
        let request = client(&self.client)?.post(url.clone()).bearer_auth(token.expose()).json(&body);
        let answer = send(request, &url).await?.accepted(refusal)?;
        let Impersonated { access_token, expire_time } = answer.json()?;
        Ok(AccessToken::new(access_token.expose().to_owned(), expire_time))
    }
}

impl CloudLogin for GcpLogin<'_> {
    type Token = AccessToken;

    fn provider(&self) -> &'static str {
        GCP
    }

    fn dependencies(&self) -> Vec<String> {
        proxy_dependency(&self.client).into_iter().collect()
    }

    fn identity(&self, account: &ServiceAccount) -> Result<String, CloudError> {
        email(account).map(|email| email.unwrap_or_default().to_owned())
    }

    async fn audience(&self, account: &ServiceAccount) -> Result<String, CloudError> {
        match provider(account)? {
            Some(provider) => Ok(format!("//iam.googleapis.com/{provider}")),
            None => Ok(cluster::Cluster::read(self.settings).await.map_err(failed)?.pool()),
        }
    }

    /// By, in this order: the file of `GOOGLE_APPLICATION_CREDENTIALS`, the metadata server.
    async fn controller_token(&self, now: Timestamp) -> Result<AccessToken, CloudError> {
        let Some(file) = &self.settings.application_credentials else { return self.metadata_token(now).await };
        let text = read_file(file).await.map_err(|source| CloudError::File { setting: FILE_SETTING, source })?;
        let key = GoogleKey::parse(text.expose().as_bytes()).map_err(CloudError::GoogleCredentials)?;
        self.key_token(&key, now).await
    }

    async fn account_token(
        &self,
        account: &ServiceAccount,
        token: &Secret,
        now: Timestamp,
    ) -> Result<AccessToken, CloudError> {
        let audience = match provider(account)? {
            Some(provider) => format!("//iam.googleapis.com/{provider}"),
            None => cluster::Cluster::read(self.settings).await.map_err(failed)?.audience(),
        };
        let email = email(account)?;
        let scope = if email.is_some() { IMPERSONATION_SCOPE.to_owned() } else { SCOPES.join(" ") };
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange".to_owned()),
            ("audience", audience),
            ("scope", scope),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token".to_owned()),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt".to_owned()),
            ("subject_token", token.expose().to_owned()),
        ];
        let mut url = endpoint(self.settings.sts_endpoint.as_ref(), STS);
        url.set_path("v1/token");
        let exchange = async {
            let federated = self.issued(&url, &form, now).await?;
            match email {
                Some(email) => self.impersonate(email, &federated).await,
                None => Ok(federated),
            }
        };
        exchange.await.map_err(failed)
    }
}

/// The service account that a ServiceAccount acts as, where it is not one itself.
fn email(account: &ServiceAccount) -> Result<Option<&str>, CloudError> {
    let Some(email) = account.annotation(EMAIL_ANNOTATION) else { return Ok(None) };
    let part = |text: &str| {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=LONGEST_PART).contains(&text.len()) && text.bytes().all(word)
    };
    let parts = email.strip_suffix(".iam.gserviceaccount.com").and_then(|rest| rest.split_once('@'));
    if parts.is_some_and(|(name, project)| part(name) && part(project)) {
        Ok(Some(email))
    } else {
        Err(account.invalid(EMAIL_ANNOTATION, email, EMAIL_FORM))
    }
}

/// The provider of workload identity that trusts the cluster; none on GKE.
fn provider(account: &ServiceAccount) -> Result<Option<&str>, CloudError> {
    let Some(provider) = account.annotation(PROVIDER_ANNOTATION) else { return Ok(None) };
    let parts: Vec<&str> = provider.split('/').collect();
    let name = |text: &str| (1..=LONGEST_PART).contains(&text.chars().count());
    let number = |text: &str| (1..=30).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let valid = matches!(
        parts[..],
        ["projects", project, "locations", "global", "workloadIdentityPools", pool, "providers", provider]
            if number(project) && name(pool) && name(provider)
    );
    if valid { Ok(Some(provider)) } else { Err(account.invalid(PROVIDER_ANNOTATION, provider, PROVIDER_FORM)) }
}

fn endpoint(given: Option<&Url>, public: &str) -> Url {
    given.cloned().unwrap_or_else(|| Url::parse(public).expect("the constant is a URL"))
}

fn failed(source: ExchangeError) -> CloudError {
    CloudError::Exchange { cloud: GCP, source }
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Option<Secret>,
    expires_in: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Impersonated {
    access_token: Secret,
    expire_time: Timestamp,
}

#[derive(Deserialize)]
struct Refusal {
    error: Option<serde_json::Value>,
    error_description: Option<String>,
}

fn read(answer: &Answer, now: Timestamp) -> Result<AccessToken, ExchangeError> {
    let TokenAnswer { access_token, expires_in } = answer.json()?;
    let token = access_token.ok_or_else(|| answer.missing("access_token"))?;
    let life = expires_in.ok_or_else(|| answer.missing("expires_in"))?;
    let until = now.checked_add(SignedDuration::from_secs(life)).unwrap_or(Timestamp::MAX);
    Ok(AccessToken::new(token.expose().to_owned(), until))
}

/// OAuth servers answer `{"error": "…", "error_description": "…"}`, the others `{"error": {"message": "…"}}`.
fn refusal(body: &[u8]) -> Option<String> {
    let Refusal { error, error_description } = serde_json::from_slice(body).ok()?;
    let error = error.map(|error| match error {
        serde_json::Value::String(text) => text,
        error => error["message"].as_str().unwrap_or_default().to_owned(),
    });
    match (error, error_description) {
        (Some(error), Some(description)) => Some(format!("{error}: {description}")),
        (error, description) => error.or(description).filter(|text| !text.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(annotations: &[(&str, &str)]) -> ServiceAccount {
        let annotations = annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        ServiceAccount { namespace: "apps".to_owned(), name: "flux".to_owned(), annotations }
    }

    #[test]
    fn annotations_name_accounts_and_providers_and_nothing_else() {
        let check = |key: &str, value: &str, valid: bool| {
            let account = account(&[(key, value)]);
            let read = if key == EMAIL_ANNOTATION { email(&account) } else { provider(&account) };
            assert_eq!(read.is_ok_and(|read| read == Some(value)), valid, "{value}");
        };
        check(EMAIL_ANNOTATION, "flux@project-1.iam.gserviceaccount.com", true);
        check(EMAIL_ANNOTATION, "flux@example.com", false);
        check(EMAIL_ANNOTATION, "a/b@project-1.iam.gserviceaccount.com", false);
        check(PROVIDER_ANNOTATION, "projects/1/locations/global/workloadIdentityPools/p/providers/q", true);
        check(PROVIDER_ANNOTATION, "projects/x/locations/global/workloadIdentityPools/p/providers/q", false);
        check(PROVIDER_ANNOTATION, "projects/1/locations/global/workloadIdentityPools//providers/q", false);
        assert_eq!(email(&account(&[])).unwrap(), None);
    }

    #[test]
    fn refusals_of_both_shapes_are_repeated() {
        let check = |body: &str, expected: Option<&str>| assert_eq!(refusal(body.as_bytes()).as_deref(), expected);
        check(r#"{"error": "invalid_grant", "error_description": "expired"}"#, Some("invalid_grant: expired"));
        check(r#"{"error": {"code": 403, "message": "denied", "status": "X"}}"#, Some("denied"));
        check("{}", None);
    }
}
