//! Git logins at CodeCommit: a signature in place of a password.

use jiff::Timestamp;
use url::Url;

use super::AwsCredentials;
use super::signature::{SigningScope, host, path, signature, time_stamp};
use crate::{CloudError, Secret};

/// How the URL of a CodeCommit repository looks.
const EXPECTED: &str = "https://git-codecommit.<region>.amazonaws.com/v1/repos/<name>";

/// User and password for one repository. The password is a signature that CodeCommit takes for 15 minutes.
#[derive(Clone, Debug)]
pub struct CodeCommitLogin {
    /// The user: the key's id, and the session token after a `%`.
    pub username: Secret,
    /// The password: the time and the signature.
    pub password: Secret,
}

/// The region of the CodeCommit repository at `url`.
pub fn code_commit_region(url: &Url) -> Result<&str, CloudError> {
    let region = || {
        if url.scheme() != "https" {
            return None;
        }
        let host = url.host_str()?;
        let host = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
        let region = host.strip_prefix("git-codecommit.").or_else(|| host.strip_prefix("git-codecommit-fips."))?;
        // Further labels name a private endpoint.
        region.split('.').next().filter(|region| !region.is_empty())
    };
    region().ok_or_else(|| CloudError::Url { url: shown(url), service: "CodeCommit", expected: EXPECTED })
}

/// Signs `now` for the repository at `url`.
pub fn code_commit_login(
    url: &Url,
    credentials: &AwsCredentials,
    now: Timestamp,
) -> Result<CodeCommitLogin, CloudError> {
    let region = code_commit_region(url)?;
    let time = time_stamp(now);
    // The method of these signatures is GIT; there is no query, and the body has no hash.
    let canonical = format!("GIT\n{}\n\nhost:{}\n\nhost\n", path(url), host(url));
    let signature = signature(&canonical, &time, SigningScope { region, service: "codecommit" }, credentials);
    let id = credentials.access_key_id();
    let username = credentials
        .session_token()
        .map_or_else(|| Secret::new(id), |token| Secret::new(format!("{id}%{}", token.expose())));
    Ok(CodeCommitLogin { username, password: Secret::new(format!("{time}Z{signature}")) })
}

/// Without the user too, who may be a token.
fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    // Refused only by URLs without a host, which have no user either.
    let _ = shown.set_username("").and_then(|()| shown.set_password(None));
    flux_http::mask_url(&shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn the_password_is_the_time_and_its_signature() {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        let session =
            AwsCredentials::new("AKIDEXAMPLE", secret.clone(), Some(Secret::new("session/+")), Timestamp::MAX);
        let repository = url("https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/app");
        let now = "2027-01-15T08:00:00.7Z".parse().unwrap();
        let login = code_commit_login(&repository, &session, now).unwrap();
        assert_eq!(login.username.expose(), "AKIDEXAMPLE%session/+");
        assert_eq!(
            login.password.expose(),
            "20270115T080000Zabc0e7c7bbabc050b26aefced2f924d4955ae71c229d845d151399119f37675c"
        );
        let lasting = AwsCredentials::new("AKIDEXAMPLE", secret, None, Timestamp::MAX);
        assert_eq!(code_commit_login(&repository, &lasting, now).unwrap().username.expose(), "AKIDEXAMPLE");
    }

    #[test]
    fn the_region_is_in_the_host() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(code_commit_region(&url(text)).ok(), expected, "{text}");
        };
        check("https://git-codecommit.us-east-1.amazonaws.com/v1/repos/app", Some("us-east-1"));
        check("https://git-codecommit-fips.us-gov-west-1.amazonaws.com/v1/repos/app", Some("us-gov-west-1"));
        check("https://git-codecommit.cn-north-1.amazonaws.com.cn/v1/repos/app", Some("cn-north-1"));
        check("http://git-codecommit.us-east-1.amazonaws.com/v1/repos/app", None);
        check("https://git-codecommit.amazonaws.com/v1/repos/app", None);
        check("https://git-codecommit.us-east-1.amazonaws.com.example.com/v1/repos/app", None);
        check("https://example.com/git-codecommit.us-east-1.amazonaws.com", None);
    }

    #[test]
    fn a_url_of_another_server_is_named_without_its_credentials() {
        let err = code_commit_region(&url("https://me:hidden@example.com/app")).unwrap_err();
        assert_eq!(
            err.to_string(),
            "\"https://example.com/app\" is no CodeCommit URL, expected \
             https://git-codecommit.<region>.amazonaws.com/v1/repos/<name>"
        );
    }
}
