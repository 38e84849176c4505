//! The main job, shown: a Git repository is synced to a real Kubernetes API server by two controllers.
//!
//! [`stage`] starts everything, [`story`] is what is shown, [`board`] shows it as a table that updates on a terminal and as
//! plain lines elsewhere. Everything that is started, and every file but the programs, is gone when this ends.

mod board;
mod look_around;
mod objects;
mod prerequisites;
mod stage;
mod story;
mod working_copy;

use std::cell::Cell;
use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use flux_testkit::{ControlPlane, workspace_program};
use tokio::signal::unix::{SignalKind, signal};

use crate::board::Board;
use crate::objects::Objects;
use crate::stage::Stage;

/// How long the end may take: two controllers, the control plane and its folder.
const SHUTDOWN: Duration = Duration::from_secs(30);

/// Watch a Git repository being synced to a real Kubernetes API server.
///
/// Builds what it needs, starts the control plane and the controllers, serves the sample repository and shows each
/// step with the time that it took. Ctrl-C stops everything and leaves nothing.
#[derive(Parser)]
#[command(name = "cargo xtask demo", version, about)]
struct Arguments {
    /// End after the last step: with status 0 when all went well, and with 1 otherwise.
    #[arg(long)]
    once: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Build the control plane where that was not done yet, and nothing else.
    Prepare,
    /// Run the bundled kubectl against the running demo.
    #[command(disable_help_flag = true)]
    Kubectl {
        /// Arguments of kubectl.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = match arguments.command {
        None => demo(arguments.once),
        Some(Command::Prepare) => prepare(),
        Some(Command::Kubectl { arguments }) => look_around::kubectl(&arguments),
    };
    ended.unwrap_or_else(|err| {
        // A closed standard error leaves nobody to tell.
        drop(writeln!(std::io::stderr(), "error: {err:#}"));
        ExitCode::FAILURE
    })
}

fn prepare() -> Result<ExitCode> {
    prerequisites::check()?;
    ControlPlane::prepare()?;
    Ok(ExitCode::SUCCESS)
}

fn demo(once: bool) -> Result<ExitCode> {
    prepare()?;
    for program in ["source-controller", "kustomize-controller"] {
        workspace_program(program)?;
    }
    let runtime = tokio::runtime::Runtime::new().context("start the async runtime")?;
    let ended = runtime.block_on(until_interrupted(once));
    runtime.shutdown_timeout(SHUTDOWN);
    Ok(match ended? {
        Shown::Well => ExitCode::SUCCESS,
        Shown::Badly => ExitCode::FAILURE,
        Shown::Partly => ExitCode::from(130),
    })
}

/// What there was to see.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// Not all of it: somebody did not want to see the rest.
    Partly,
    /// Every step went as it should.
    Well,
    /// A step failed, and was reported.
    Badly,
}

async fn until_interrupted(once: bool) -> Result<Shown> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let board = Board::new();
    let shown = Cell::new(Shown::Partly);
    tokio::select! {
        ended = show(&board, &shown, once) => ended?,
        _ = interrupt.recv() => board.note("Stopping everything."),
        _ = terminate.recv() => board.note("Stopping everything."),
        _ = hang_up.recv() => {}
    }
    Ok(shown.get())
}

/// Sets the stage, plays the story, and waits for somebody to stop it unless it is shown once. Dropping this future ends
/// everything that it started.
async fn show(board: &Board, shown: &Cell<Shown>, once: bool) -> Result<()> {
    let Ok(stage) = Stage::start(board).await else {
        shown.set(Shown::Badly);
        return Ok(());
    };
    let _published = look_around::publish(stage.control_plane.kubeconfig())?;
    let objects = Objects::new(&stage.client);
    let _rows = objects.show(board);
    let played = story::play(&stage, &objects, board).await;
    shown.set(if played.is_ok() { Shown::Well } else { Shown::Badly });
    if played.is_err() {
        board.note(&stage.last_words());
    }
    if once {
        return stage.stop().await;
    }
    board.note(&look_around::hints(&stage));
    std::future::pending().await
}
