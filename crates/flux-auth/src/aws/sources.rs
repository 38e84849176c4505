//! Where a controller's own AWS credentials come from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use reqwest::RequestBuilder;
use serde::Deserialize;
use url::{Host, Url};

use super::sts::{self, AssumeRole};
use super::{AWS, AwsCredentials, AwsLogin, AwsSettings};
use crate::exchange::{ExchangeError, metadata_client, read_file, send};
use crate::{CloudError, Secret};

/// Where ECS hands out the credentials of a task.
const CONTAINER_HOST: &str = "http://169.254.170.2/";
/// Where EC2 describes an instance.
const METADATA_HOST: &str = "http://169.254.169.254/";
/// Hosts beside the machine's own that may be asked without TLS: ECS, and EKS Pod Identity on both protocols.
const CONTAINER_ADDRESSES: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
];
/// How long a token of the instance's metadata is asked for, in seconds.
const METADATA_TOKEN_LIFE: &str = "300";
const FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
/// The session's name where the environment gives none.
const SESSION: &str = "fluxcd.io";

/// The answer of credentials servers and of the instance's metadata.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    code: Option<String>,
    message: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<Secret>,
    token: Option<Secret>,
    expiration: Option<Timestamp>,
}

/// Credentials from the first source that the environment names, or else of the instance.
pub(super) async fn controller_credentials(login: &AwsLogin<'_>) -> Result<AwsCredentials, CloudError> {
    let settings = login.settings;
    if let Some(credentials) = environment(settings) {
        return Ok(credentials);
    }
    if settings.web_identity_token_file.is_some() {
        return web_identity(login).await;
    }
    let asked = match container_url(settings)? {
        Some(url) => {
            let authorization = container_authorization(settings).await?;
            container(&url, authorization.as_ref()).await
        }
        None if settings.metadata_disabled => return Err(CloudError::NoCredentials { cloud: AWS }),
        None => instance(settings).await,
    };
    asked.map_err(|source| CloudError::Exchange { cloud: AWS, source })
}

fn environment(settings: &AwsSettings) -> Option<AwsCredentials> {
    let id = settings.access_key_id.as_ref().filter(|id| !id.is_empty())?;
    let key = settings.secret_access_key.as_ref().filter(|key| !key.is_empty())?;
    Some(AwsCredentials::new(id, key.clone(), settings.session_token.clone(), Timestamp::MAX))
}

/// The role of the controller's own ServiceAccount, as EKS sets it up.
async fn web_identity(login: &AwsLogin<'_>) -> Result<AwsCredentials, CloudError> {
    let settings = login.settings;
    let invalid = |setting| CloudError::Setting { setting, value: String::new(), expected: "a value" };
    let file = settings.web_identity_token_file.as_ref().ok_or_else(|| invalid("AWS_WEB_IDENTITY_TOKEN_FILE"))?;
    let role = settings.role_arn.as_deref().filter(|role| !role.is_empty()).ok_or_else(|| invalid("AWS_ROLE_ARN"))?;
    let region = login.region()?;
    let token =
        read_file(file).await.map_err(|source| CloudError::File { setting: "AWS_WEB_IDENTITY_TOKEN_FILE", source })?;
    let session = settings.role_session_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(SESSION);
    sts::assume_role(&AssumeRole { role, session, token: &token }, region, login).await
}

/// The credentials server that the environment names. Without TLS only the machine's own and the well-known ones are
/// asked: the answer is a key.
fn container_url(settings: &AwsSettings) -> Result<Option<Url>, CloudError> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    if let Some(text) = given(&settings.container_credentials_full_uri) {
        return match Url::parse(&text) {
            Ok(url) if may_be_asked(&url) => Ok(Some(url)),
            Ok(_) | Err(_) => Err(CloudError::Setting {
                setting: FULL_URI,
                value: text,
                expected: "an https URL, or an http URL of this machine or of the container service",
            }),
        };
    }
    let Some(text) = given(&settings.container_credentials_relative_uri) else { return Ok(None) };
    let absolute = format!("{}{}", CONTAINER_HOST.trim_end_matches('/'), text);
    match Url::parse(&absolute) {
        Ok(url) if text.starts_with('/') => Ok(Some(url)),
        Ok(_) | Err(_) => {
            Err(CloudError::Setting { setting: RELATIVE_URI, value: text, expected: "a path that starts with /" })
        }
    }
}

fn may_be_asked(url: &Url) -> bool {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(Host::Domain(_)) | None => None,
    };
    let near = address.is_some_and(|address| address.is_loopback() || CONTAINER_ADDRESSES.contains(&address));
    url.scheme() == "https" || (url.scheme() == "http" && (near || url.host_str() == Some("localhost")))
}

async fn container_authorization(settings: &AwsSettings) -> Result<Option<Secret>, CloudError> {
    match &settings.container_authorization_token_file {
        Some(file) => read_file(file)
            .await
            .map(Some)
            .map_err(|source| CloudError::File { setting: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", source }),
        None => Ok(settings.container_authorization_token.clone().filter(|token| !token.is_empty())),
    }
}

async fn container(url: &Url, authorization: Option<&Secret>) -> Result<AwsCredentials, ExchangeError> {
    let mut request = metadata_client()?.get(url.clone());
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization.expose());
    }
    credentials(request, url).await
}

/// The role of the instance, by the second version of its metadata service.
async fn instance(settings: &AwsSettings) -> Result<AwsCredentials, ExchangeError> {
    const ROLES: &str = "latest/meta-data/iam/security-credentials/";
    let host = settings.metadata_endpoint.clone();
    let host = host.map_or_else(|| Url::parse(METADATA_HOST), Ok).expect("the constant is a URL");
    let client = metadata_client()?;
    let at = |path: &str| {
        let mut url = host.clone();
        url.set_path(path);
        url
    };
    let url = at("latest/api/token");
    let asked = client.put(url.clone()).header("x-aws-ec2-metadata-token-ttl-seconds", METADATA_TOKEN_LIFE);
    let token = Secret::new(send(asked, &url).await?.accepted(|_| None)?.text().trim());
    let with_token = |url: &Url| client.get(url.clone()).header("x-aws-ec2-metadata-token", token.expose());
    let url = at(ROLES);
    let answer = send(with_token(&url), &url).await?.accepted(|_| None)?;
    let roles = answer.text();
    let role = roles.lines().map(str::trim).find(|line| !line.is_empty()).ok_or_else(|| answer.missing("role"))?;
    let url = at(&format!("{ROLES}{role}"));
    credentials(with_token(&url), &url).await
}

async fn credentials(request: RequestBuilder, url: &Url) -> Result<AwsCredentials, ExchangeError> {
    let answer = send(request, url).await?.accepted(|body| {
        let document: Document = serde_json::from_slice(body).ok()?;
        Some(format!("{}: {}", document.code?, document.message?))
    })?;
    let Document { code, access_key_id, secret_access_key, token, expiration, .. } = answer.json()?;
    if code.is_some_and(|code| code != "Success") {
        return Err(answer.missing("Code of success"));
    }
    Ok(AwsCredentials::new(
        access_key_id.ok_or_else(|| answer.missing("AccessKeyId"))?,
        secret_access_key.ok_or_else(|| answer.missing("SecretAccessKey"))?,
        token,
        expiration.ok_or_else(|| answer.missing("Expiration"))?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_asked_for_over_an_open_network() {
        let check =
            |text: &str, expected: bool| assert_eq!(may_be_asked(&Url::parse(text).unwrap()), expected, "{text}");
        check("http://169.254.170.23/v1/credentials", true);
        check("http://[fd00:ec2::23]/v1/credentials", true);
        check("http://localhost:1234/", true);
        check("http://127.0.0.5/", true);
        check("https://example.com/", true);
        check("http://example.com/", false);
        check("http://10.0.0.1/", false);
        check("ftp://localhost/", false);
    }

    #[test]
    fn a_relative_address_is_one_of_the_container_service() {
        let url = |path: &str| {
            let settings =
                AwsSettings { container_credentials_relative_uri: Some(path.to_owned()), ..AwsSettings::default() };
            container_url(&settings).map(|url| url.map(String::from))
        };
        assert_eq!(url("/v2/credentials/x").unwrap().unwrap(), "http://169.254.170.2/v2/credentials/x");
        assert_eq!(url("").unwrap(), None);
        assert_eq!(
            url("@example.com/").unwrap_err().to_string(),
            "invalid AWS_CONTAINER_CREDENTIALS_RELATIVE_URI \"@example.com/\", expected a path that starts with /"
        );
    }
}
