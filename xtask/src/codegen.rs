//! Generated files: written by their generators, or compared with what is committed.

use anyhow::Result;

use crate::process::{Progress, execute, program};

/// Runs every generator; with `check` they write nothing and fail on a file that is not current.
pub(crate) fn run(check: bool) -> Result<()> {
    let mut crds = program("generate-crds", "dev", Progress::Hidden)?;
    if check {
        crds.arg("--check");
    }
    execute(&mut crds)
}
