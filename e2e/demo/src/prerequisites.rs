//! What must be installed, and what to say where it is not.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

/// Programs that are started, how to see that they are there, and where they come from.
const PROGRAMS: [(&str, &str, &str); 2] = [
    ("git", "--version", "it serves the sample repository: install your system's package, or see https://git-scm.com"),
    (
        "go",
        "version",
        "it builds the local control plane: install Go 1.26 from https://go.dev/dl or your system's package",
    ),
];

/// Fails with all that is missing. Rust and a C compiler were needed to get here.
pub(crate) fn check() -> Result<()> {
    let mut missing = Vec::new();
    for (program, question, reason) in PROGRAMS {
        let mut command = Command::new(program);
        let answer = command.arg(question).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !answer.is_ok_and(|status| status.success()) {
            missing.push(format!("{program} is missing: {reason}"));
        }
    }
    if !missing.is_empty() {
        bail!("{}", missing.join("\n       "));
    }
    Ok(())
}
