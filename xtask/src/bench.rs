//! Benchmarks, built for release and run one at a time.

use anyhow::Result;
use clap::Args;

use crate::process::{cargo, execute};

/// Which benchmark, and how to print it.
#[derive(Args)]
pub(crate) struct Options {
    /// Arguments of the benchmark program: a name, `all` or `list`; `--help` lists the rest.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    execute(&mut cargo([
        "build",
        "--release",
        "--package",
        "source-controller",
        "--package",
        "kustomize-controller",
        "--bins",
    ]))?;
    execute(cargo(["run", "--release", "--package", "flux-bench", "--"]).args(&options.arguments))
}
