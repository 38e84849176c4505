//! A role in exchange for a token, at the Security Token Service.

use jiff::Timestamp;

use super::{AWS, AwsCredentials, AwsLogin, endpoint};
use crate::exchange::{Answer, ExchangeError, client, send};
use crate::{CloudError, Secret};

/// Who wants which role.
pub(super) struct AssumeRole<'a> {
    pub(super) role: &'a str,
    pub(super) session: &'a str,
    pub(super) token: &'a Secret,
}

/// Credentials of the role, for an hour.
pub(super) async fn assume_role(
    request: &AssumeRole<'_>,
    region: &str,
    login: &AwsLogin<'_>,
) -> Result<AwsCredentials, CloudError> {
    let url = match &login.settings.sts_endpoint {
        Some(url) => url.clone(),
        None => endpoint("sts", region)?,
    };
    let form = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", request.role),
        ("RoleSessionName", request.session),
        ("WebIdentityToken", request.token.expose()),
    ];
    let exchange = async {
        let answer = send(client(&login.client)?.post(url.clone()).form(&form), &url).await?;
        read(&answer.accepted(refusal)?)
    };
    exchange.await.map_err(|source| CloudError::Exchange { cloud: AWS, source })
}

fn read(answer: &Answer) -> Result<AwsCredentials, ExchangeError> {
    let text = zeroize::Zeroizing::new(answer.text());
    let field = |name: &'static str| element(&text, name).ok_or_else(|| answer.missing(name));
    let expires_at: Timestamp = field("Expiration")?.parse().map_err(|_| answer.missing("valid Expiration"))?;
    let (key, session) = (Secret::new(field("SecretAccessKey")?), Secret::new(field("SessionToken")?));
    Ok(AwsCredentials::new(field("AccessKeyId")?, key, Some(session), expires_at))
}

/// `AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity`.
fn refusal(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    Some(format!("{}: {}", element(&text, "Code")?, element(&text, "Message")?))
}

/// The text of the first element of this name. The answers of STS have no attributes, comments or nested text.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, after) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = after.split_once(&format!("</{name}>"))?;
    let text = text.trim();
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    // Last, so that what it reveals is not read again.
    Some(plain.replace("&amp;", "&")).filter(|text| !text.is_empty())
}
