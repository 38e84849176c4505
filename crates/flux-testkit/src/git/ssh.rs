//! A Git server over SSH.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::process::Command;

use super::traffic::{Counters, Traffic};
use super::{GitRepository, GitRequest, SshKey};
use crate::background::Background;
use crate::listen::bind;

/// Bare repositories served over SSH by git itself, on a free port of loopback.
pub struct SshGitServer {
    port: u16,
    root: PathBuf,
    host_key: SshKey,
    traffic: Traffic,
    _background: Background,
    _temporary: TempDir,
}

/// What a Git server over SSH asks of its clients.
#[derive(Default)]
pub struct SshGitServerOptions {
    /// The clients that are let in.
    pub clients: Vec<SshKey>,
    /// The server's key; a new one when not given.
    pub host_key: Option<SshKey>,
}

impl SshGitServer {
    /// Starts a server without repositories.
    pub fn start(options: SshGitServerOptions) -> Result<Self> {
        let SshGitServerOptions { clients, host_key } = options;
        let host_key = match host_key {
            Some(key) => key,
            None => SshKey::generate()?,
        };
        let temporary = TempDir::with_prefix("flux-git-")?;
        let root = temporary.path().to_path_buf();
        let config = Arc::new(russh::server::Config {
            keys: vec![host_key.key().clone()],
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            ..russh::server::Config::default()
        });
        let traffic = Traffic::default();
        let clients: Arc<[SshKey]> = clients.into();
        let (background, handle) = Background::new("git ssh server")?;
        let _entered = handle.enter();
        let listener = bind()?;
        let port = listener.local_addr()?.port();
        let (served, recorded) = (root.clone(), traffic.clone());
        handle.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = Connection {
                    root: served.clone(),
                    clients: clients.clone(),
                    traffic: recorded.clone(),
                    channels: HashMap::new(),
                };
                let config = config.clone();
                // A session's failure is seen by the client.
                tokio::spawn(async move {
                    if let Ok(session) = russh::server::run_stream(config, stream, connection).await {
                        drop(session.await);
                    }
                });
            }
        });
        Ok(Self { port, root, host_key, traffic, _background: background, _temporary: temporary })
    }

    /// Makes an empty repository, served as [`Self::url`] of that name.
    pub fn create(&self, name: &str) -> Result<GitRepository> {
        GitRepository::create(&self.root.join(format!("{name}.git")))
    }

    /// Where a repository is found.
    pub fn url(&self, name: &str) -> String {
        format!("ssh://git@127.0.0.1:{}/{name}.git", self.port)
    }

    /// The line of a `known_hosts` file that vouches for this server.
    pub fn known_hosts(&self) -> Result<String> {
        self.known_hosts_of(&self.host_key)
    }

    /// A line of a `known_hosts` file that says this server has another key.
    pub fn known_hosts_of(&self, key: &SshKey) -> Result<String> {
        Ok(format!("[127.0.0.1]:{} {}\n", self.port, key.public()?))
    }

    /// All commands that were run, in order.
    pub fn requests(&self) -> Vec<GitRequest> {
        self.traffic.requests()
    }

    /// Begins the record of requests anew.
    pub fn forget_requests(&self) {
        self.traffic.forget();
    }
}

/// One client's connection.
struct Connection {
    root: PathBuf,
    clients: Arc<[SshKey]>,
    traffic: Traffic,
    channels: HashMap<ChannelId, OpenChannel>,
}

struct OpenChannel {
    channel: Channel<Msg>,
    /// The protocol version that the client asked for through its environment.
    protocol: String,
}

impl Handler for Connection {
    type Error = anyhow::Error;

    async fn auth_publickey(&mut self, _user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth> {
        let known = self.clients.iter().any(|client| client.key().public_key().key_data() == key.public_key.key_data());
        Ok(if known { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<()> {
        self.channels.insert(channel.id(), OpenChannel { channel, protocol: String::new() });
        reply.accept().await;
        Ok(())
    }

    async fn env_request(&mut self, channel: ChannelId, name: &str, value: &str, session: &mut Session) -> Result<()> {
        match self.channels.get_mut(&channel) {
            Some(open) if name == "GIT_PROTOCOL" => {
                value.clone_into(&mut open.protocol);
                session.channel_success(channel)?;
            }
            _ => session.channel_failure(channel)?,
        }
        Ok(())
    }

    async fn exec_request(&mut self, channel: ChannelId, data: &[u8], session: &mut Session) -> Result<()> {
        let command = String::from_utf8_lossy(data).into_owned();
        let repository = read_command(&command).filter(|name| self.root.join(name).is_dir());
        let (Some(repository), Some(open)) = (repository, self.channels.remove(&channel)) else {
            session.channel_failure(channel)?;
            session.close(channel)?;
            return Ok(());
        };
        session.channel_success(channel)?;
        let counters = Arc::new(Counters::default());
        self.traffic.record(&repository, "git-upload-pack", 200, counters.clone());
        let path = self.root.join(repository);
        // A failure ends the channel, which is what the client sees.
        tokio::spawn(async move { upload_pack(open, &path, &counters).await });
        Ok(())
    }
}

/// The repository that `git-upload-pack '/name.git'` asks for; nothing else is served.
fn read_command(command: &str) -> Option<String> {
    let path = command.strip_prefix("git-upload-pack ")?.trim().trim_matches('\'').trim_start_matches('/');
    let plain = path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    plain.then(|| path.to_owned())
}

async fn upload_pack(open: OpenChannel, repository: &Path, counters: &Counters) -> Result<()> {
    let OpenChannel { channel, protocol } = open;
    let mut child = Command::new("git")
        .arg("upload-pack")
        .arg(repository)
        .env("GIT_PROTOCOL", protocol)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("start git upload-pack")?;
    let mut stdin = child.stdin.take().context("git upload-pack has no standard input")?;
    let mut stdout = child.stdout.take().context("git upload-pack has no standard output")?;
    let (mut from_client, to_client) = channel.split();
    let mut writer = to_client.make_writer();
    let receive = async {
        let mut reader = from_client.make_reader();
        // Git may end without reading everything, and says why itself.
        drop(copy(&mut reader, &mut stdin, &counters.received).await);
        drop(stdin);
        std::future::pending::<()>().await;
    };
    let send = async {
        copy(&mut stdout, &mut writer, &counters.sent).await?;
        child.wait().await.context("wait for git upload-pack")
    };
    let status = tokio::select! {
        status = send => status?,
        () = receive => return Ok(()),
    };
    to_client.exit_status(u32::from(!status.success())).await?;
    to_client.eof().await?;
    to_client.close().await?;
    Ok(())
}

async fn copy(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    counter: &AtomicU64,
) -> Result<()> {
    let mut buffer = vec![0; 32 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            to.flush().await?;
            return Ok(());
        }
        to.write_all(&buffer[..length]).await?;
        to.flush().await?;
        counter.fetch_add(length as u64, Ordering::AcqRel);
    }
}
