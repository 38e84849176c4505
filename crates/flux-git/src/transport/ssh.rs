//! The SSH transport.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use russh::client::{self, AuthResult, Handle};
use russh::keys::{Algorithm, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh::{Channel, ChannelMsg, Preferred, kex};

use crate::error::{Failure, chain, sanitize};
use crate::remote::{Credentials, Remote, SshAlgorithms, SshIdentity};
use crate::transport::http::decode;
use crate::transport::known_hosts::HostKeys;
use crate::transport::packet::remote_error;
use crate::transport::socks;

/// Bytes of the server's error output that are kept.
const MAX_STDERR: usize = 2048;

/// A running `git-upload-pack` on the server. Dropping it closes the connection.
pub(crate) struct SshSession {
    channel: Channel<client::Msg>,
    stderr: Vec<u8>,
    received: bool,
    /// Keeps the connection open.
    _handle: Handle<HostCheck>,
}

impl SshSession {
    /// Connects, checks the host, logs in and starts the service.
    pub(crate) async fn open(remote: &Remote) -> Result<Self, Failure> {
        let Credentials::Ssh(identity) = &remote.credentials else {
            let reason = "an SSH URL needs an identity and known_hosts".to_owned();
            return Err(Failure::InvalidCredentials { reason });
        };
        let key = private_key(identity)?;
        let url = remote.url();
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = url.port().unwrap_or(22);
        let hosts = HostKeys::parse(&identity.known_hosts, host, port)?;
        let preferred = algorithms(&remote.ssh, &hosts)?;
        let config = Arc::new(client::Config { preferred, nodelay: true, ..client::Config::default() });

        let stream = socks::connect(host, port, remote.proxy.as_ref()).await?;
        let refusal = Arc::new(Mutex::new(None));
        let check = HostCheck { hosts: hosts.clone(), refusal: Arc::clone(&refusal) };
        let mut handle = client::connect_stream(config, stream, check).await.map_err(|err| {
            if let Some(reason) = refusal.lock().take() {
                return Failure::HostKey { reason };
            }
            match err {
                russh::Error::NoCommonAlgo { kind: russh::AlgorithmKind::Key, .. } => {
                    Failure::HostKey { reason: hosts.unknown(None) }
                }
                err => Failure::Unreachable { reason: format!("ssh: handshake failed: {}", chain(&err)) },
            }
        })?;

        log_in(&mut handle, &user(remote, identity), key).await?;
        let channel = handle.channel_open_session().await.map_err(broken)?;
        // Servers that do not take the variable answer in the first version of the protocol.
        channel.set_env(false, "GIT_PROTOCOL", "version=2").await.map_err(broken)?;
        channel.exec(true, format!("git-upload-pack {}", quoted_path(remote))).await.map_err(broken)?;
        Ok(Self { channel, stderr: Vec::new(), received: false, _handle: handle })
    }

    /// Sends bytes to the service.
    pub(crate) async fn send(&mut self, request: Vec<u8>) -> Result<(), Failure> {
        self.channel.data_bytes(request).await.map_err(broken)
    }

    /// The next bytes of the service; none at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        while let Some(message) = self.channel.wait().await {
            match message {
                ChannelMsg::Data { data } => {
                    self.received = true;
                    return Ok(Some(data));
                }
                ChannelMsg::ExtendedData { data, .. } => {
                    let room = MAX_STDERR.saturating_sub(self.stderr.len());
                    self.stderr.extend_from_slice(&data[..data.len().min(room)]);
                }
                // The command was not run: there is nothing of ours behind it.
                ChannelMsg::Failure => return Err(Failure::RepositoryNotFound),
                // Error output may follow the end of the data.
                _ => {}
            }
        }
        if self.received {
            return Ok(None);
        }
        let words = String::from_utf8_lossy(&self.stderr);
        if words.trim().is_empty() {
            return Err(Failure::Unreachable { reason: "ssh: the server closed the connection".to_owned() });
        }
        Err(remote_error(&words))
    }
}

/// Looks at the host's key before anything secret is sent.
struct HostCheck {
    hosts: HostKeys,
    refusal: Arc<Mutex<Option<String>>>,
}

impl client::Handler for HostCheck {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let refusal = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => self.hosts.refuse(key),
            PublicKeyOrCertificate::Certificate(_) => {
                Some("knownhosts: host certificates are not supported".to_owned())
            }
        };
        let trusted = refusal.is_none();
        *self.refusal.lock() = refusal;
        Ok(trusted)
    }
}

/// Reads the private key.
fn private_key(identity: &SshIdentity) -> Result<Arc<PrivateKey>, Failure> {
    let passphrase = identity.passphrase.as_ref().map(crate::Secret::expose_text);
    let unreadable =
        |reason: String| Failure::InvalidCredentials { reason: format!("unable to read the SSH identity: {reason}") };
    let key =
        russh::keys::decode_secret_key(&identity.identity.expose_text(), passphrase.as_ref().map(|text| text.as_str()))
            .map_err(|err| unreadable(chain(&err)))?;
    if key.is_encrypted() {
        return Err(unreadable("it is encrypted and no password is given".to_owned()));
    }
    Ok(Arc::new(key))
}

/// The identity's user, else that of the URL, else `git`.
fn user(remote: &Remote, identity: &SshIdentity) -> String {
    if let Some(user) = identity.user.as_ref().filter(|user| !user.is_empty()) {
        return user.clone();
    }
    let given = String::from_utf8_lossy(&decode(remote.url().username())).into_owned();
    if given.is_empty() { "git".to_owned() } else { given }
}

/// The path for the server's shell, in single quotes.
fn quoted_path(remote: &Remote) -> String {
    let decoded = decode(remote.url().path());
    let path = String::from_utf8_lossy(&decoded);
    // `ssh://host/~user/repository` is below the user's home.
    let path = if path.starts_with("/~") { &path[1..] } else { &path };
    format!("'{}'", path.replace('\'', r"'\''").replace('!', r"'\!'"))
}

async fn log_in(handle: &mut Handle<HostCheck>, user: &str, key: Arc<PrivateKey>) -> Result<(), Failure> {
    let hash = match key.algorithm() {
        Algorithm::Rsa { .. } => match handle.best_supported_rsa_hash().await.map_err(broken)? {
            Some(hash) => hash,
            None => Some(HashAlg::Sha256),
        },
        _ => None,
    };
    let result = handle.authenticate_publickey(user, PrivateKeyWithHashAlg::new(key, hash)).await.map_err(broken)?;
    match result {
        AuthResult::Success => Ok(()),
        AuthResult::Failure { .. } => {
            let reason = format!("ssh: unable to authenticate: the server refused the key for user {user:?}");
            Err(Failure::AuthenticationFailed { reason: sanitize(&reason) })
        }
    }
}

/// What to offer: the given lists, and of host keys only the kinds that are known for the host.
fn algorithms(given: &SshAlgorithms, hosts: &HostKeys) -> Result<Preferred, Failure> {
    let unknown =
        |what: &str, name: &str| Failure::InvalidTransport { reason: format!("unknown {what} algorithm {name:?}") };
    let mut preferred = Preferred::DEFAULT;
    if !given.key_exchange.is_empty() {
        let mut names = Vec::new();
        for name in &given.key_exchange {
            names.push(kex::Name::try_from(name.as_str()).map_err(|()| unknown("key exchange", name))?);
        }
        // Not algorithms: how the client says that it knows extensions.
        names.extend([kex::EXTENSION_SUPPORT_AS_CLIENT, kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT]);
        preferred.kex = Cow::Owned(names);
    }
    let mut keys: Vec<Algorithm> = preferred.key.to_vec();
    if !given.host_key.is_empty() {
        keys.clear();
        for name in &given.host_key {
            keys.push(Algorithm::new(name).map_err(|_| unknown("host key", name))?);
        }
    }
    let known: Vec<Algorithm> = keys.iter().filter(|algorithm| hosts.has(algorithm)).cloned().collect();
    // With none known the handshake goes on, to fail with what the host shows.
    preferred.key = Cow::Owned(if known.is_empty() { keys } else { known });
    Ok(preferred)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
fn broken(err: russh::Error) -> Failure {
    Failure::Unreachable { reason: format!("ssh: {}", chain(&err)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_names_the_user_before_the_url_does() {
        let check = |url: &str, given: Option<&str>, expected: &str| {
            let identity = SshIdentity {
                user: given.map(str::to_owned),
                identity: "key".into(),
                passphrase: None,
                known_hosts: String::new(),
            };
            assert_eq!(user(&Remote::new(url).unwrap(), &identity), expected);
        };
        check("ssh://git@host/app", Some("deploy"), "deploy");
        check("ssh://me%40home@host/app", None, "me@home");
        check("ssh://host/app", None, "git");
    }

    #[test]
    fn paths_are_quoted_for_a_shell() {
        let path = |url: &str| quoted_path(&Remote::new(url).unwrap());
        assert_eq!(path("ssh://git@h/org/it's%20me.git"), r"'/org/it'\''s me.git'");
        assert_eq!(path("ssh://git@h/~user/repo"), "'~user/repo'");
    }
}
