//! B12: a tree of 100 MB in files up to 1 MB, from the remote to the published artifact, and the memory that it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use flux_testkit::{Change, ControlPlane, RunningController, Toolkit};

use crate::measure::Figure;

const FILES: usize = 100;
const FILE_SIZE: usize = 1_000_000;
const MEMORY_TARGET: f64 = 64.0;

pub(crate) async fn run(runs: usize) -> Result<Vec<Figure>> {
    let control_plane = tokio::task::block_in_place(ControlPlane::shared)?;
    let toolkit = Toolkit::new(control_plane, "archive").await?;
    let repository = toolkit.git.create("big")?;
    let (mut rates, mut memory) = (Vec::new(), Vec::new());
    for run in 0..runs {
        let files: Vec<_> = (0..FILES).map(|at| (format!("{at}.bin"), noise((run * FILES + at) as u64))).collect();
        let changes: Vec<_> = files.iter().map(|(path, content)| Change::File(path, content)).collect();
        let commit = repository.commit("main", "all", &changes)?;
        // A process of its own for each run, so that memory kept from the one before does not count as idle.
        let source = Arc::new(toolkit.source.start().await?);
        let idle = source.memory()?.anonymous;
        let peak = Sampler::start(&source);
        let begin = Instant::now();
        if run == 0 {
            toolkit.follow("big").await?;
        }
        toolkit.request("big", &format!("run-{run}")).await?;
        toolkit.fetched("big", &commit).await?;
        rates.push(megabytes(FILES * FILE_SIZE) / begin.elapsed().as_secs_f64());
        memory.push(mebibytes(peak.stop()?.saturating_sub(idle)));
        Arc::into_inner(source).context("the sampler is gone")?.terminate().await?;
    }
    Ok(vec![
        Figure::new("request to artifact, 100 MB of noise", "MB/s", rates),
        Figure::new("peak anonymous memory above idle", "MiB", memory).below(MEMORY_TARGET),
    ])
}

/// Looks at a process's memory every few milliseconds.
struct Sampler {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
    most: Arc<AtomicU64>,
}

impl Sampler {
    fn start(process: &Arc<RunningController>) -> Self {
        let (stop, most) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, highest, process) = (Arc::clone(&stop), Arc::clone(&most), Arc::clone(process));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Acquire) {
                if let Ok(memory) = process.memory() {
                    highest.fetch_max(memory.anonymous, Ordering::AcqRel);
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        Self { stop, thread, most }
    }

    /// The most anonymous memory seen, in bytes.
    fn stop(self) -> Result<u64> {
        self.stop.store(true, Ordering::Release);
        self.thread.join().ok().context("the sampler panicked")?;
        Ok(self.most.load(Ordering::Acquire))
    }
}

/// Bytes that do not compress and differ for each seed.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(FILE_SIZE);
    while bytes.len() < FILE_SIZE {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
