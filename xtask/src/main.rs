//! The project's own commands: `cargo xtask --help` lists them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "these commands talk to a person or a log")]

mod bench;
mod check;
mod codegen;
mod deny;
mod layers;
mod process;
mod steps;
mod tidy;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::process::{Progress, program};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Watch a Git repository being synced to a real Kubernetes API server.
    ///
    /// Builds what it needs, starts the control plane and the controllers, serves the sample repository and shows
    /// each step with its time. Keeps running until Ctrl-C unless --once is given.
    #[command(disable_help_flag = true)]
    Demo {
        /// Arguments of the demo; `--help` lists them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Test everything: format, lints, layers, tidiness, dependencies, all tests, documentation.
    Check(check::Options),
    /// Write the generated files: CRDs and tables taken from upstream's modules.
    Codegen {
        /// Write nothing; fail when a file is not current.
        #[arg(long)]
        check: bool,
    },
    /// Refuse dependencies that point upwards, and banned ones.
    Layers,
    /// Refuse names, marks and links that should not be there.
    Tidy,
    /// Check licences, sources, bans and, where the database can be had, advisories.
    Deny,
    /// Compare what the engines answer with what the reference programs answered.
    ///
    /// Needs a folder of recorded cases, by --dir or FLUX_CONFORMANCE; --own runs those that are packed here.
    #[command(disable_help_flag = true)]
    Conformance {
        /// Arguments of the comparison; `--help` teaches them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Hold properties of the engines for seeded and mutated inputs.
    #[command(disable_help_flag = true)]
    Fuzz {
        /// Arguments of the run; `--help` lists them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run a benchmark, or list them.
    Bench(bench::Options),
    /// Run the bundled kubectl against the running demo.
    #[command(disable_help_flag = true)]
    Kubectl {
        /// Arguments of kubectl.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    run(Cli::parse().command).unwrap_or_else(|err| {
        eprintln!("error: {err:#}");
        ExitCode::FAILURE
    })
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Demo { arguments } => return ended("flux-demo", Progress::Shown, &arguments),
        Command::Conformance { arguments } => return ended("flux-conformance", Progress::Shown, &arguments),
        Command::Fuzz { arguments } => return ended("flux-fuzz", Progress::Shown, &arguments),
        Command::Kubectl { arguments } => {
            let words = std::iter::once("kubectl".to_owned()).chain(arguments).collect::<Vec<_>>();
            return ended("flux-demo", Progress::Hidden, &words);
        }
        Command::Check(options) => check::run(&options)?,
        Command::Codegen { check } => codegen::run(check)?,
        Command::Layers => layers::run()?,
        Command::Tidy => tidy::run()?,
        Command::Deny => deny::run()?,
        Command::Bench(options) => bench::run(&options)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Ends as one of the workspace's programs ends: with its status and its words alone.
fn ended(name: &str, progress: Progress, arguments: &[String]) -> Result<ExitCode> {
    let status = program(name, "dev", progress)?.args(arguments).status();
    let status = status.with_context(|| format!("cannot start {name}"))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
