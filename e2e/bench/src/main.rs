//! Benchmarks, one file each. `cargo xtask bench list` names them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its figures")]

mod applications;
mod archive;
mod commands;
mod dependency_chain;
mod document;
mod git_traffic;
mod helm_index;
mod helm_render;
mod idle;
mod kustomizations;
mod kustomize_build;
mod manifests;
mod measure;
mod platform_floor;
mod processes;
mod push_to_ready;
mod request_counts;
mod timings;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Parser, ValueEnum};

use crate::applications::Leg;
use crate::measure::{Figure, grid, table};

/// Runs benchmarks on a real control plane and prints their figures.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Cli {
    /// `list`, `all`, or names of benchmarks.
    #[arg(default_value = "list")]
    names: Vec<String>,
    /// How often to repeat what is repeated; the figures are medians.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// How many applications are installed where that is what is measured.
    #[arg(long, default_value_t = 100)]
    applications: usize,
    /// A table for people, or one JSON line for each figure.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// The folder of recorded cases whose largest repository is built, too; skipped without one.
    #[arg(long, value_name = "DIR", env = "FLUX_CONFORMANCE")]
    conformance: Option<PathBuf>,
    /// Also replace the figures in this document.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "docs/benchmarks.md")]
    write: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

/// The benchmarks, in the order in which `all` runs them: the machine's ceiling first.
const BENCHMARKS: [(&str, &str); 13] = [
    ("floor", "B0: what the machine's API server can do at all"),
    ("kustomize-build", "builds of kustomizations, beside the bundled kubectl"),
    ("helm-render", "charts rendered, beside Helm's own library"),
    ("helm-index", "one chart looked up in repository indexes up to 140 MB, beside Helm's own library"),
    ("push", "B14: from a reconcile request to Ready, one app"),
    ("chain", "B5: ten Kustomizations that depend on each other, to the last one Ready"),
    ("install", "B1: applications of four objects each, from nothing to all Ready"),
    ("upgrade", "B1: one object of each application changes"),
    ("no-change", "B3: a reconcile of each application that changes nothing"),
    ("unrelated-commit", "B7: a commit that touches no application's files"),
    ("git", "B8: bytes and requests of polls and commits, 5,000 files"),
    ("archive", "B12: throughput and memory for a tree of 100 MB"),
    ("idle", "B19: memory of each controller with nothing to do"),
];

async fn figures(name: &str, cli: &Cli) -> Result<Vec<Figure>> {
    let runs = cli.runs;
    match name {
        "floor" => platform_floor::run().await,
        "kustomize-build" => tokio::task::block_in_place(|| kustomize_build::run(runs, cli.conformance.as_deref())),
        "helm-render" => tokio::task::block_in_place(|| helm_render::run(runs)),
        "helm-index" => tokio::task::block_in_place(|| helm_index::run(runs)),
        "push" => push_to_ready::run(runs).await,
        "chain" => dependency_chain::run(runs).await,
        "install" => applications::run(Leg::Install, runs, cli.applications).await,
        "upgrade" => applications::run(Leg::Upgrade, runs, cli.applications).await,
        "no-change" => applications::run(Leg::NoChange, runs, cli.applications).await,
        "unrelated-commit" => applications::run(Leg::UnrelatedCommit, runs, cli.applications).await,
        "git" => git_traffic::run(runs).await,
        "archive" => archive::run(runs).await,
        "idle" => idle::run(runs).await,
        other => bail!("there is no benchmark {other:?}; `list` names them"),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: &Cli) -> Result<()> {
    if cli.names.iter().any(|name| name == "list") {
        for (name, what) in BENCHMARKS {
            println!("{name:<16} {what}");
        }
        return Ok(());
    }
    let all = cli.names.iter().any(|name| name == "all");
    let names = if all { BENCHMARKS.iter().map(|(name, _)| (*name).to_owned()).collect() } else { cli.names.clone() };
    for name in &names {
        eprintln!("running {name}");
        let figures = figures(name, cli).await?;
        match cli.output {
            Output::Table => println!("{}", drawn(name, &figures)),
            Output::Json => print_lines(name, &figures)?,
        }
        if let Some(path) = &cli.write {
            document::replace(path, name, &drawn(name, &figures))?;
        }
    }
    Ok(())
}

/// Some have several figures for each thing that is measured: the platform floor has hundreds.
fn drawn(name: &str, figures: &[Figure]) -> String {
    if ["floor", "kustomize-build", "helm-render", "helm-index"].contains(&name) {
        grid(figures)
    } else {
        table(figures)
    }
}

fn print_lines(name: &str, figures: &[Figure]) -> Result<()> {
    for figure in figures {
        let mut line = serde_json::to_value(figure)?;
        line["bench"] = name.into();
        line["median"] = figure.median().into();
        println!("{line}");
    }
    Ok(())
}
