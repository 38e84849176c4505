//! The demo as a person or a pipeline starts it.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// How long the demo may take to end when it is asked to, or what it started when it is killed.
const ENDED: Duration = Duration::from_secs(40);

/// The steps, in the words of the table.
const STEPS: [&str; 11] = [
    "Control plane started",
    "Kinds and roles installed",
    "Sample repository served",
    "Controllers started",
    "First sync is Ready",
    "Encrypted Secret is decrypted",
    "Pushed commit is rolled out",
    "Deleted file is pruned",
    "Edit by hand is undone",
    "Broken commit is reported",
    "Its repair is applied",
];

#[test]
fn every_step_goes_well_once_and_nothing_is_left() -> Result<()> {
    let mut demo = Demo::start(&["--once"])?;
    for step in STEPS {
        demo.read_until(step)?;
        demo.note_processes()?;
    }
    let status = demo.ended()?;
    ensure!(status.code() == Some(0), "the demo ended with {status}");
    demo.left_nothing()
}

#[test]
fn an_interrupted_demo_leaves_nothing() -> Result<()> {
    let mut demo = Demo::start(&[])?;
    demo.read_until("Controllers started")?;
    demo.note_processes()?;
    demo.signal(Signal::INT)?;
    let status = demo.ended()?;
    ensure!(status.code() == Some(130), "the demo ended with {status}");
    demo.left_nothing()
}

#[test]
fn a_killed_demo_leaves_nothing() -> Result<()> {
    let mut demo = Demo::start(&[])?;
    demo.read_until("Controllers started")?;
    demo.note_processes()?;
    demo.signal(Signal::KILL)?;
    demo.ended()?;
    demo.left_nothing()
}

/// A demo whose output is a pipe, and what was seen of it.
struct Demo {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    processes: Vec<PathBuf>,
    folder: PathBuf,
}

impl Demo {
    fn start(arguments: &[&str]) -> Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flux-demo"));
        let mut child = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        Ok(Self { child, lines, processes: Vec::new(), folder: PathBuf::new() })
    }

    /// Reads up to the line of a step, which must be the next one and have gone well.
    fn read_until(&mut self, step: &str) -> Result<()> {
        for line in &mut self.lines {
            let line = line?;
            ensure!(!line.starts_with('✗'), "a step failed: {line}");
            if line.starts_with(&format!("✔ {step}")) {
                return Ok(());
            }
        }
        bail!("the demo ended before {step:?}")
    }

    /// Remembers what the demo has started, and where the control plane's folder is.
    fn note_processes(&mut self) -> Result<()> {
        let children = children_of(self.child.id())?;
        for child in &children {
            let text = fs::read_to_string(child.join("cmdline")).unwrap_or_default();
            let mut arguments = text.split('\0');
            if arguments.any(|argument| argument == "--dir") {
                self.folder = arguments.next().context("--dir has no value")?.into();
            }
            let id = child.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            self.processes.extend(children_of(id.context("a process without an id")?)?);
        }
        self.processes.extend(children);
        ensure!(self.folder.is_dir(), "there is no control plane");
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).context("no process id")?;
        Ok(kill_process(id, signal)?)
    }

    fn ended(&mut self) -> Result<ExitStatus> {
        within("the demo runs", || Ok(self.child.try_wait()?))
    }

    fn left_nothing(&self) -> Result<()> {
        ensure!(self.processes.len() > 4, "only {} processes were seen", self.processes.len());
        within("processes are left", || {
            let left = self.processes.iter().filter(|process| runs_in(process, &self.folder)).count();
            Ok((left == 0 && !self.folder.exists()).then_some(()))
        })
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Errors say that it has ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The entries in /proc of a process's children.
fn children_of(id: u32) -> Result<Vec<PathBuf>> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let process = entry?.path();
        // Most entries are no processes, and a process may end meanwhile.
        let status = fs::read_to_string(process.join("status")).unwrap_or_default();
        if status.lines().any(|line| line.strip_prefix("PPid:").is_some_and(|parent| parent.trim() == id.to_string())) {
            children.push(process);
        }
    }
    Ok(children)
}

/// Whether a process runs that has to do with a folder: its id may be another's by now.
fn runs_in(process: &Path, folder: &Path) -> bool {
    let arguments = fs::read_to_string(process.join("cmdline")).unwrap_or_default();
    let within = fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
    within || arguments.contains(&folder.display().to_string())
}

fn within<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + ENDED;
    loop {
        if let Some(value) = look()? {
            return Ok(value);
        }
        ensure!(Instant::now() < deadline, "{what} after {ENDED:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
