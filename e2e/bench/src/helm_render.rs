//! Charts rendered by this project and by Helm's own library, on the same charts in the same run.
//!
//! The whole command is a process from its start to the end of its output. A rendering alone starts with a chart that
//! is loaded, and holds everything behind that: values, templates, sorting. All outputs have to be the same, byte for byte.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use flux_helm_peer::charts::{SAMPLES, Sample};

use crate::commands::{repeated, same, watched};
use crate::measure::Figure;
use crate::timings::Timings;

/// How many times faster each chart of [`SAMPLES`] should be.
const BARS: [f64; 4] = [5.0, 5.0, 10.0, 10.0];
/// How many times less memory.
const LESS_MEMORY: f64 = 3.0;

/// The name of the release, which the peer gives to what it renders many times.
const RELEASE: &str = "bench";

pub(crate) fn run(runs: usize) -> Result<Vec<Figure>> {
    let programs = Programs::find()?;
    let mut figures = programs.start(runs)?;
    for (sample, bar) in SAMPLES.iter().zip(BARS) {
        eprintln!("  {}", sample.name);
        let folder = tempfile::tempdir().context("make a folder")?;
        (sample.write)(folder.path())?;
        figures.extend(programs.alone(sample, folder.path(), runs, bar)?);
        figures.extend(programs.whole(sample, folder.path(), runs, bar)?);
    }
    Ok(figures)
}

/// The programs that render.
struct Programs {
    /// Our example that prints what `helm template` prints.
    template: PathBuf,
    /// Our example that renders many times.
    timed: PathBuf,
    peer: PathBuf,
}

impl Programs {
    fn find() -> Result<Self> {
        let folder = crate::timings::programs()?;
        let example = |name: &str| folder.join("examples").join(name);
        Ok(Self { template: example("template"), timed: example("timed"), peer: flux_helm_peer::program(&folder)? })
    }

    /// How long each program takes to start and to say what it does.
    fn start(&self, runs: usize) -> Result<Vec<Figure>> {
        let help = |program: &Path| repeated(Command::new(program).arg("--help"), runs);
        Ok(vec![
            Figure::new("start of the process: ours", "ms", help(&self.template)?),
            Figure::new("start of the process: Helm", "ms", help(&self.peer)?),
        ])
    }

    fn alone(&self, sample: &Sample, chart: &Path, runs: usize, bar: f64) -> Result<Vec<Figure>> {
        let (own, peer) = (tempfile::NamedTempFile::new()?, tempfile::NamedTempFile::new()?);
        let render = |program: &Path, output: &Path| {
            let repeat = runs.to_string();
            let mut command = Command::new(program);
            command.arg("render").arg(chart).args(["--repeat", &repeat]).arg("--output").arg(output);
            Timings::of(&mut command)
        };
        let (own_timings, peer_timings) = (render(&self.timed, own.path())?, render(&self.peer, peer.path())?);
        same(sample.name, own.path(), "Helm", peer.path())?;
        Ok(beside(
            &format!("{}, render alone", sample.name),
            &own_timings.milliseconds(),
            &peer_timings.milliseconds(),
            bar,
        ))
    }

    fn whole(&self, sample: &Sample, chart: &Path, runs: usize, bar: f64) -> Result<Vec<Figure>> {
        let (mut own, mut peer) = (Command::new(&self.template), Command::new(&self.peer));
        own.args([RELEASE]).arg(chart);
        peer.args(["template", RELEASE]).arg(chart);
        let (own_file, peer_file) = (tempfile::NamedTempFile::new()?, tempfile::NamedTempFile::new()?);
        let own_memory = watched(&mut own, own_file.path())?.memory;
        let peer_memory = watched(&mut peer, peer_file.path())?.memory;
        same(sample.name, own_file.path(), "Helm", peer_file.path())?;
        let title = format!("{}, whole command", sample.name);
        let mut figures = beside(&title, &repeated(&mut own, runs)?, &repeated(&mut peer, runs)?, bar);
        figures.push(Figure::new(format!("{title}: our memory"), "MB", vec![own_memory]));
        figures.push(Figure::new(format!("{title}: Helm's memory"), "MB", vec![peer_memory]));
        figures.push(Figure::new(format!("{title}: less"), "×", vec![peer_memory / own_memory]).at_least(LESS_MEMORY));
        Ok(figures)
    }
}

/// The fastest runs of both in milliseconds, and how many times faster ours is: other work on the machine only ever slows.
pub(crate) fn beside(title: &str, own: &[f64], peer: &[f64], bar: f64) -> Vec<Figure> {
    let fastest = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
    let (own, peer) = (fastest(own), fastest(peer));
    vec![
        Figure::new(format!("{title}: ours"), "ms", vec![own]),
        Figure::new(format!("{title}: Helm"), "ms", vec![peer]),
        Figure::new(format!("{title}: faster"), "×", vec![peer / own]).at_least(bar),
    ]
}
