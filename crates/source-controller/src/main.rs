//! Entry point.

use std::process::ExitCode;

use source_controller::args::{CONTROLLER, tune};

fn main() -> ExitCode {
    flux_runtime::main(CONTROLLER, tune, source_controller::run)
}
