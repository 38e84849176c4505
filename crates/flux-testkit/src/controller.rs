//! Controllers as processes of their own.

use std::fs::{self, File, OpenOptions};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::port::ReservedPort;
use crate::{wait_for, workspace_program};

/// How long a controller may take until it answers its probe.
const STARTED: Duration = Duration::from_secs(30);

/// How long a controller may take to end when it is asked to.
const ENDED: Duration = Duration::from_secs(75);

/// Becomes the program after leaving a watcher behind that kills it when the owner's pipe closes, whatever ended the owner.
/// The watcher looks whether the process is still that program, because its id may be another's by then.
const RUN_WHILE_OWNED: &str = r#"
self=$$
exec 3<&0 </dev/null
( cat <&3 >/dev/null; case "$(readlink "/proc/$self/exe")" in "$1"*) kill -KILL "$self" ;; esac ) >/dev/null 2>&1 &
exec "$@" 3<&-
"#;

/// How to run a controller: its program, arguments, ports and storage, the same over restarts.
pub struct Controller {
    name: String,
    program: PathBuf,
    kubeconfig: PathBuf,
    flags: Vec<String>,
    environment: Vec<(String, String)>,
    metrics: ReservedPort,
    health: ReservedPort,
    storage: Option<ReservedPort>,
    folder: PathBuf,
    /// The folder, where it goes with this.
    temporary: Option<TempDir>,
}

impl Controller {
    /// A source-controller that keeps artifacts below its folder and serves them on a port of loopback.
    pub fn source(kubeconfig: &Path) -> Result<Self> {
        let mut controller = Self::new("source-controller", kubeconfig)?;
        controller.storage = Some(ReservedPort::new()?);
        Ok(controller)
    }

    /// A kustomize-controller.
    pub fn kustomize(kubeconfig: &Path) -> Result<Self> {
        Self::new("kustomize-controller", kubeconfig)
    }

    fn new(name: &str, kubeconfig: &Path) -> Result<Self> {
        let temporary = TempDir::with_prefix(format!("flux-{name}-"))?;
        Ok(Self {
            name: name.to_owned(),
            program: fs::canonicalize(workspace_program(name)?)?,
            kubeconfig: kubeconfig.to_path_buf(),
            flags: Vec::new(),
            environment: Vec::new(),
            metrics: ReservedPort::new()?,
            health: ReservedPort::new()?,
            storage: None,
            folder: temporary.path().to_path_buf(),
            temporary: Some(temporary),
        })
    }

    /// Keeps logs and storage in a folder of the caller's, not in a temporary one.
    #[must_use]
    pub fn in_folder(mut self, folder: &Path) -> Self {
        (self.folder, self.temporary) = (folder.to_path_buf(), None);
        self
    }

    /// Watches only one namespace, which is also the controller's own.
    #[must_use]
    pub fn in_namespace(self, namespace: &str) -> Self {
        self.flag("--watch-all-namespaces=false").environment("RUNTIME_NAMESPACE", namespace)
    }

    /// Adds a flag; a later one wins over an earlier.
    #[must_use]
    pub fn flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Where metrics are served.
    pub fn metrics_url(&self) -> String {
        format!("http://{}/metrics", self.metrics.address())
    }

    /// Where artifacts are served, of a controller that has any.
    pub fn storage_url(&self) -> Option<String> {
        self.storage.as_ref().map(|port| format!("http://{}/", port.address()))
    }

    /// The folder with the served artifacts.
    pub fn storage_folder(&self) -> PathBuf {
        self.folder.join("storage")
    }

    /// Starts the controller and returns when it answers its probe.
    pub async fn start(&self) -> Result<RunningController> {
        let running = self.spawn()?;
        let url = format!("http://{}/readyz", self.health.address());
        let what = format!("{} answers its probe", self.name);
        let answered = wait_for(&what, STARTED, async || {
            ensure!(!running.has_ended(), "it ended: {}", running.last_logs()?);
            get(&url).await.map(drop)
        });
        answered.await?;
        Ok(running)
    }

    /// Starts the controller without waiting for it.
    pub fn spawn(&self) -> Result<RunningController> {
        fs::create_dir_all(&self.folder).with_context(|| format!("make {}", self.folder.display()))?;
        let log = self.folder.join(format!("{}.log", self.name));
        let output = OpenOptions::new().create(true).append(true).open(&log);
        let output: File = output.with_context(|| format!("open {}", log.display()))?;
        let logged = output.metadata()?.len();
        let mut command = Command::new("sh");
        command.args(["-c", RUN_WHILE_OWNED, "sh"]).arg(&self.program);
        command.arg(format!("--metrics-addr={}", self.metrics.address()));
        command.arg(format!("--health-addr={}", self.health.address()));
        if let Some(storage) = &self.storage {
            fs::create_dir_all(self.storage_folder())?;
            command.arg(format!("--storage-path={}", self.storage_folder().display()));
            command.arg(format!("--storage-addr={}", storage.address()));
            command.arg(format!("--storage-adv-addr={}", storage.address()));
            command.arg(format!("--git-store-path={}", self.folder.join("git-store").display()));
        }
        command.args(&self.flags);
        command.env("KUBECONFIG", &self.kubeconfig).envs(self.environment.iter().cloned());
        command.stdin(Stdio::piped()).stdout(output.try_clone()?).stderr(output);
        // A terminal's ^C is the owner's to handle.
        command.process_group(0);
        let mut child = command.spawn().with_context(|| format!("start {}", self.program.display()))?;
        let owned = child.stdin.take();
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("a process has no id")?;
        let name = self.name.clone();
        let metrics_url = self.metrics_url();
        Ok(RunningController { name, child: parking_lot::Mutex::new(child), pid, log, logged, metrics_url, owned })
    }
}

/// A controller's process. It is killed when this is dropped or the process that holds it ends in any way.
pub struct RunningController {
    name: String,
    child: parking_lot::Mutex<Child>,
    pid: Pid,
    log: PathBuf,
    /// How much of the log earlier processes wrote.
    logged: u64,
    metrics_url: String,
    /// The watcher kills the process when this pipe closes.
    owned: Option<ChildStdin>,
}

/// A process's memory, from the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Anonymous memory now, in bytes: what is the process's own and cannot be dropped.
    pub anonymous: u64,
    /// The most that was resident at any time, in bytes, with mapped files.
    pub peak: u64,
}

impl RunningController {
    /// The process's id.
    pub fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Kills the process as `kill -9` does, and returns when it is gone.
    pub fn kill(self) -> Result<()> {
        kill_process(self.pid, Signal::KILL).with_context(|| format!("kill {}", self.name))?;
        self.child.lock().wait()?;
        Ok(())
    }

    /// Asks the process to end and returns how it did.
    pub async fn terminate(self) -> Result<ExitStatus> {
        kill_process(self.pid, Signal::TERM).with_context(|| format!("terminate {}", self.name))?;
        wait_for(&format!("{} ended after SIGTERM", self.name), ENDED, async || {
            self.child.lock().try_wait()?.context("it runs")
        })
        .await
    }

    /// Stops the process in its place, as `kill -STOP` does: a leader that hangs.
    pub fn freeze(&self) -> Result<()> {
        kill_process(self.pid, Signal::STOP).with_context(|| format!("stop {}", self.name))
    }

    /// Lets a frozen process go on.
    pub fn thaw(&self) -> Result<()> {
        kill_process(self.pid, Signal::CONT).with_context(|| format!("continue {}", self.name))
    }

    /// Whether the process is no more.
    pub fn has_ended(&self) -> bool {
        !matches!(self.child.lock().try_wait(), Ok(None))
    }

    /// How the process ended, such as with a signal; none while it runs.
    pub fn status(&self) -> Option<String> {
        let status = self.child.lock().try_wait().ok().flatten()?;
        Some(status.signal().map_or_else(|| status.to_string(), |signal| format!("signal {signal}")))
    }

    /// All that this process has logged.
    pub fn logs(&self) -> Result<String> {
        let bytes = fs::read(&self.log).with_context(|| format!("read {}", self.log.display()))?;
        let own = bytes.get(usize::try_from(self.logged)?..).unwrap_or_default();
        Ok(String::from_utf8_lossy(own).into_owned())
    }

    /// What the process serves as metrics.
    pub async fn metrics(&self) -> Result<String> {
        get(&self.metrics_url).await
    }

    /// The sum of a metric's samples whose labels contain each of the given texts, such as `kind="Kustomization"`.
    pub async fn metric(&self, name: &str, labels: &[&str]) -> Result<f64> {
        let text = self.metrics().await?;
        let mut sum = 0.0;
        for line in text.lines() {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let named = series.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('{'));
            if named && labels.iter().all(|label| series.contains(label)) {
                let value: f64 = value.parse().with_context(|| format!("read the metric {line}"))?;
                sum += value;
            }
        }
        Ok(sum)
    }

    /// The process's memory now.
    pub fn memory(&self) -> Result<Memory> {
        let path = format!("/proc/{}/status", self.id());
        let text = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        let field = |name: &str| -> Result<u64> {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .with_context(|| format!("no {name} in {path}"))?;
            let kilobytes: u64 = line.trim_start_matches(':').trim().trim_end_matches(" kB").parse()?;
            Ok(kilobytes * 1024)
        };
        Ok(Memory { anonymous: field("RssAnon")?, peak: field("VmHWM")? })
    }

    fn last_logs(&self) -> Result<String> {
        let logs = self.logs()?;
        let lines: Vec<_> = logs.lines().collect();
        Ok(lines[lines.len().saturating_sub(20)..].join("\n"))
    }
}

impl Drop for RunningController {
    fn drop(&mut self) {
        let child = self.child.get_mut();
        // Errors say that it is gone already.
        drop(child.kill());
        drop(child.wait());
        drop(self.owned.take());
    }
}

async fn get(url: &str) -> Result<String> {
    let response =
        reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?.get(url).send().await?;
    let status = response.status();
    let text = response.text().await?;
    if !status.is_success() {
        bail!("{url} answered {status}: {}", text.trim());
    }
    Ok(text)
}
