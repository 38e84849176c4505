//! The control plane's program: built once for each state of its sources, kept outside the target folder.

use std::fs::{self, File, TryLockError};
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::{Progress, workspace_root};

/// Names the folder in which built programs are kept.
const CACHE_VARIABLE: &str = "FLUX_CONTROLPLANE_CACHE";

/// Programs of other states of the sources go when they are this old.
const KEPT: Duration = Duration::from_hours(30 * 24);

const GO_MISSING: &str = "Go is needed to build the local control plane, and there is no `go` in PATH: install Go 1.26 \
    (https://go.dev/dl, or your system's package; any version from 1.21 on fetches 1.26 by itself)";

/// The program's path, after building it where that was not done for these sources yet.
///
/// Several processes may call this at once: one builds, the others wait for it.
pub(super) fn program() -> Result<PathBuf> {
    let sources = workspace_root().join("e2e/controlplane");
    let cache = cache_folder()?;
    let folder = cache.join(hash(&sources)?);
    let program = folder.join("controlplane");
    if program.is_file() {
        return Ok(program);
    }
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let lock = File::create(cache.join("lock")).context("make the lock of the control plane's builds")?;
    if let Err(TryLockError::WouldBlock) = lock.try_lock() {
        let waiting = Progress::start("waiting for another process that builds the control plane");
        lock.lock().context("wait for another build of the control plane")?;
        waiting.finish("done");
    }
    if !program.is_file() {
        build(&sources, &program)?;
        drop_old_programs(&cache, &folder)?;
    }
    Ok(program)
}

fn cache_folder() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = set(CACHE_VARIABLE) {
        return Ok(folder);
    }
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    let cache =
        cache.with_context(|| format!("no place for the control plane's program: set {CACHE_VARIABLE} or HOME"))?;
    Ok(cache.join("flux-rs/controlplane"))
}

/// Names the state of the sources: everything that the build reads.
fn hash(sources: &Path) -> Result<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(sources).with_context(|| format!("list {}", sources.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_go = path.extension().is_some_and(|extension| extension == "go");
        if is_go || matches!(name.as_str(), "go.mod" | "go.sum" | "build.sh") {
            files.push((name, path));
        }
    }
    files.sort();
    let mut hash = Sha256::new();
    for (name, path) in files {
        let content = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        hash.update(format!("{name} {}\n", content.len()));
        hash.update(content);
    }
    Ok(hex::encode(&hash.finalize()[..10]))
}

/// Builds into a file beside `program` and moves it there when it is whole.
fn build(sources: &Path, program: &Path) -> Result<()> {
    let mut progress = Progress::start("building the control plane, once");
    let started = std::time::Instant::now();
    let packages = count_packages(sources, &progress)?;
    progress.set_total(packages);
    let unfinished = program.with_extension("unfinished");
    let mut command = Command::new("sh");
    command.arg("build.sh").arg(&unfinished).current_dir(sources).stdin(Stdio::null()).stdout(Stdio::null());
    let mut talk = Vec::new();
    let status = run(command.stderr(Stdio::piped()), |line| {
        progress.advance(line);
        talk.push(line.to_owned());
    })?;
    if !status.success() {
        let said = talk.split_off(talk.len().saturating_sub(20)).join("\n");
        bail!("building the control plane in {} ended with {status}:\n{said}", sources.display());
    }
    fs::rename(&unfinished, program).with_context(|| format!("put {} into place", program.display()))?;
    progress.finish(&format!("done in {} s", started.elapsed().as_secs()));
    Ok(())
}

/// How many packages a build from nothing compiles. Downloads the modules where they are missing.
fn count_packages(sources: &Path, progress: &Progress) -> Result<u64> {
    let mut command = Command::new("go");
    command.args(["list", "-deps", "-tags", "grpcnotrace", "."]).env("CGO_ENABLED", "0").current_dir(sources);
    let listing = tempfile::NamedTempFile::new().context("make a temporary file")?;
    command.stdin(Stdio::null()).stdout(listing.reopen()?).stderr(Stdio::piped());
    let mut said = String::new();
    let status = run(&mut command, |line| {
        progress.note(line);
        line.clone_into(&mut said);
    })?;
    if !status.success() {
        bail!("listing the control plane's Go packages ended with {status}: {said}");
    }
    Ok(BufReader::new(listing.reopen()?).lines().count() as u64)
}

/// Runs a command whose standard error is a pipe and hands on each line of it.
fn run(command: &mut Command, mut each: impl FnMut(&str)) -> Result<std::process::ExitStatus> {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(err) if err.kind() == ErrorKind::NotFound && command.get_program() == "go" => bail!(GO_MISSING),
        Err(err) => return Err(err).with_context(|| format!("start {}", command.get_program().display())),
    };
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines() {
            each(&line?);
        }
    }
    Ok(child.wait()?)
}

fn drop_old_programs(cache: &Path, current: &Path) -> Result<()> {
    for entry in fs::read_dir(cache)? {
        let folder = entry?.path();
        let built = fs::metadata(folder.join("controlplane")).and_then(|program| program.modified());
        let age = built.ok().and_then(|built| SystemTime::now().duration_since(built).ok());
        if folder != current && age.is_some_and(|age| age > KEPT) {
            fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
        }
    }
    Ok(())
}
