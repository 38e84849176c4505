//! Where a repository is and how to reach it.

use std::fmt;
use std::time::Duration;

use sha2::{Digest, Sha256};
use url::Url;

use crate::error::{Error, Failure};
use crate::protocol::Greeted;
use crate::secret::Secret;
use crate::transport::Clients;

/// A repository on a server, with all that is needed to talk to it.
///
/// `Debug` shows no secret, and [`Remote::display_url`] masks what the URL carries.
#[derive(Clone)]
pub struct Remote {
    url: Url,
    /// Who we are to the server.
    pub credentials: Credentials,
    /// A stable name of the account for credentials that are replaced often, such as tokens of a GitHub App. It takes
    /// the credentials' place when a store is chosen, so that a new token does not mean a new store.
    pub account: Option<String>,
    /// TLS beyond the system's certificate authorities. HTTPS only.
    pub tls: Tls,
    /// The proxy to go through; without one, HTTP follows the environment.
    pub proxy: Option<Proxy>,
    /// Algorithms offered to SSH servers.
    pub ssh: SshAlgorithms,
    /// How long one operation (a listing, a fetch) may take.
    pub timeout: Duration,
    /// What a server may make us read, keep and compute.
    pub limits: Limits,
    /// What clones share: a server that answered is not greeted again.
    pub(crate) greeted: Greeted,
    /// What remotes of one store share.
    pub(crate) clients: Clients,
}

/// Who we are to a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Credentials {
    /// Nobody, or whom the URL names.
    #[default]
    None,
    /// User name and password.
    Basic {
        /// The user.
        username: Secret,
        /// The password or token.
        password: Secret,
    },
    /// A bearer token.
    Bearer(Secret),
    /// A private key, and the hosts that may see it used.
    Ssh(SshIdentity),
}

/// A private key for SSH, and the host keys that are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshIdentity {
    /// The user; where there is none, the URL's, and `git` where that names none either.
    pub user: Option<String>,
    /// The private key: OpenSSH, PKCS#8 or PKCS#1 in PEM.
    pub identity: Secret,
    /// What the key is encrypted with.
    pub passphrase: Option<Secret>,
    /// Lines of a `known_hosts` file, hashed hosts included. A host that is not in it is refused.
    pub known_hosts: String,
}

/// TLS beyond the system's certificate authorities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// PEM certificates to trust beside the system's.
    pub ca: Option<Vec<u8>>,
    /// PEM certificate chain and key to show to the server.
    pub identity: Option<ClientIdentity>,
}

/// A certificate to show to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdentity {
    /// PEM certificate chain.
    pub certificate: Vec<u8>,
    /// PEM private key.
    pub key: Secret,
}

/// A proxy: `http`, `https` or `socks5` for HTTP remotes, `socks5` for SSH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// The proxy's URL, without credentials.
    pub address: Url,
    /// The user of the proxy.
    pub username: Option<Secret>,
    /// The user's password.
    pub password: Option<Secret>,
}

/// Algorithms offered to SSH servers; empty lists mean the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SshAlgorithms {
    /// Key exchange algorithms, preferred first (`--ssh-kex-algos`).
    pub key_exchange: Vec<String>,
    /// Host key algorithms, preferred first (`--ssh-hostkey-algos`).
    pub host_key: Vec<String>,
}

/// What a server may make us read, keep and compute. Reaching one is an error, never a cut result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one reference listing.
    pub listing_bytes: u64,
    /// Bytes of one pack.
    pub pack_bytes: u64,
    /// Objects in one pack.
    pub pack_objects: u32,
    /// Bytes of one object, unpacked; also the largest piece of memory one object takes.
    pub object_bytes: usize,
    /// Entries of a checkout, submodules included.
    pub entries: usize,
    /// Directories within directories of a checkout.
    pub depth: usize,
    /// Bytes of all files of a checkout, as often as they are in it.
    pub content_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            listing_bytes: 64 << 20,
            pack_bytes: 4 << 30,
            pack_objects: 2_000_000,
            object_bytes: 256 << 20,
            entries: 1_000_000,
            depth: 256,
            content_bytes: 8 << 30,
        }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("url", &self.display_url()).finish_non_exhaustive()
    }
}

impl Remote {
    /// A remote at `url`, which must be http, https or ssh with a host, with the defaults for all else.
    pub fn new(url: &str) -> Result<Self, Error> {
        let invalid = |reason: String| Error::new(mask_url_text(url), Failure::InvalidUrl { reason });
        let parsed = Url::parse(url).map_err(|err| invalid(err.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https" | "ssh") {
            return Err(invalid(format!("transport scheme {:?} is not supported", parsed.scheme())));
        }
        if parsed.host_str().is_none_or(str::is_empty) {
            return Err(invalid("the host is missing".to_owned()));
        }
        Ok(Self {
            url: parsed,
            credentials: Credentials::None,
            account: None,
            tls: Tls::default(),
            proxy: None,
            ssh: SshAlgorithms::default(),
            timeout: Duration::from_secs(60),
            limits: Limits::default(),
            greeted: Greeted::default(),
            clients: Clients::default(),
        })
    }

    /// The URL as given, credentials included.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The same server and credentials, another repository.
    pub(crate) fn with_url(&self, url: Url) -> Self {
        Self { url, ..self.clone() }
    }

    /// The URL with its credentials masked, for messages.
    pub fn display_url(&self) -> String {
        mask_url(&self.url)
    }

    /// Whether the repository is reached through SSH.
    pub fn is_ssh(&self) -> bool {
        self.url.scheme() == "ssh"
    }

    /// What tells stores apart: the URL, and who asks with which trust.
    pub(crate) fn store_key(&self) -> String {
        let mut parts = Parts::default();
        parts.add("url", self.url.as_str().as_bytes());
        match &self.account {
            Some(account) => parts.add("account", account.as_bytes()),
            None => parts.add_credentials(&self.credentials),
        }
        parts.add_tls(&self.tls);
        parts.finish()
    }

    /// What tells conversations apart: all that decides who is asked by whom, and how.
    pub(crate) fn identity(&self) -> String {
        let mut parts = Parts::default();
        parts.add("url", self.url.as_str().as_bytes());
        parts.add_credentials(&self.credentials);
        parts.add("trust", self.trust().as_bytes());
        parts.finish()
    }

    /// What tells HTTP clients apart: whom they trust, what they show, where they go through.
    pub(crate) fn trust(&self) -> String {
        let mut parts = Parts::default();
        parts.add_tls(&self.tls);
        parts.add("timeout", &self.timeout.as_nanos().to_be_bytes());
        if let Some(proxy) = &self.proxy {
            parts.add("proxy", proxy.address.as_str().as_bytes());
            parts.add("proxy username", proxy.username.as_ref().map(Secret::expose).unwrap_or_default());
            parts.add("proxy password", proxy.password.as_ref().map(Secret::expose).unwrap_or_default());
        }
        parts.finish()
    }
}

/// A hash over named parts that cannot run into each other.
#[derive(Default)]
struct Parts(Sha256);

impl Parts {
    fn add(&mut self, name: &str, bytes: &[u8]) {
        for part in [name.as_bytes(), bytes] {
            self.0.update((part.len() as u64).to_be_bytes());
            self.0.update(part);
        }
    }

    fn add_credentials(&mut self, credentials: &Credentials) {
        match credentials {
            Credentials::None => self.add("none", b""),
            Credentials::Basic { username, password } => {
                self.add("username", username.expose());
                self.add("password", password.expose());
            }
            Credentials::Bearer(token) => self.add("bearer", token.expose()),
            Credentials::Ssh(ssh) => {
                self.add("user", ssh.user.as_deref().unwrap_or_default().as_bytes());
                self.add("identity", ssh.identity.expose());
            }
        }
    }

    fn add_tls(&mut self, tls: &Tls) {
        if let Some(ca) = &tls.ca {
            self.add("ca", ca);
        }
        if let Some(identity) = &tls.identity {
            self.add("certificate", &identity.certificate);
            self.add("key", identity.key.expose());
        }
    }

    fn finish(self) -> String {
        hex::encode(self.0.finalize())
    }
}

/// `url` with password and, but for SSH, user masked.
pub(crate) fn mask_url(url: &Url) -> String {
    let mut masked = url.clone();
    // Both setters refuse only URLs without a host, which then have no credentials either.
    if url.password().is_some() {
        let _ = masked.set_password(Some("*****"));
    }
    if url.scheme() != "ssh" && !url.username().is_empty() {
        let _ = masked.set_username("*****");
    }
    masked.set_query(None);
    masked.set_fragment(None);
    masked.to_string()
}

/// A text that is no URL, with all between the scheme and an `@` masked.
fn mask_url_text(text: &str) -> String {
    let start = text.find("://").map_or(0, |at| at + 3);
    match text.rfind('@') {
        Some(at) if at >= start => format!("{}*****{}", &text[..start], &text[at..]),
        Some(_) | None => text.to_owned(),
    }
}
