//! Holds the properties for seeds and mutations of them: `cargo xtask fuzz --help` tells how.
//!
//! Each target runs in a process of its own with bounded memory, which is watched: one that ends by a signal, or
//! that stays at one input, is a failure like a panic. The failing input is written to a file.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to a person or a log")]

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Parser;
use flux_fuzz::{TARGETS, Target, corpus, mutate, target};
use rustix::process::{Resource, Rlimit, setrlimit};

/// The memory that a target may take.
const MEMORY: u64 = 1 << 30;
/// The time that one input may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Feed the engines with seeds and mutations of them.
///
/// A target fails by a panic, by more than 1 GiB of memory, or by more than ten seconds for one input. The input is kept
/// below target/fuzz and can be run again with --input. With cargo-fuzz and a nightly toolchain, `cargo fuzz run TARGET
/// --fuzz-dir e2e/fuzz/cargo-fuzz` looks deeper.
#[derive(Parser)]
#[command(name = "cargo xtask fuzz", bin_name = "cargo xtask fuzz")]
struct Cli {
    /// How long in all.
    #[arg(long, default_value_t = 30.0)]
    seconds: f64,
    /// Where the mutations begin; another number gives other inputs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this target; `list` names them.
    #[arg(long)]
    target: Option<String>,
    /// Only this input, for the one target.
    #[arg(long, value_name = "FILE", requires = "target")]
    input: Option<PathBuf>,
    /// Run a target here, and write the number of each input into this file.
    #[arg(long, hide = true, requires = "target")]
    trace: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("error: {err:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let targets = match cli.target.as_deref() {
        Some("list") => {
            for target in TARGETS {
                println!("{}", target.name);
            }
            return Ok(());
        }
        Some(name) => vec![target(name).with_context(|| format!("there is no target {name:?}; `list` names them"))?],
        None => TARGETS.to_vec(),
    };
    let time = Duration::try_from_secs_f64(cli.seconds).context("--seconds is no time")?;
    let share = time / u32::try_from(targets.len()).unwrap_or(1);
    if let ([target], Some(path)) = (targets.as_slice(), &cli.input) {
        let input = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        (target.run)(&input);
        return Ok(());
    }
    if let ([target], Some(trace)) = (targets.as_slice(), &cli.trace) {
        return feed(*target, cli.seed, share, trace);
    }
    let mut failed = Vec::new();
    for target in targets {
        if let Err(err) = watch(target, cli.seed, share) {
            println!("{}: {err:#}", target.name);
            failed.push(target.name);
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("properties do not hold: {}", failed.join(", ")) }
}

/// Runs a target in this process until its time is over.
fn feed(target: Target, seed: u64, time: Duration, trace: &Path) -> Result<()> {
    setrlimit(Resource::As, Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) }).context("cannot bound memory")?;
    let trace = File::create(trace).with_context(|| format!("cannot write {}", trace.display()))?;
    let seeds = corpus::seeds(target.name)?;
    let begin = Instant::now();
    let mut iteration = 0_u64;
    while begin.elapsed() < time || iteration < seeds.len() as u64 {
        trace.write_all_at(&iteration.to_le_bytes(), 0)?;
        (target.run)(&mutate::input(&seeds, target.words, seed, iteration));
        iteration += 1;
    }
    Ok(())
}

/// Runs a target in a process of its own, and keeps the input at which it fails.
fn watch(target: Target, seed: u64, time: Duration) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/fuzz");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let trace = folder.join(format!("{}.trace", target.name));
    let _ = std::fs::remove_file(&trace);
    let mut command = Command::new(std::env::current_exe().context("cannot find this program")?);
    command.args(["--target", target.name, "--seed", &seed.to_string()]).arg("--trace").arg(&trace);
    command.arg("--seconds").arg(time.as_secs_f64().to_string());
    let reason = wait(&mut command, &trace)?;
    let iteration = position(&trace).unwrap_or_default();
    let Some(reason) = reason else {
        println!("{}: {} inputs", target.name, iteration + 1);
        return Ok(());
    };
    let input = mutate::input(&corpus::seeds(target.name)?, target.words, seed, iteration);
    let kept = folder.join(format!("{}-{seed}-{iteration}", target.name));
    std::fs::write(&kept, input).with_context(|| format!("cannot write {}", kept.display()))?;
    bail!("{reason} at input {iteration}, kept as target/fuzz/{}-{seed}-{iteration}", target.name)
}

/// Why the process failed; nothing where it did not.
fn wait(command: &mut Command, trace: &Path) -> Result<Option<String>> {
    let mut child = command.spawn().context("cannot start this program again")?;
    let (mut at, mut since) = (None, Instant::now());
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for a target")? {
            return Ok(reason(status));
        }
        let now = position(trace);
        if now != at {
            (at, since) = (now, Instant::now());
        } else if since.elapsed() > PATIENCE {
            child.kill().context("cannot end a target")?;
            child.wait()?;
            return Ok(Some(format!("more than {} s", PATIENCE.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn reason(status: ExitStatus) -> Option<String> {
    (!status.success()).then(|| status.to_string())
}

/// The number of the input that a target is at.
fn position(trace: &Path) -> Option<u64> {
    let bytes = std::fs::read(trace).ok()?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}
