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

use clap::{Parser, Subcommand};

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
    let result = match Cli::parse().command {
        Command::Demo { arguments } => demo(&arguments),
        Command::Kubectl { arguments } => process::cargo_run("flux-demo", &["kubectl"], &arguments),
        Command::Check(options) => check::run(&options),
        Command::Codegen { check } => codegen::run(check),
        Command::Layers => layers::run(),
        Command::Tidy => tidy::run(),
        Command::Deny => deny::run(),
        Command::Bench(options) => bench::run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}

/// Builds the demo with cargo's own progress, which a run would hide, and runs it.
fn demo(arguments: &[String]) -> anyhow::Result<()> {
    process::execute(&mut process::cargo(["build", "--package", "flux-demo"]))?;
    process::cargo_run("flux-demo", &[], arguments)
}
