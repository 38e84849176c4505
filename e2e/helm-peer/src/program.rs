//! The Go program, built where it is asked for.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

const GO_MISSING: &str = "Go is needed to build the program with Helm's library, and there is no `go` in PATH: install Go 1.26 \
    (https://go.dev/dl, or your system's package; any version from 1.21 on fetches 1.26 by itself)";

/// The path of the program below `folder`, built first where its sources have changed since.
///
/// Go keeps what it compiled; a first build takes minutes. Several processes may call this at once.
pub fn program(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    let lock = File::create(folder.join("helm-peer.lock")).context("make the lock of the program's builds")?;
    lock.lock().context("wait for another build of the program with Helm's library")?;
    let program = folder.join("helm-peer");
    let mut go = Command::new("go");
    go.args(["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o"]).arg(&program).arg(".");
    go.current_dir(env!("CARGO_MANIFEST_DIR")).env("CGO_ENABLED", "0").stdin(Stdio::null());
    let output = match go.output() {
        Ok(output) => output,
        Err(err) if err.kind() == ErrorKind::NotFound => bail!(GO_MISSING),
        Err(err) => return Err(err).context("start go"),
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("building the program with Helm's library ended with {}:\n{}", output.status, said.trim());
    }
    Ok(program)
}
