//! A running control plane.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::sync::OnceCell;

use super::binary;
use crate::{apply_crds, workspace_root};

/// How long an instance may take to stop before it is killed. Twice what its four components are given.
const STOPPED: Duration = Duration::from_secs(16);

/// A real control plane on loopback, with its data in a temporary folder.
///
/// It ends, and its folder is removed, when this is dropped or the process that holds it ends in any way.
pub struct ControlPlane {
    program: PathBuf,
    folder: PathBuf,
    kubeconfig: PathBuf,
    supervisor: Child,
    /// The supervisor stops when this pipe closes.
    stdin: Option<ChildStdin>,
    flux_crds: OnceCell<()>,
}

/// A part of the control plane that can be taken down alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// The store of all objects.
    Etcd,
    /// The API server.
    ApiServer,
    /// The built-in controllers, but for namespace deletion and garbage collection.
    ControllerManager,
    /// The scheduler.
    Scheduler,
}

impl Component {
    fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
        }
    }
}

impl ControlPlane {
    /// The one instance of this process, started by the first call. It lives until the process ends.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<ControlPlane, String>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start().map_err(|err| format!("{err:#}"))).as_ref().map_err(|err| anyhow!("{err}"))
    }

    /// Builds the program where that was not done yet, and returns its path. The first build takes some minutes.
    pub fn prepare() -> Result<PathBuf> {
        binary::program()
    }

    /// Starts an instance of its own, and builds the program first where that is needed. Returns when it is ready, after
    /// about three seconds. Blocks the thread, and needs no async runtime.
    pub fn start() -> Result<Self> {
        let program = binary::program()?;
        let folder = new_folder();
        let mut supervisor = Command::new(&program)
            .args(["up", "--remove", "--watch-stdin", "--dir"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0) // A terminal's ^C is the owner's to handle.
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let stdin = supervisor.stdin.take();
        let talk = collect(supervisor.stderr.take())?;
        let mut line = String::new();
        if let Some(stdout) = supervisor.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).context("read from the control plane")?;
        }
        if line.is_empty() {
            let status = supervisor.wait()?;
            let said = talk.join().unwrap_or_default();
            bail!("the control plane ended with {status}: {}", said.trim());
        }
        let kubeconfig = PathBuf::from(line.trim_end());
        Ok(Self { program, folder, kubeconfig, supervisor, stdin, flux_crds: OnceCell::new() })
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The instance's data folder; logs of the components are in `logs`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A client of the administrator, of the calling test's runtime.
    pub async fn client(&self) -> Result<Client> {
        client_from(&self.kubeconfig).await
    }

    /// The program, of which `controlplane kubectl` is kubectl.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Applies the generated CRDs of all Flux kinds, once an instance, and waits until they are served.
    pub async fn install_flux_crds(&self, client: &Client) -> Result<()> {
        let folder = workspace_root().join("charts/flux/crds");
        self.flux_crds.get_or_try_init(|| apply_crds(client, &folder)).await.copied()
    }

    /// Asks one component to end and returns when it is gone. Nothing starts it again but [`Self::bring_up`].
    pub async fn take_down(&self, component: Component) -> Result<()> {
        self.control(["stop", component.name()]).await
    }

    /// Kills one component, as a crash would, and returns when it is gone.
    pub async fn crash(&self, component: Component) -> Result<()> {
        self.control(["stop", component.name(), "--kill"]).await
    }

    /// Starts a component that was taken down; returns when the API server answers, or at once while that is down.
    /// Ports, keys and data are the same as before.
    pub async fn bring_up(&self, component: Component) -> Result<()> {
        self.control(["start", component.name()]).await
    }

    /// Takes a component down for a time and brings it up.
    pub async fn restart(&self, component: Component, down: Duration) -> Result<()> {
        let down = format!("{}ms", down.as_millis());
        self.control(["restart", component.name(), "--down", &down]).await
    }

    /// Runs kubectl as the administrator.
    pub async fn kubectl<I: IntoIterator<Item: AsRef<OsStr>>>(&self, args: I) -> Result<Output> {
        let mut command = tokio::process::Command::new(&self.program);
        command.arg("kubectl").args(args).env("KUBECONFIG", &self.kubeconfig).stdin(Stdio::null()).kill_on_drop(true);
        command.output().await.context("run kubectl")
    }

    async fn control<const N: usize>(&self, args: [&str; N]) -> Result<()> {
        let mut command = tokio::process::Command::new(&self.program);
        command.args(args).arg("--dir").arg(&self.folder).stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.context("ask the control plane")?;
        if !output.status.success() {
            bail!("the control plane refused {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let deadline = Instant::now() + STOPPED;
        while matches!(self.supervisor.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                // An error says that it is gone already.
                drop(self.supervisor.kill());
                drop(self.supervisor.wait());
                drop(std::fs::remove_dir_all(&self.folder));
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A client with the current context of a kubeconfig file, of the calling test's runtime.
pub async fn client_from(kubeconfig: &Path) -> Result<Client> {
    let text = Kubeconfig::read_from(kubeconfig).with_context(|| format!("read {}", kubeconfig.display()))?;
    let config = Config::from_custom_kubeconfig(text, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

/// A folder name that no one else has. The supervisor makes the folder, and removes those that killed ones left beside it.
fn new_folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("flux-controlplane-{}-{:x}-{count}", std::process::id(), now.as_nanos()))
}

/// Reads what the supervisor says, so that it never waits for a reader.
fn collect(stderr: Option<std::process::ChildStderr>) -> Result<JoinHandle<String>> {
    let read = move || {
        let mut bytes = Vec::new();
        if let Some(mut stderr) = stderr {
            // What was read before a failure is still worth showing.
            drop(stderr.read_to_end(&mut bytes));
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    std::thread::Builder::new().name("controlplane stderr".into()).spawn(read).context("start a thread")
}
