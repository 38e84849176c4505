//! The kustomize-controller program with `--step-stop`, for tests: under a name of its own, so that a build of the real
//! program cannot take its place meanwhile.

use std::process::ExitCode;

use kustomize_controller::args::CONTROLLER;
use kustomize_controller::run;

fn main() -> ExitCode {
    flux_runtime::main(CONTROLLER, |command| command, run)
}
