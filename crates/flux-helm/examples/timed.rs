//! Renders a chart or looks into an index again and again, and prints what each time took, as `helm-peer` does with Helm's
//! own library: `cargo run -p flux-helm --example timed -- render CHART`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example program talks to its user")]

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use camino::Utf8Path;
use flux_files::Directory;
use flux_gotemplate::funcs::sprig::World;
use flux_gotemplate::{Map, Time};
use flux_helm::chart::{Chart, LoadLimits, load_folder};
use flux_helm::manifest::listing;
use flux_helm::render::{Assembly, Capabilities, Context, Engine, Identity, Mode, Notes, Request, template};
use flux_helm::repository::index::Index;

const HELP: &str = "\
Does the same work again and again in one process, and prints the figures as JSON.

Usage: timed render CHART [--repeat N] [--output FILE]
       timed index FILE CHART VERSION [--repeat N] [--output FILE]

Options:
      --repeat <N>     How many times [default: 1]
      --output <FILE>  Where what came out is written
  -h, --help           Print this help
";

/// What the command line asks for.
struct Arguments {
    words: Vec<String>,
    repeat: usize,
    output: Option<PathBuf>,
}

/// What the work took: nanoseconds of each loading and of each repetition.
#[derive(Default)]
struct Figures {
    load: Vec<u128>,
    run: Vec<u128>,
}

fn main() -> ExitCode {
    let done = match parse(std::env::args().skip(1)) {
        Ok(Some(arguments)) => run(&arguments),
        Ok(None) => {
            print!("{HELP}");
            Ok(())
        }
        Err(message) => Err(message),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("Error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The arguments, or none where help is wanted.
fn parse(mut given: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let mut arguments = Arguments { words: Vec::new(), repeat: 1, output: None };
    while let Some(word) = given.next() {
        let mut value = || given.next().ok_or_else(|| format!("'{word}' needs a value"));
        match word.as_str() {
            "-h" | "--help" => return Ok(None),
            "--repeat" => arguments.repeat = value()?.parse().map_err(|err| format!("--repeat: {err}"))?,
            "--output" => arguments.output = Some(value()?.into()),
            _ => arguments.words.push(word),
        }
    }
    Ok(Some(arguments))
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let words: Vec<&str> = arguments.words.iter().map(String::as_str).collect();
    let mut figures = Figures::default();
    let mut text = String::new();
    for _ in 0..arguments.repeat {
        text = match words.as_slice() {
            ["render", chart] => rendered(chart, &mut figures)?,
            ["index", file, chart, version] => found(file, chart, version, &mut figures)?,
            _ => return Err(format!("unknown arguments\n\n{HELP}")),
        };
    }
    if let Some(path) = &arguments.output {
        std::fs::write(path, text).map_err(|err| format!("cannot write {}: {err}", path.display()))?;
    }
    figures.print()
}

/// One rendering, as `helm template` prints it. Loading is not part of its time.
fn rendered(path: &str, figures: &mut Figures) -> Result<String, String> {
    let begin = Instant::now();
    let chart = load(path)?;
    figures.load.push(begin.elapsed().as_nanos());
    let begin = Instant::now();
    let world: Arc<dyn World> = Arc::new(Still);
    let engine = Engine::new(&world, Mode::Lenient);
    let request = Request {
        chart,
        values: &Map::new(),
        release: Identity { name: "bench", namespace: "default", revision: 1, is_upgrade: false },
        capabilities: &Capabilities::default(),
        notes: Notes::Own,
        context: Context::default(),
    };
    let templated = template(&engine, request).map_err(|err| chain(&err))?;
    let assembled = templated.assemble(Assembly::default()).map_err(|err| chain(&err))?;
    let text = listing(&assembled.manifest, &assembled.hooks);
    figures.run.push(begin.elapsed().as_nanos());
    Ok(text)
}

/// What an index says of a version of a chart, as JSON.
fn found(path: &str, chart: &str, version: &str, figures: &mut Figures) -> Result<String, String> {
    let begin = Instant::now();
    let file = File::open(path).map_err(|err| format!("cannot open {path}: {err}"))?;
    let found = Index::new(file).get(chart, version).map_err(|err| chain(&err))?;
    figures.run.push(begin.elapsed().as_nanos());
    let mut json = serde_json::to_value(&found.metadata).map_err(|err| err.to_string())?;
    json["urls"] = found.urls.into();
    json["created"] = found.created.to_string().into();
    json["digest"] = found.digest.into();
    Ok(format!("{json}\n"))
}

fn load(path: &str) -> Result<Chart, String> {
    let files = Directory::open(Utf8Path::new(path)).map_err(|err| chain(&err))?;
    load_folder(&files, Utf8Path::new(""), &LoadLimits::default()).map_err(|err| chain(&err))
}

/// A world in which nothing happens: what is measured asks for neither the time nor chance.
struct Still;

impl World for Still {
    fn now(&self) -> Time {
        Time::zero()
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

impl Figures {
    /// Ends the program: the memory is that of the whole process.
    fn print(&self) -> Result<(), String> {
        let status = std::fs::read_to_string("/proc/self/status").map_err(|err| err.to_string())?;
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
            kibibytes.map(|kibibytes| kibibytes << 10).ok_or_else(|| format!("the kernel tells no {name}"))
        };
        let peak = bytes("VmHWM")?;
        let anonymous = peak.saturating_sub(bytes("RssFile")?);
        let figures = serde_json::json!({
            "load": numbers(&self.load), "run": numbers(&self.run), "peak": peak, "anonymous": anonymous,
        });
        println!("{figures}");
        Ok(())
    }
}

fn numbers(nanoseconds: &[u128]) -> Vec<u64> {
    nanoseconds.iter().map(|time| u64::try_from(*time).unwrap_or(u64::MAX)).collect()
}

/// The error and what caused it.
fn chain(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        text = format!("{text}: {err}");
        cause = err.source();
    }
    text
}
