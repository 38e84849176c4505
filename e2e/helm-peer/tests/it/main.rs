//! What this project and Helm's own library make of the same things.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod charts;
mod records;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

static PEER: LazyLock<PathBuf> =
    LazyLock::new(|| flux_helm_peer::program(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap());

/// What the program with Helm's library prints.
fn peer(command: &str, paths: &[&Path]) -> String {
    let output = Command::new(&*PEER).arg(command).args(paths).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
