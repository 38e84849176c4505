//! `kustomize build`, by this project and by the bundled kubectl, over the same files in the same run.
//!
//! Wall times hold the start of the process. The outputs have to be the same, byte for byte.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use flux_testkit::ControlPlane;
use serde_json::Value;

use crate::commands::{PATIENCE, repeated, same, timed, watched};
use crate::kustomizations::{components, nested, patches, replacements, sized};
use crate::measure::{Figure, milliseconds};

/// What is built: its name, what writes it, and how many times faster it should be.
type Scenario = (&'static str, fn(&Path) -> Result<()>, f64);

const THOUSAND: &str = "1,000 resources";
const FOUR_THOUSAND: &str = "4,000 resources";

const SCENARIOS: [Scenario; 9] = [
    ("4 resources", |folder| sized(folder, 4), 20.0),
    ("100 resources", |folder| sized(folder, 100), 20.0),
    ("400 resources", |folder| sized(folder, 400), 40.0),
    (THOUSAND, |folder| sized(folder, 1_000), 100.0),
    (FOUR_THOUSAND, |folder| sized(folder, 4_000), 1_000.0),
    ("replacements", replacements, 10.0),
    ("patches with targets", patches, 10.0),
    ("5 nested bases", nested, 10.0),
    ("100 components", components, 10.0),
];

/// The most memory at 1,000 resources, in megabytes.
const MEMORY: f64 = 40.0;
/// How many times 1,000 resources 4,000 may cost.
const GROWTH: f64 = 5.0;

pub(crate) fn run(runs: usize, recorded: Option<&Path>) -> Result<Vec<Figure>> {
    let programs = Programs::find()?;
    let mut figures = programs.start(runs)?;
    let (mut own, mut kubectl) = (Vec::new(), Vec::new());
    for (name, write, bar) in SCENARIOS {
        let folder = tempfile::tempdir().context("make a folder")?;
        write(folder.path())?;
        eprintln!("  {name}");
        let measured = programs.measure(name, folder.path(), runs)?;
        own.push(measured.own.median());
        kubectl.push(measured.kubectl.median());
        figures.extend(measured.figures(bar, if name == THOUSAND { Some(MEMORY) } else { None }));
        if name == FOUR_THOUSAND {
            let growth = |times: &[f64]| match times {
                [.., thousand, last] => vec![last / thousand],
                _ => Vec::new(),
            };
            let title = "4,000 as multiple of 1,000 resources";
            figures.push(Figure::new(format!("{title}: ours"), "×", growth(&own)).below(GROWTH));
            figures.push(Figure::new(format!("{title}: kubectl"), "×", growth(&kubectl)));
        }
    }
    match recorded {
        Some(folder) => figures.extend(programs.largest_repository(&folder.join("kustomize/real"))?),
        None => eprintln!("  real repositories skipped: FLUX_CONFORMANCE names no folder of recorded cases"),
    }
    Ok(figures)
}

/// The two programs that build.
struct Programs {
    own: PathBuf,
    /// The control plane's program, which holds kubectl.
    bundled: PathBuf,
}

/// One scenario's figures.
struct Measured {
    name: &'static str,
    own: Figure,
    kubectl: Figure,
    own_memory: Figure,
    kubectl_memory: Figure,
}

impl Measured {
    fn figures(self, bar: f64, memory: Option<f64>) -> Vec<Figure> {
        let faster = self.kubectl.median() / self.own.median();
        let own_memory = match memory {
            Some(bar) => self.own_memory.below(bar),
            None => self.own_memory,
        };
        let faster = Figure::new(format!("{}: faster", self.name), "×", vec![faster]).at_least(bar);
        vec![self.own, self.kubectl, faster, own_memory, self.kubectl_memory]
    }
}

impl Programs {
    fn find() -> Result<Self> {
        let here = std::env::current_exe().context("find the running program")?;
        let own = here.with_file_name("examples").join("build");
        if !own.is_file() {
            bail!("there is no {}: start this by `cargo xtask bench`, which builds it", own.display());
        }
        Ok(Self { own, bundled: ControlPlane::prepare()? })
    }

    fn own(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.own);
        // What kubectl's flags mean where they are not given.
        command.args(["--load-restrictor", "none", "--reorder", "legacy"]).arg(folder);
        command
    }

    fn kubectl(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.bundled);
        command.args(["kubectl", "kustomize", "--load-restrictor", "LoadRestrictionsNone"]).arg(folder);
        command
    }

    /// How long each program takes to start and to say that it does nothing: kubectl is part of a larger program here.
    fn start(&self, runs: usize) -> Result<Vec<Figure>> {
        let mut own = Command::new(&self.own);
        let mut kubectl = Command::new(&self.bundled);
        let own = repeated(own.arg("--help"), runs)?;
        let kubectl = repeated(kubectl.args(["kubectl", "options"]), runs)?;
        Ok(vec![
            Figure::new("start of the process: ours", "ms", own),
            Figure::new("start of the process: kubectl", "ms", kubectl),
        ])
    }

    fn measure(&self, name: &'static str, folder: &Path, runs: usize) -> Result<Measured> {
        let (own, kubectl) = (tempfile::NamedTempFile::new()?, tempfile::NamedTempFile::new()?);
        let own_watched = watched(&mut self.own(folder), own.path())?;
        let kubectl_watched = watched(&mut self.kubectl(folder), kubectl.path())?;
        same(name, own.path(), "kubectl", kubectl.path())?;
        // A run that takes that long is slowed by nobody who looks on, and is not made again.
        let once = kubectl_watched.time > milliseconds(PATIENCE);
        let kubectl = if once { vec![kubectl_watched.time] } else { repeated(&mut self.kubectl(folder), runs)? };
        Ok(Measured {
            name,
            own: Figure::new(format!("{name}: ours"), "ms", repeated(&mut self.own(folder), runs)?),
            kubectl: Figure::new(format!("{name}: kubectl"), "ms", kubectl),
            own_memory: Figure::new(format!("{name}: our memory"), "MB", vec![own_watched.memory]),
            kubectl_memory: Figure::new(format!("{name}: kubectl's memory"), "MB", vec![kubectl_watched.memory]),
        })
    }

    /// All kustomizations of the recorded repository that has most, one process each.
    fn largest_repository(&self, folder: &Path) -> Result<Vec<Figure>> {
        let mut largest = (String::new(), Vec::new());
        for entry in fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
            let place = entry?.path();
            let entries = built_entries(&place)?;
            if entries.len() > largest.1.len() {
                largest = (place.file_name().unwrap_or_default().to_string_lossy().into_owned(), entries);
            }
        }
        let (name, entries) = largest;
        eprintln!("  {name}");
        let (mut own, mut kubectl) = (0.0, 0.0);
        for entry in &entries {
            let place = folder.join(&name).join("input").join(entry);
            let (own_output, kubectl_output) = (tempfile::NamedTempFile::new()?, tempfile::NamedTempFile::new()?);
            own += timed(&mut self.own(&place), own_output.path())?;
            kubectl += timed(&mut self.kubectl(&place), kubectl_output.path())?;
            same(entry, own_output.path(), "kubectl", kubectl_output.path())?;
        }
        let title = format!("{}, {} kustomizations", name.replace('+', "/"), entries.len());
        Ok(vec![
            Figure::new(format!("{title}: ours"), "ms", vec![own]),
            Figure::new(format!("{title}: kubectl"), "ms", vec![kubectl]),
            Figure::new(format!("{title}: faster"), "×", vec![kubectl / own]),
        ])
    }
}

/// The kustomizations of a recorded repository that can be built.
fn built_entries(place: &Path) -> Result<Vec<String>> {
    let path = place.join("cases.jsonl");
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let mut entries = Vec::new();
    for line in text.lines() {
        let case: Value = serde_json::from_str(line)?;
        if case["result"] == "output" {
            entries.push(case["entry"].as_str().unwrap_or_default().to_owned());
        }
    }
    entries.dedup();
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_write_what_their_names_say() {
        let count = |write: fn(&Path) -> Result<()>| {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path()).unwrap();
            let text = |file: &Path| fs::read_to_string(file).unwrap().matches("apiVersion:").count();
            fs::read_dir(folder.path())
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.is_file())
                .map(|path| text(&path))
                .sum::<usize>()
        };
        assert_eq!(count(SCENARIOS[0].1), 4);
        assert_eq!(count(SCENARIOS[2].1), 400);
    }
}
