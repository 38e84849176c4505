//! Generated files: written by their generators, or compared with what is committed.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::process::{Progress, command, execute, program, root};

/// Where the tables that kustomize's modules hold are written to, from the workspace's root.
const TABLES: &str = "crates/flux-kustomize/src/tables";
/// The module that writes them.
const GENERATOR: &str = "e2e/openapi-tables";
const FILES: [&str; 3] = ["openapi.rs", "scopes.rs", "specs.rs"];

/// Runs every generator; with `check` they write nothing and fail on a file that is not current.
pub(crate) fn run(check: bool) -> Result<()> {
    let mut crds = program("generate-crds", "dev", Progress::Hidden)?;
    if check {
        crds.arg("--check");
    }
    execute(&mut crds)?;
    if check { check_tables() } else { write_tables(&root().join(TABLES)) }
}

/// Writes the tables into a directory, formatted.
fn write_tables(directory: &Path) -> Result<()> {
    let mut go = command("go");
    execute(go.current_dir(root().join(GENERATOR)).args(["run", "."]).arg(directory))?;
    let mut rustfmt = command("rustfmt");
    rustfmt.args(["--edition", "2024", "--config-path"]).arg(root());
    execute(rustfmt.args(FILES.map(|name| directory.join(name))))
}

/// Fails when a committed table is not what the generator writes.
fn check_tables() -> Result<()> {
    let directory = tempfile::tempdir().context("cannot make a temporary folder")?;
    write_tables(directory.path())?;
    for name in FILES {
        let read = |path: &Path| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        if read(&directory.path().join(name))? != read(&root().join(TABLES).join(name))? {
            bail!("{TABLES}/{name} is not current: run `cargo xtask codegen`");
        }
    }
    Ok(())
}
