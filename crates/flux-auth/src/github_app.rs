//! Installation tokens of a GitHub App.

use std::fmt;
use std::time::Duration;

use flux_http::{BodyError, ClientOptions, ConfigureError, mask_url, read_limited};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::AccessToken;

/// The API of github.com.
const PUBLIC_API: &str = "https://api.github.com";
/// How far back a JWT says it was issued, for servers whose clock is behind.
const CLOCK_SKEW: i64 = 60;
/// How long a JWT is good, in seconds; the API refuses more than ten minutes.
const JWT_LIFE: i64 = 120;
/// Answers are lists of at most a hundred installations.
const MAX_ANSWER: u64 = 4 << 20;
/// Installations of one App that are looked through for an owner, a hundred a page.
const MAX_PAGES: u32 = 100;
const PAGE_SIZE: usize = 100;
const TIMEOUT: Duration = Duration::from_secs(30);

/// Which of an App's installations acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installation {
    /// By its number.
    Id(String),
    /// The one on this user's or organisation's account.
    Owner(String),
}

/// What identifies an App, as a Flux Secret holds it.
#[derive(Clone)]
pub struct GitHubAppOptions {
    /// The App's number, `githubAppID`.
    pub app_id: String,
    /// `githubAppInstallationID` or `githubAppInstallationOwner`.
    pub installation: Installation,
    /// `githubAppPrivateKey`, PEM.
    pub private_key: Vec<u8>,
    /// `githubAppBaseURL`; the API of github.com where there is none.
    pub base_url: Option<String>,
    /// Certificates and proxy.
    pub client: ClientOptions,
}

/// A GitHub App that can be asked for tokens.
#[derive(Clone)]
pub struct GitHubApp {
    app_id: String,
    installation: Installation,
    key: EncodingKey,
    base_url: Url,
    client: reqwest::Client,
}

/// Why an App gets no token.
#[derive(Debug, thiserror::Error)]
pub enum GitHubAppError {
    /// The private key is no RSA key in PEM.
    #[error("invalid GitHub App private key")]
    PrivateKey(#[source] jsonwebtoken::errors::Error),
    /// The base URL is unusable.
    #[error("invalid GitHub App base URL \"{url}\"")]
    BaseUrl {
        /// The URL as given.
        url: String,
        /// The cause, where the text is no URL at all.
        #[source]
        source: Option<url::ParseError>,
    },
    /// The numbers of App and installation are digits.
    #[error("invalid GitHub App {field} \"{value}\", expected a number")]
    Number {
        /// Which number.
        field: &'static str,
        /// The text as given.
        value: String,
    },
    /// Certificates or proxy are unusable.
    #[error("failed to configure the client of the GitHub App")]
    Client(#[from] ConfigureError),
    /// The API could not be reached.
    #[error("failed to reach the GitHub API at {url}")]
    Unreachable {
        /// The address.
        url: String,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// The answer is too long or broke off.
    #[error("failed to read the answer of the GitHub API at {url}")]
    Answer {
        /// The address.
        url: String,
        /// The cause.
        #[source]
        source: BodyError,
    },
    /// The answer is not what the API's documentation says. It may be a token, so that nothing of it is repeated.
    #[error("unexpected answer of the GitHub API at {url}")]
    Malformed {
        /// The address.
        url: String,
    },
    /// The API said no.
    #[error("the GitHub API at {url} refused with status {status}: {message}")]
    Refused {
        /// The address.
        url: String,
        /// The HTTP status.
        status: StatusCode,
        /// What the API says about it, cut to a line.
        message: String,
    },
    /// The App is not installed on the owner's account.
    #[error("GitHub App {app_id} has no installation on the account \"{owner}\"")]
    NoInstallation {
        /// The App's number.
        app_id: String,
        /// The account.
        owner: String,
    },
}

#[derive(Serialize)]
struct Claims<'a> {
    iat: i64,
    exp: i64,
    iss: &'a str,
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: String,
    expires_at: Timestamp,
}

#[derive(Deserialize)]
struct InstallationAnswer {
    id: u64,
    account: Option<Account>,
}

#[derive(Deserialize)]
struct Account {
    login: Option<String>,
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
}

impl GitHubApp {
    /// Reads the key and the address; no request is made.
    pub fn new(options: GitHubAppOptions) -> Result<Self, GitHubAppError> {
        let GitHubAppOptions { app_id, installation, private_key, base_url, client } = options;
        check_number("ID", &app_id)?;
        if let Installation::Id(id) = &installation {
            check_number("installation ID", id)?;
        }
        let client = ClientOptions { total_timeout: client.total_timeout.or(Some(TIMEOUT)), ..client };
        Ok(Self {
            app_id,
            installation,
            key: EncodingKey::from_rsa_pem(&private_key).map_err(GitHubAppError::PrivateKey)?,
            base_url: parse_base_url(base_url.as_deref().unwrap_or(PUBLIC_API))?,
            client: client.client()?,
        })
    }

    /// A new installation token, which Git takes as the password of the user `x-access-token`.
    pub async fn token(&self, now: Timestamp) -> Result<AccessToken, GitHubAppError> {
        let id = match &self.installation {
            Installation::Id(id) => id.clone(),
            Installation::Owner(owner) => self.installation_of(owner, now).await?.to_string(),
        };
        let path = ["app", "installations", &id, "access_tokens"];
        let TokenAnswer { token, expires_at } = self.request(Method::POST, &path, "", now).await?;
        Ok(AccessToken::new(token, expires_at))
    }

    async fn installation_of(&self, owner: &str, now: Timestamp) -> Result<u64, GitHubAppError> {
        for page in 1..=MAX_PAGES {
            let query = format!("per_page={PAGE_SIZE}&page={page}");
            let list: Vec<InstallationAnswer> =
                self.request(Method::GET, &["app", "installations"], &query, now).await?;
            let on_account = |item: &&InstallationAnswer| {
                let login = item.account.as_ref().and_then(|account| account.login.as_deref());
                login.is_some_and(|login| login.eq_ignore_ascii_case(owner))
            };
            if let Some(found) = list.iter().find(on_account) {
                return Ok(found.id);
            }
            if list.len() < PAGE_SIZE {
                break;
            }
        }
        Err(GitHubAppError::NoInstallation { app_id: self.app_id.clone(), owner: owner.to_owned() })
    }

    async fn request<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        query: &str,
        now: Timestamp,
    ) -> Result<T, GitHubAppError> {
        let mut address = self.base_url.clone();
        if let Ok(mut parts) = address.path_segments_mut() {
            parts.pop_if_empty().extend(path);
        }
        address.set_query(Some(query).filter(|query| !query.is_empty()));
        let url = mask_url(&address);
        let request = self
            .client
            .request(method, address)
            .bearer_auth(self.jwt(now)?)
            .header("Accept", "application/vnd.github+json")
            .header("X-GitHub-Api-Version", "2022-11-28");
        let response = request
            .send()
            .await
            .map_err(|source| GitHubAppError::Unreachable { url: url.clone(), source: source.without_url() })?;
        let status = response.status();
        let body = read_limited(response, MAX_ANSWER)
            .await
            .map_err(|source| GitHubAppError::Answer { url: url.clone(), source })?;
        if !status.is_success() {
            return Err(GitHubAppError::Refused { url, status, message: refusal(&body) });
        }
        serde_json::from_slice(&body).map_err(|_| GitHubAppError::Malformed { url })
    }

    fn jwt(&self, now: Timestamp) -> Result<String, GitHubAppError> {
        let iat = now.as_second() - CLOCK_SKEW;
        let claims = Claims { iat, exp: iat + CLOCK_SKEW + JWT_LIFE, iss: &self.app_id };
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key).map_err(GitHubAppError::PrivateKey)
    }
}

impl fmt::Debug for GitHubApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GitHubApp({}, {:?} at {})", self.app_id, self.installation, mask_url(&self.base_url))
    }
}

fn check_number(field: &'static str, value: &str) -> Result<(), GitHubAppError> {
    let number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    if number { Ok(()) } else { Err(GitHubAppError::Number { field, value: value.to_owned() }) }
}

fn parse_base_url(text: &str) -> Result<Url, GitHubAppError> {
    let invalid = |source| GitHubAppError::BaseUrl { url: text.to_owned(), source };
    let url = Url::parse(text).map_err(|err| invalid(Some(err)))?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() { Ok(url) } else { Err(invalid(None)) }
}

/// The API's own words on one line of at most 200 characters.
fn refusal(body: &[u8]) -> String {
    let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
    let line = refusal.message.lines().next().unwrap_or_default();
    if line.is_empty() { "no reason given".to_owned() } else { line.chars().take(200).collect() }
}
