//! Programs of this workspace, built when they are needed.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use parking_lot::Mutex;

use crate::{Progress, workspace_root};

/// The path of a program of this workspace, built with the profile of the running one where it is missing or stale. Cargo looks
/// once a process.
pub fn workspace_program(name: &str) -> Result<PathBuf> {
    static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock();
    let built = built.get_or_insert_default();
    if let Some(path) = built.get(name) {
        return Ok(path.clone());
    }
    let folder = profile_folder()?;
    build(name, &folder)?;
    let path = folder.join(name);
    if !path.is_file() {
        bail!("cargo built {name}, but there is no {}", path.display());
    }
    built.insert(name.to_owned(), path.clone());
    Ok(path)
}

/// `target/<profile>` of the running program: a test's is in `deps`, an example's in `examples`.
fn profile_folder() -> Result<PathBuf> {
    let program = std::env::current_exe().context("find the running program")?;
    let folder = program.parent().context("the running program has no folder")?;
    let inner = folder.file_name().is_some_and(|name| name == "deps" || name == "examples");
    Ok(if inner { folder.parent().unwrap_or(folder) } else { folder }.to_path_buf())
}

fn build(name: &str, folder: &Path) -> Result<()> {
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev",
        Some(profile) => profile,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // With the whole workspace selected, dependencies have the same features as when everything is built.
    command.args(["build", "--color=never", "--profile", profile, "--workspace", "--bin", name]);
    if let Some(target) = folder.parent() {
        command.arg("--target-dir").arg(target);
    }
    let mut child = command
        .current_dir(workspace_root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("start cargo")?;
    let mut progress = None;
    let mut said = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines() {
            let line = line?;
            if line.trim_start().starts_with("Compiling ") {
                progress.get_or_insert_with(|| Progress::start(&format!("building {name}"))).note(line.trim());
            }
            said.push(line);
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("building {name} ended with {status}:\n{}", said.join("\n"));
    }
    if let Some(progress) = progress {
        progress.finish("done");
    }
    Ok(())
}
