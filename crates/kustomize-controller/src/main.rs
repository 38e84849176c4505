//! The kustomize-controller program.

use std::process::ExitCode;

use kustomize_controller::args::CONTROLLER;
use kustomize_controller::run;

fn main() -> ExitCode {
    flux_runtime::main(CONTROLLER, |command| command, run)
}
