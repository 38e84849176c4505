//! From the keys of Secrets to what Git servers, proxies and GitHub are shown. Pure.

use std::collections::BTreeMap;

use flux_auth::Installation;
use flux_git::{ClientIdentity, Credentials, Proxy, Secret, SshIdentity, Tls};
use flux_runtime::SecretData;
use url::Url;

/// The longest proxy address.
const PROXY_ADDRESS: usize = 2048;
/// The type of Secrets that hold `tls.crt` and `tls.key` and nothing older.
const TLS_TYPE: &str = "kubernetes.io/tls";

/// The keys of one Secret.
#[derive(Clone, Default)]
pub(super) struct Keys<'a> {
    secret_type: &'a str,
    entries: BTreeMap<&'a str, &'a [u8]>,
}

/// What is wrong with a Secret. Names keys, never values.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum CredentialsError {
    #[error("key \"{0}\" is not UTF-8 text")]
    NotText(&'static str),
    #[error("invalid '{scheme}' auth option: '{key}' is required")]
    Required { scheme: String, key: &'static str },
    #[error("invalid '{scheme}' auth option: 'password' requires 'username' to be set")]
    PasswordAlone { scheme: String },
    #[error("invalid '{scheme}' auth option: 'bearerToken' cannot be combined with 'username' and 'password'")]
    BearerAndPassword { scheme: String },
    #[error("client certificate needs both \"{certificate}\" and \"{key}\"")]
    HalfIdentity { certificate: &'static str, key: &'static str },
    #[error("key \"address\" is missing")]
    NoProxyAddress,
    #[error("key \"address\" is longer than {PROXY_ADDRESS} characters")]
    LongProxyAddress,
    #[error("key \"address\" is no URL")]
    ProxyAddress(#[source] url::ParseError),
    #[error("key \"{0}\" is missing")]
    NoAppKey(&'static str),
    #[error("keys \"githubAppInstallationID\" and \"githubAppInstallationOwner\" exclude each other")]
    TwoInstallations,
}

/// The keys of a GitHub App.
pub(super) struct AppKeys {
    pub(super) app_id: String,
    pub(super) installation: Installation,
    pub(super) private_key: Vec<u8>,
    pub(super) base_url: Option<String>,
}

impl<'a> Keys<'a> {
    pub(super) fn of(secret: &'a SecretData) -> Self {
        Self { secret_type: &secret.type_, entries: secret.iter().collect() }
    }

    /// An empty value is as good as none.
    fn get(&self, key: &str) -> Option<&'a [u8]> {
        self.entries.get(key).copied().filter(|value| !value.is_empty())
    }

    fn text(&self, key: &'static str) -> Result<Option<&'a str>, CredentialsError> {
        self.get(key).map(|value| std::str::from_utf8(value).map_err(|_| CredentialsError::NotText(key))).transpose()
    }

    /// Whether the Secret belongs to a GitHub App.
    pub(super) fn has_github_app(&self) -> bool {
        self.get("githubAppID").is_some()
    }
}

/// Who we are to the server of `url`. What the Secret leaves open, the URL may say.
pub(super) fn credentials(url: &Url, keys: &Keys<'_>) -> Result<Credentials, CredentialsError> {
    if url.scheme() == "ssh" { ssh_credentials(url, keys) } else { http_credentials(url, keys) }
}

fn http_credentials(url: &Url, keys: &Keys<'_>) -> Result<Credentials, CredentialsError> {
    let scheme = || url.scheme().to_owned();
    let (username, password) = (keys.get("username"), keys.get("password"));
    if let Some(token) = keys.get("bearerToken") {
        return if username.is_some() || password.is_some() {
            Err(CredentialsError::BearerAndPassword { scheme: scheme() })
        } else {
            Ok(Credentials::Bearer(Secret::new(token)))
        };
    }
    match (username, password) {
        (None, None) => Ok(Credentials::None),
        (Some(username), password) => {
            let password = password.map_or_else(|| Secret::new(url_password(url)), Secret::new);
            Ok(Credentials::Basic { username: Secret::new(username), password })
        }
        (None, Some(_)) if url.username().is_empty() => Err(CredentialsError::PasswordAlone { scheme: scheme() }),
        (None, Some(password)) => {
            let username = Secret::new(decoded(url.username()));
            Ok(Credentials::Basic { username, password: Secret::new(password) })
        }
    }
}

fn ssh_credentials(url: &Url, keys: &Keys<'_>) -> Result<Credentials, CredentialsError> {
    let required = |key| CredentialsError::Required { scheme: url.scheme().to_owned(), key };
    let identity = keys.get("identity").ok_or_else(|| required("identity"))?;
    let known_hosts = keys.text("known_hosts")?.ok_or_else(|| required("known_hosts"))?;
    let user = keys.text("username")?.map(str::to_owned);
    Ok(Credentials::Ssh(SshIdentity {
        user,
        identity: Secret::new(identity),
        passphrase: keys.get("password").map(Secret::new),
        known_hosts: known_hosts.to_owned(),
    }))
}

/// Trust and client certificate; the keys of older releases count where the Secret's type allows them.
pub(super) fn tls(keys: &Keys<'_>) -> Result<Tls, CredentialsError> {
    let legacy = |key| keys.get(key).filter(|_| keys.secret_type != TLS_TYPE);
    let ca = keys.get("ca.crt").or_else(|| legacy("caFile")).map(<[u8]>::to_vec);
    let current = pair(keys.get("tls.crt"), keys.get("tls.key"), "tls.crt", "tls.key")?;
    let identity = match current {
        Some(identity) => Some(identity),
        None => pair(legacy("certFile"), legacy("keyFile"), "certFile", "keyFile")?,
    };
    Ok(Tls { ca, identity })
}

fn pair(
    certificate: Option<&[u8]>,
    key: Option<&[u8]>,
    certificate_name: &'static str,
    key_name: &'static str,
) -> Result<Option<ClientIdentity>, CredentialsError> {
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            Ok(Some(ClientIdentity { certificate: certificate.to_vec(), key: Secret::new(key) }))
        }
        (Some(_), None) | (None, Some(_)) => {
            Err(CredentialsError::HalfIdentity { certificate: certificate_name, key: key_name })
        }
    }
}

/// The proxy; credentials of its own keys win over those in the address.
pub(super) fn proxy(keys: &Keys<'_>) -> Result<Proxy, CredentialsError> {
    let address = keys.text("address")?.ok_or(CredentialsError::NoProxyAddress)?;
    if address.len() > PROXY_ADDRESS {
        return Err(CredentialsError::LongProxyAddress);
    }
    let mut url = Url::parse(address.trim()).map_err(CredentialsError::ProxyAddress)?;
    let of_url = |text: String| (!text.is_empty()).then(|| Secret::new(text));
    let (user, password) = (of_url(decoded(url.username())), of_url(url_password(&url)));
    // Refused only by URLs without a host, which have no credentials either.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    Ok(Proxy {
        address: url,
        username: keys.get("username").map(Secret::new).or(user),
        password: keys.get("password").map(Secret::new).or(password),
    })
}

/// The keys of a GitHub App.
pub(super) fn github_app(keys: &Keys<'_>) -> Result<AppKeys, CredentialsError> {
    let required = |key| keys.text(key)?.ok_or(CredentialsError::NoAppKey(key));
    let app_id = required("githubAppID")?.to_owned();
    let installation = match (keys.text("githubAppInstallationID")?, keys.text("githubAppInstallationOwner")?) {
        (Some(id), None) => Installation::Id(id.to_owned()),
        (None, Some(owner)) => Installation::Owner(owner.to_owned()),
        (None, None) => return Err(CredentialsError::NoAppKey("githubAppInstallationID")),
        (Some(_), Some(_)) => return Err(CredentialsError::TwoInstallations),
    };
    let private_key = required("githubAppPrivateKey")?.as_bytes().to_vec();
    let base_url = keys.text("githubAppBaseURL")?.map(str::to_owned);
    Ok(AppKeys { app_id, installation, private_key, base_url })
}

fn url_password(url: &Url) -> String {
    decoded(url.password().unwrap_or_default())
}

/// User info in a URL is percent-encoded.
fn decoded(text: &str) -> String {
    let pair = format!("={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys<'a>(entries: &[(&'a str, &'a str)]) -> Keys<'a> {
        Keys { secret_type: "Opaque", entries: entries.iter().map(|(key, value)| (*key, value.as_bytes())).collect() }
    }

    fn check(url: &str, entries: &[(&str, &str)]) -> Result<Credentials, String> {
        credentials(&Url::parse(url).unwrap(), &keys(entries)).map_err(|err| err.to_string())
    }

    fn basic(username: &str, password: &str) -> Credentials {
        Credentials::Basic { username: username.into(), password: password.into() }
    }

    #[test]
    fn a_secret_names_user_and_password_or_a_token_and_the_url_fills_in() {
        assert_eq!(check("https://host/a", &[]), Ok(Credentials::None));
        assert_eq!(check("https://host/a", &[("username", "u"), ("password", "p")]), Ok(basic("u", "p")));
        assert_eq!(check("https://host/a", &[("username", "token")]), Ok(basic("token", "")));
        assert_eq!(check("https://me:pw%40@host/a", &[("username", "u")]), Ok(basic("u", "pw@")));
        assert_eq!(check("https://m%2Be@host/a", &[("password", "p")]), Ok(basic("m+e", "p")));
        assert_eq!(check("http://host/a", &[("bearerToken", "t")]), Ok(Credentials::Bearer("t".into())));
    }

    #[test]
    fn contradicting_keys_are_refused_by_name() {
        assert_eq!(
            check("https://host/a", &[("password", "hidden")]).unwrap_err(),
            "invalid 'https' auth option: 'password' requires 'username' to be set"
        );
        assert_eq!(
            check("https://host/a", &[("bearerToken", "t"), ("username", "u"), ("password", "p")]).unwrap_err(),
            "invalid 'https' auth option: 'bearerToken' cannot be combined with 'username' and 'password'"
        );
    }

    #[test]
    fn ssh_needs_a_key_and_known_hosts() {
        let fails = |entries: &[(&str, &str)]| check("ssh://git@host/a", entries).unwrap_err();
        assert_eq!(fails(&[]), "invalid 'ssh' auth option: 'identity' is required");
        assert_eq!(fails(&[("identity", "k")]), "invalid 'ssh' auth option: 'known_hosts' is required");
        let full = check("ssh://host/a", &[("identity", "k"), ("known_hosts", "h"), ("password", "p")]);
        let expected =
            SshIdentity { user: None, identity: "k".into(), passphrase: Some("p".into()), known_hosts: "h".into() };
        assert_eq!(full, Ok(Credentials::Ssh(expected)));
    }

    #[test]
    fn trust_comes_from_the_current_keys_before_the_older_ones() {
        let both = tls(&keys(&[("ca.crt", "new"), ("caFile", "old"), ("certFile", "c"), ("keyFile", "k")])).unwrap();
        assert_eq!(both.ca.unwrap(), b"new");
        assert_eq!(both.identity.unwrap().certificate, b"c");
        assert_eq!(
            tls(&keys(&[("tls.crt", "c")])).unwrap_err().to_string(),
            "client certificate needs both \"tls.crt\" and \"tls.key\""
        );
        let typed = Keys { secret_type: TLS_TYPE, ..keys(&[("caFile", "old"), ("certFile", "c")]) };
        assert_eq!(tls(&typed).unwrap(), Tls::default());
    }

    #[test]
    fn a_proxy_has_an_address_and_may_have_credentials() {
        let of_keys = proxy(&keys(&[("address", "http://proxy:3128"), ("username", "u"), ("password", "p")])).unwrap();
        assert_eq!(
            (of_keys.address.as_str(), of_keys.username, of_keys.password),
            ("http://proxy:3128/", Some("u".into()), Some("p".into()))
        );
        let of_url = proxy(&keys(&[("address", "http://me:pw@proxy:3128")])).unwrap();
        assert_eq!((of_url.address.as_str(), of_url.username), ("http://proxy:3128/", Some("me".into())));
        let fails = |entries: &[(&str, &str)]| proxy(&keys(entries)).unwrap_err().to_string();
        assert_eq!(fails(&[]), "key \"address\" is missing");
        assert_eq!(fails(&[("address", "proxy")]), "key \"address\" is no URL");
        assert_eq!(fails(&[("address", &"x".repeat(3000))]), "key \"address\" is longer than 2048 characters");
    }

    #[test]
    fn a_github_app_needs_its_three_keys() {
        let app = [("githubAppID", "1"), ("githubAppInstallationOwner", "org"), ("githubAppPrivateKey", "pem")];
        assert_eq!(github_app(&keys(&app)).ok().unwrap().installation, Installation::Owner("org".to_owned()));
        for missing in 0..3 {
            let mut entries = app.to_vec();
            entries.remove(missing);
            assert!(github_app(&keys(&entries)).is_err());
        }
        let mut both = app.to_vec();
        both.push(("githubAppInstallationID", "2"));
        assert_eq!(github_app(&keys(&both)).err(), Some(CredentialsError::TwoInstallations));
    }
}
