//! The smart HTTP transport.

use std::error::Error as StdError;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_http::{Certificates, ClientIdentity, ClientOptions, ConfigureError, ProxyAddress, ProxySetting, Redirects};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Client, Response, StatusCode};
use url::Url;

use crate::error::{Failure, chain};
use crate::remote::{Credentials, Remote, mask_url};
use crate::secret::Secret;

const SERVICE: &str = "git-upload-pack";
const MAX_REDIRECTS: usize = 5;
/// The client's own timeouts never end first: a remote's timeout bounds the whole operation, and clients are shared.
const UNBOUNDED: Duration = Duration::from_secs(24 * 3600);

/// A server that was found, and how we show who we are to it.
#[derive(Clone)]
pub(crate) struct HttpSession {
    client: Client,
    base: Url,
    authorization: Option<HeaderValue>,
}

impl HttpSession {
    /// Asks for the advertisement, following redirects to another place of the same repository.
    pub(crate) async fn open(remote: &Remote) -> Result<(Self, Response), Failure> {
        let client = remote.clients.get(remote.trust(), || client(remote))?;
        let mut session = Self { client, base: bare(remote.url()), authorization: authorization(remote)? };
        let anonymous = session.authorization.is_none();
        for _ in 0..=MAX_REDIRECTS {
            let url = below(&session.base, &format!("info/refs?service={SERVICE}"))?;
            let mut request = session.client.get(url.clone()).header("Git-Protocol", "version=2");
            if let Some(authorization) = &session.authorization {
                request = request.header(AUTHORIZATION, authorization.clone());
            }
            let response = request.send().await.map_err(failure)?;
            if !response.status().is_redirection() {
                let response = accept(response, anonymous, "advertisement")?;
                return Ok((session, response));
            }
            session.redirect(&url, &response)?;
        }
        Err(Failure::Redirect(mask_url(&session.base)))
    }

    /// Sends a request of the service.
    pub(crate) async fn post(&self, body: Vec<u8>, version: u8) -> Result<Response, Failure> {
        let mut request = self
            .client
            .post(below(&self.base, SERVICE)?)
            .header(CONTENT_TYPE, format!("application/x-{SERVICE}-request"))
            .header(ACCEPT, format!("application/x-{SERVICE}-result"))
            .body(body);
        if version == 2 {
            request = request.header("Git-Protocol", "version=2");
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let response = request.send().await.map_err(failure)?;
        if response.status().is_redirection() {
            return Err(Failure::Redirect(mask_url(&self.base)));
        }
        accept(response, self.authorization.is_none(), "result")
    }

    /// Moves to where `response` points. Credentials go along to the same host only, and never from TLS to clear text.
    fn redirect(&mut self, from: &Url, response: &Response) -> Result<(), Failure> {
        let target = response
            .headers()
            .get(LOCATION)
            .and_then(|location| location.to_str().ok())
            .and_then(|location| from.join(location).ok())
            .ok_or_else(|| Failure::Protocol("a redirect without a place to go to".to_owned()))?;
        let refused = || Failure::Redirect(mask_url(&bare(&target)));
        let downgrade = from.scheme() == "https" && target.scheme() != "https";
        if downgrade || !matches!(target.scheme(), "http" | "https") {
            return Err(refused());
        }
        let path = target.path().strip_suffix("/info/refs").ok_or_else(refused)?.to_owned();
        let mut base = bare(&target);
        base.set_path(&path);
        let default_ports = from.port().is_none() && target.port().is_none();
        let same_host = from.host_str() == target.host_str()
            && (from.port_or_known_default() == target.port_or_known_default() || default_ports);
        if !same_host {
            self.authorization = None;
        }
        self.base = base;
        Ok(())
    }
}

/// A client for all remotes with the same trust, identity and proxy.
fn client(remote: &Remote) -> Result<Client, Failure> {
    let invalid = |err: ConfigureError| Failure::InvalidTransport { reason: chain(&err) };
    let mut options = ClientOptions {
        user_agent: concat!("git/flux-", env!("CARGO_PKG_VERSION")).to_owned(),
        connect_timeout: UNBOUNDED,
        read_timeout: UNBOUNDED,
        redirects: Redirects::Refuse,
        ..ClientOptions::default()
    };
    if let Some(ca) = &remote.tls.ca {
        options.certificates = Certificates::from_pem(ca).map_err(invalid)?;
    }
    if let Some(identity) = &remote.tls.identity {
        let identity = ClientIdentity::from_pem(&identity.certificate, identity.key.expose()).map_err(invalid)?;
        options.identity = Some(identity);
    }
    if let Some(proxy) = &remote.proxy {
        let username = proxy.username.as_ref().map(Secret::expose_text);
        let password = proxy.password.as_ref().map(Secret::expose_text);
        let address = ProxyAddress::new(
            proxy.address.as_str(),
            username.as_ref().map(|text| text.as_str()),
            password.as_ref().map(|text| text.as_str()),
        );
        options.proxy = ProxySetting::Address(address.map_err(invalid)?);
    }
    options.client().map_err(invalid)
}

/// The header that says who we are.
fn authorization(remote: &Remote) -> Result<Option<HeaderValue>, Failure> {
    let basic = |username: &[u8], password: &[u8]| {
        format!("Basic {}", STANDARD.encode([username, b":", password].concat())).into_bytes()
    };
    let value = match &remote.credentials {
        Credentials::Basic { username, password } => basic(username.expose(), password.expose()),
        Credentials::Bearer(token) => [b"Bearer ", token.expose()].concat(),
        Credentials::Ssh(_) => {
            let reason = "an SSH identity cannot be used with an HTTP URL".to_owned();
            return Err(Failure::InvalidCredentials { reason });
        }
        Credentials::None => {
            let url = remote.url();
            if url.username().is_empty() && url.password().is_none() {
                return Ok(None);
            }
            basic(&decode(url.username()), &decode(url.password().unwrap_or_default()))
        }
    };
    let mut header = HeaderValue::from_bytes(&value).map_err(|_| Failure::InvalidCredentials {
        reason: "the credentials hold characters that HTTP cannot send".to_owned(),
    })?;
    header.set_sensitive(true);
    Ok(Some(header))
}

/// What percent encoding hides.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    decoded
}

/// The URL without credentials, query and fragment.
fn bare(url: &Url) -> Url {
    let mut bare = url.clone();
    // The setters refuse only URLs without a host, which then have no credentials either.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare.set_query(None);
    bare.set_fragment(None);
    bare
}

fn below(base: &Url, tail: &str) -> Result<Url, Failure> {
    let text = format!("{}/{tail}", base.as_str().trim_end_matches('/'));
    Url::parse(&text).map_err(|err| Failure::InvalidUrl { reason: err.to_string() })
}

/// The response, if it is one of a Git server that lets us in.
fn accept(response: Response, anonymous: bool, kind: &str) -> Result<Response, Failure> {
    match response.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED if anonymous => return Err(Failure::AuthenticationRequired),
        StatusCode::UNAUTHORIZED => {
            let reason = "authentication required: the server refused the credentials".to_owned();
            return Err(Failure::AuthenticationFailed { reason });
        }
        StatusCode::FORBIDDEN => {
            return Err(Failure::AuthenticationFailed { reason: "authorization failed".to_owned() });
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => return Err(Failure::RepositoryNotFound),
        status => return Err(Failure::Status { status: status.as_u16() }),
    }
    let wanted = format!("application/x-{SERVICE}-{kind}");
    let given = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if given.split(';').next().unwrap_or_default().trim() != wanted {
        return Err(Failure::Protocol("the server does not speak Git's smart HTTP protocol".to_owned()));
    }
    Ok(response)
}

/// What an error of the HTTP client means.
pub(crate) fn failure(err: reqwest::Error) -> Failure {
    let err = err.without_url();
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&err);
    while let Some(current) = cause {
        if current.is::<rustls::Error>() {
            return Failure::Tls { reason: chain(&err) };
        }
        // The source of an I/O error is its content's source: the content itself is passed over.
        let content = current.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = content.map(|content| content as &(dyn StdError + 'static)).or_else(|| current.source());
    }
    Failure::Unreachable { reason: chain(&err) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_undone() {
        assert_eq!(decode("a%40b%2"), b"a@b%2");
        assert_eq!(decode("%zz%C3%A9"), "%zzé".as_bytes());
    }

    #[test]
    fn credentials_of_the_url_are_used_when_no_others_are_given() {
        let remote = Remote::new("https://us%40er:pw@example.com/r").unwrap();
        let header = authorization(&remote).unwrap().unwrap();
        assert_eq!(header.to_str().unwrap(), format!("Basic {}", STANDARD.encode("us@er:pw")));
        assert!(header.is_sensitive());
        assert_eq!(remote.display_url(), "https://*****:*****@example.com/r");
    }
}
