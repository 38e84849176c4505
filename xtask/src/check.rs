//! The one command that tests everything; CI runs exactly this.

use anyhow::Result;
use clap::Args;

use crate::process::{Progress, cargo, execute, program};
use crate::steps::{Step, run_all};
use crate::{codegen, deny, layers, tidy};

/// What to check beyond the default.
#[derive(Args)]
pub(crate) struct Options {
    /// Also build each crate alone, so that none leans on what another one turns on.
    #[arg(long)]
    crates: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut steps = vec![
        Step::new("format", || execute(&mut cargo(["fmt", "--all", "--check"]))),
        Step::new("layers", layers::run),
        Step::new("tidy", tidy::run),
        Step::new("clippy", || {
            execute(&mut cargo([
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--quiet",
                "--",
                "-D",
                "warnings",
            ]))
        }),
        Step::new("generated", || codegen::run(true)),
        Step::new("deny", deny::run),
        Step::new("control plane", || execute(program("flux-demo", "dev", Progress::Hidden)?.arg("prepare"))),
        Step::new("programs", || execute(&mut cargo(["build", "--workspace", "--bins", "--locked", "--quiet"]))),
        Step::new("tests", || execute(&mut cargo(["test", "--workspace", "--locked", "--no-fail-fast"]))),
        Step::new("conformance", || execute(program("flux-conformance", "dev", Progress::Hidden)?.arg("--check"))),
        Step::new("fuzz", || execute(&mut program("flux-fuzz", "dev", Progress::Hidden)?)),
        Step::new("docs", || {
            let mut doc = cargo(["doc", "--workspace", "--no-deps", "--locked", "--quiet"]);
            execute(doc.env("RUSTDOCFLAGS", "-D warnings"))
        }),
    ];
    if options.crates {
        steps.push(Step::new("crates alone", each_crate));
    }
    run_all(steps)
}

/// Builds every member with the features that it alone asks for.
fn each_crate() -> Result<()> {
    for name in layers::members()? {
        execute(&mut cargo(["check", "--quiet", "--locked", "--package", &name]))?;
    }
    Ok(())
}
