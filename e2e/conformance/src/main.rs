//! Runs recorded cases through the engines: `cargo xtask conformance --help` tells how.
//!
//! A folder of cases has one subfolder or file for each suite. A case is an input with the answer that the reference
//! program gave to it. Nothing here knows a single case: any folder of the same layout can be run.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the counts are what this program tells")]

mod case;
mod compare;
mod envsubst;
mod expected;
mod flux_build;
mod helm_charts;
mod helm_charts_flux;
mod helm_cmd;
mod helm_engine;
mod helm_manifests;
mod helm_sprig;
mod helm_values;
mod helm_vectors;
mod helm_world;
mod kustomize;
mod packed;
mod release_records;
mod report;
mod run;
mod sops;
mod suites;
mod unit;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Parser, ValueEnum};

use crate::report::Report;
use crate::suites::Selection;

/// Compare what the engines answer with what the reference programs answered.
///
/// One line a suite tells how many cases pass. A case with an expected error passes when the engine fails too; the
/// words of the errors are counted apart, as `SUITE errors n/m`: they have to be the same up to the first `: ` behind the
/// place that the recorded text names. The names of failing cases stand below their suite.
///
/// The status is 0 where all cases pass, or, with --check, where each count is the expected one.
#[derive(Parser)]
#[command(
    name = "cargo xtask conformance",
    bin_name = "cargo xtask conformance",
    after_help = "Examples:\n  \
        cargo xtask conformance --dir cases                              run all suites of a folder\n  \
        cargo xtask conformance --suite kustomize                        all suites below a name\n  \
        cargo xtask conformance --suite flux-build --case 003-kust-none  the difference in one case\n  \
        cargo xtask conformance --own                                    the suites that this project brings along\n  \
        cargo xtask conformance --write                                  record the counts after an improvement"
)]
struct Cli {
    /// The folder of cases. Without one nothing is run, which is no failure.
    #[arg(long, value_name = "DIR", env = "FLUX_CONFORMANCE")]
    dir: Option<PathBuf>,
    /// Run the cases that are packed in this project instead of a folder's.
    #[arg(long)]
    own: bool,
    /// Only this suite, or all suites below this name.
    #[arg(long, value_name = "NAME")]
    suite: Option<String>,
    /// Only the case of this name, and show how its answer differs.
    #[arg(long, value_name = "ID")]
    case: Option<String>,
    /// Text for people, or one JSON line for each suite.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Fail when a count is not the one recorded in e2e/conformance/expected-passes.txt.
    #[arg(long, conflicts_with_all = ["own", "case"])]
    check: bool,
    /// Record the counts in e2e/conformance/expected-passes.txt.
    #[arg(long, conflicts_with_all = ["own", "case", "check"])]
    write: bool,
    /// Pack the folder's own suites into e2e/conformance/testdata, for --own and the tests.
    #[arg(long, requires = "dir", conflicts_with_all = ["own", "case", "check", "write"])]
    pack: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(err) => {
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything is as it should be.
fn run(cli: &Cli) -> Result<bool> {
    let unpacked = if cli.own { Some(packed::unpack()?) } else { None };
    let own = unpacked.as_ref().map(|folder| folder.path().to_path_buf());
    let Some(folder) = own.or_else(|| cli.dir.clone()) else {
        println!("skipped: neither --dir nor FLUX_CONFORMANCE names a folder of cases");
        return Ok(true);
    };
    if cli.pack {
        return packed::pack(&folder).map(|()| true);
    }
    let suites = suites::find(&folder, &Selection { suite: cli.suite.as_deref(), case: cli.case.as_deref() })?;
    if suites.is_empty() {
        bail!("{} holds no such suite or case", folder.display());
    }
    let reports = run::all(&suites);
    match cli.output {
        Output::Text => report::print_lines(&reports),
        Output::Json => report::print_json(&reports),
    }
    if cli.case.is_some() && cli.output == Output::Text {
        report::print_differences(&reports);
    }
    if cli.write {
        expected::write(&reports)?;
        return Ok(true);
    }
    if cli.check {
        return expected::hold(&reports).map(|()| true);
    }
    Ok(reports.iter().all(Report::all_pass))
}
