//! Benchmarks, built for release and run one at a time.

use anyhow::Result;
use clap::Args;

use crate::process::{Progress, cargo, execute, program};

/// Which benchmark, and how to print it.
#[derive(Args)]
pub(crate) struct Options {
    /// Arguments of the benchmark program: a name, `all` or `list`; `--help` lists the rest.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let examples = ["build", "template", "timed"].map(|name| ["--example", name]);
    let build = ["build", "--release", "--workspace", "--bins"].into_iter().chain(examples.into_iter().flatten());
    execute(&mut cargo(build))?;
    execute(program("flux-bench", "release", Progress::Hidden)?.args(&options.arguments))
}
