//! The frame of a controller's `main`.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Command, Parser};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{args, report};

/// Threads that run tasks: controllers wait far more than they compute.
const WORKERS: usize = 2;

/// Threads for blocking work: builds, archives and Git. What waits on such a thread for other work of its run keeps the run's permit,
/// so that no more wait than `--concurrent` says.
const BLOCKING: usize = 32;

/// Reads the flags, runs `run` until it ends or a signal cancels its token, and says how it went: 0, 1 for a failure, 2
/// for wrong flags. A second signal ends the process at once.
pub fn main<A, F, E>(
    name: &'static str,
    tune: impl FnOnce(Command) -> Command,
    run: impl FnOnce(A, CancellationToken) -> F,
) -> ExitCode
where
    A: Parser,
    F: Future<Output = Result<(), E>>,
    E: std::error::Error + 'static,
{
    let args = match args::parse::<A>(name, tune) {
        Ok(args) => args,
        Err(err) => {
            let code = if err.use_stderr() { 2 } else { 0 };
            // Nobody to tell when the terminal is gone.
            let _closed = err.print();
            return ExitCode::from(code);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(err) => return failed(&err),
    };
    let stop = CancellationToken::new();
    let ended = runtime.block_on(async {
        let mut signals = match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
            (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
            (Err(err), _) | (_, Err(err)) => return failed(&err),
        };
        let mut work = std::pin::pin!(run(args, stop.clone()));
        loop {
            tokio::select! {
                ended = &mut work => break ended.map_or_else(|err| failed(&err), |()| ExitCode::SUCCESS),
                _ = signals.0.recv() => {}
                _ = signals.1.recv() => {}
            }
            if stop.is_cancelled() {
                break ExitCode::FAILURE;
            }
            stop.cancel();
        }
    });
    // What blocks at this point must not hold up the process's end.
    runtime.shutdown_background();
    ended
}

fn failed(err: &(dyn std::error::Error + 'static)) -> ExitCode {
    let text = report::message(err);
    if tracing::dispatcher::has_been_set() {
        tracing::error!(error = text, "controller failed");
    } else {
        // Nobody to tell when the terminal is gone.
        let _closed = writeln!(std::io::stderr(), "error: {text}");
    }
    ExitCode::FAILURE
}
