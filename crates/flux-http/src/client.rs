//! What a client trusts, presents and waits for.

use std::fmt;
use std::time::Duration;

use reqwest::redirect::Policy;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use url::Url;

/// How a client connects. [`ClientOptions::default`] trusts the system's authorities, takes its proxy from the
/// environment and bounds the time to connect and the time without a byte.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// The `User-Agent` of each request.
    pub user_agent: String,
    /// Through which proxy.
    pub proxy: ProxySetting,
    /// Authorities trusted beside the system's.
    pub certificates: Certificates,
    /// What the client shows to servers that ask for a certificate.
    pub identity: Option<ClientIdentity>,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// How long a server may stay silent.
    pub read_timeout: Duration,
    /// How long a request may take in all, its body included; none leaves it to the caller.
    pub total_timeout: Option<Duration>,
    /// Whether redirects are followed.
    pub redirects: Redirects,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            user_agent: "flux/v2".to_owned(),
            proxy: ProxySetting::Environment,
            certificates: Certificates::default(),
            identity: None,
            connect_timeout: Duration::from_secs(30),
            read_timeout: Duration::from_mins(1),
            total_timeout: None,
            redirects: Redirects::Follow(10),
        }
    }
}

/// Where a client's proxy comes from.
#[derive(Clone, Debug, Default)]
pub enum ProxySetting {
    /// `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, also in lower case.
    #[default]
    Environment,
    /// No proxy, whatever the environment says.
    Direct,
    /// This one for every request.
    Address(ProxyAddress),
}

/// A proxy's URL, its credentials taken out of sight.
#[derive(Clone)]
pub struct ProxyAddress {
    url: Url,
}

impl ProxyAddress {
    /// The proxy at `address` (`http`, `https`, `socks5` or `socks5h`). Credentials that are given win over those in
    /// the address.
    pub fn new(address: &str, username: Option<&str>, password: Option<&str>) -> Result<Self, ConfigureError> {
        let mut url = Url::parse(address).map_err(ConfigureError::ProxyAddress)?;
        if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") || !url.has_host() {
            return Err(ConfigureError::ProxyScheme { scheme: url.scheme().to_owned() });
        }
        if username.is_some() || password.is_some() {
            url.set_username(username.unwrap_or_default())
                .and_then(|()| url.set_password(password))
                .map_err(|()| ConfigureError::ProxyCredentials)?;
        }
        Ok(Self { url })
    }

    /// The address with its credentials, for clients that this crate does not build.
    pub fn expose_url(&self) -> &Url {
        &self.url
    }
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ProxyAddress({})", crate::mask_url(&self.url))
    }
}

/// Certificates of authorities.
#[derive(Clone, Debug, Default)]
pub struct Certificates {
    list: Vec<CertificateDer<'static>>,
}

impl Certificates {
    /// All certificates of a PEM bundle; at least one.
    pub fn from_pem(bundle: &[u8]) -> Result<Self, ConfigureError> {
        let list: Vec<_> = CertificateDer::pem_slice_iter(bundle)
            .collect::<Result<_, _>>()
            .map_err(|err| ConfigureError::Certificates(Box::new(err)))?;
        if list.is_empty() {
            return Err(ConfigureError::NoCertificate);
        }
        Ok(Self { list })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// A client certificate with its key.
#[derive(Clone)]
pub struct ClientIdentity {
    inner: reqwest::Identity,
}

impl ClientIdentity {
    /// A certificate chain and the key of its first certificate, both PEM.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, ConfigureError> {
        let mut both = Vec::with_capacity(certificates.len() + key.len() + 1);
        both.extend_from_slice(key);
        both.push(b'\n');
        both.extend_from_slice(certificates);
        let inner = reqwest::Identity::from_pem(&both).map_err(ConfigureError::Identity)?;
        Ok(Self { inner })
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ClientIdentity")
    }
}

/// What a client does with a redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// Hands it to the caller.
    Refuse,
    /// Follows so many; credentials do not go to another host.
    Follow(usize),
}

impl ClientOptions {
    /// A client with a connection pool of its own.
    pub fn client(&self) -> Result<reqwest::Client, ConfigureError> {
        self.builder()?.build().map_err(ConfigureError::Client)
    }

    /// The same for callers without an async runtime. Not to be built or dropped on an async thread.
    pub fn blocking_client(&self) -> Result<reqwest::blocking::Client, ConfigureError> {
        self.blocking_builder()?.build().map_err(ConfigureError::Client)
    }

    /// What [`ClientOptions::client`] builds, for more settings.
    pub fn builder(&self) -> Result<reqwest::ClientBuilder, ConfigureError> {
        let certificates = self
            .certificates
            .list
            .iter()
            .map(|der| reqwest::Certificate::from_der(der))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|err| ConfigureError::Certificates(Box::new(err)))?;
        #[expect(clippy::disallowed_methods, reason = "the place that other crates are sent to")]
        let mut builder = reqwest::Client::builder()
            .user_agent(&self.user_agent)
            .tls_certs_merge(certificates)
            .connect_timeout(self.connect_timeout)
            .read_timeout(self.read_timeout)
            .redirect(match self.redirects {
                Redirects::Refuse => Policy::none(),
                Redirects::Follow(most) => Policy::limited(most),
            });
        if let Some(timeout) = self.total_timeout {
            builder = builder.timeout(timeout);
        }
        if let Some(identity) = &self.identity {
            builder = builder.identity(identity.inner.clone());
        }
        Ok(match &self.proxy {
            ProxySetting::Environment => builder,
            ProxySetting::Direct => builder.no_proxy(),
            ProxySetting::Address(address) => {
                let proxy = reqwest::Proxy::all(address.url.clone()).map_err(ConfigureError::Client)?;
                builder.proxy(proxy)
            }
        })
    }

    /// What [`ClientOptions::blocking_client`] builds, for more settings.
    pub fn blocking_builder(&self) -> Result<reqwest::blocking::ClientBuilder, ConfigureError> {
        // A blocking client has a total timeout of 30 s unless it is told otherwise.
        Ok(reqwest::blocking::ClientBuilder::from(self.builder()?).timeout(self.total_timeout))
    }
}

/// Why a client cannot be configured as asked.
#[derive(Debug, thiserror::Error)]
pub enum ConfigureError {
    /// The proxy's address is no URL.
    #[error("invalid proxy address")]
    ProxyAddress(#[source] url::ParseError),
    /// The proxy's address has a scheme that no client speaks.
    #[error("unsupported proxy address with scheme \"{scheme}\"")]
    ProxyScheme {
        /// The scheme.
        scheme: String,
    },
    /// The proxy's address cannot carry credentials.
    #[error("proxy address cannot carry credentials")]
    ProxyCredentials,
    /// The authorities are not PEM certificates.
    #[error("invalid CA certificate")]
    Certificates(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no certificate in the PEM text.
    #[error("no CA certificate found, expected PEM")]
    NoCertificate,
    /// The client certificate or its key is unusable.
    #[error("invalid client certificate or key")]
    Identity(#[source] reqwest::Error),
    /// The client library refused.
    #[error("failed to configure HTTP client")]
    Client(#[source] reqwest::Error),
}
