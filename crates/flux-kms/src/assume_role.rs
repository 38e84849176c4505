//! Roles of AWS that a document's keys are used as.

use flux_auth::Secret;
use flux_auth::aws::{AwsCredentials, SigningScope};
use jiff::Timestamp;
use reqwest::StatusCode;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::aws::{AwsKms, is_passing, secrets, service_url};
use crate::exchange::{Answer, Refusal};
use crate::{CredentialsError, ServiceError};

const FORM: &str = "application/x-www-form-urlencoded";
/// The longest session name that AWS takes.
const MAX_SESSION: usize = 64;

impl AwsKms {
    /// Credentials of `role`, which `own` are allowed to take on.
    pub(crate) async fn assume_role(
        &self,
        role: &str,
        region: &str,
        own: &AwsCredentials,
        now: Timestamp,
    ) -> Result<AwsCredentials, CredentialsError> {
        let assumed = async {
            let url = service_url(self.sts_endpoint.as_ref(), "sts", region)?;
            let body = form_urlencoded::Serializer::new(String::new())
                .append_pair("Action", "AssumeRole")
                .append_pair("Version", "2011-06-15")
                .append_pair("RoleArn", role)
                .append_pair("RoleSessionName", &session_name(&self.host_name))
                .finish();
            let scope = SigningScope { region, service: "sts" };
            let request = self.signed(&url, &[("content-type", FORM)], body.into_bytes(), scope, own, now)?;
            let answer = self.exchange.call(request, refusal, &secrets(own)).await?;
            credentials(&answer)
        };
        assumed.await.map_err(|source| CredentialsError::Role { role: role.to_owned(), source })
    }
}

/// The session is called after the host, as SOPS does; of other characters than those of AWS's pattern nothing is left,
/// nor of hyphens.
fn session_name(host_name: &str) -> String {
    let allowed = |char: &char| char.is_ascii_alphanumeric() || "=,.@_".contains(*char);
    "sops@".chars().chain(host_name.chars().filter(allowed)).take(MAX_SESSION).collect()
}

fn credentials(answer: &Answer) -> Result<AwsCredentials, ServiceError> {
    let missing = || answer.malformed("expected Credentials");
    let text = std::str::from_utf8(&answer.body).map_err(|_| missing())?;
    let field = |name: &str| element(text, name).ok_or_else(missing);
    let expires_at = field("Expiration")?.parse().map_err(|_| missing())?;
    let (key, token) = (Secret::new(field("SecretAccessKey")?.as_str()), Secret::new(field("SessionToken")?.as_str()));
    Ok(AwsCredentials::new(field("AccessKeyId")?.as_str(), key, Some(token), expires_at))
}

/// `<ErrorResponse><Error><Code>AccessDenied</Code><Message>…</Message></Error></ErrorResponse>`.
fn refusal(_status: StatusCode, body: &[u8]) -> Refusal {
    let text = String::from_utf8_lossy(body);
    let code = element(&text, "Code").unwrap_or_default();
    let message = match element(&text, "Message") {
        Some(message) => format!("{}: {}", *code, *message),
        None => code.to_string(),
    };
    Refusal { message, transient: is_passing(&code) }
}

/// The text of the first element of this name. The answers of the token service have neither attributes nor comments.
fn element(xml: &str, name: &str) -> Option<Zeroizing<String>> {
    let (_, after) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = after.split_once(&format!("</{name}>"))?;
    let plain = Zeroizing::new(text.trim().replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\""));
    // Ampersands come last, so that what they reveal is not read again.
    Some(Zeroizing::new(plain.replace("&apos;", "'").replace("&amp;", "&"))).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_called_after_the_host() {
        assert_eq!(session_name("kustomize-controller-7f9c.local"), "sops@kustomizecontroller7f9c.local");
        assert_eq!(session_name("a b/c:d"), "sops@abcd");
        assert_eq!(session_name(&"x".repeat(100)).len(), MAX_SESSION);
    }

    #[test]
    fn a_role_that_is_not_granted_is_named_in_the_words_of_the_service() {
        let body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: &quot;me&quot; &amp;lt; is not \
                    authorized</Message></Error></ErrorResponse>";
        let refusal = refusal(StatusCode::FORBIDDEN, body.as_bytes());
        assert_eq!(refusal.message, "AccessDenied: User: \"me\" &lt; is not authorized");
        assert!(!refusal.transient);
    }
}
