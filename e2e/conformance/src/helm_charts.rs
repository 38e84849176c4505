//! Whole charts of the field, rendered as an install that asks no cluster.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use camino::Utf8Path;
use flux_files::{Directory, Kind, Overlay};
use flux_helm::chart::{Chart, LoadLimits, load_folder};
use flux_helm::release::Hook;
use flux_helm::render::{
    Assembly, Capabilities, Context, Engine, Identity, Mode, Notes, Request, Templated, check_installable, template,
};
use flux_helm::values;
use serde_json::Value;

use crate::case::{Answer, Case, Compared, Recorded, names, read, read_json, text};
use crate::helm_world::{chain, engine};

/// No file of a chart is larger.
const MOST_BYTES: u64 = 64 << 20;

/// Stands for a line that is random.
const MASKED: &str = "<masked>";

pub(crate) fn cases(folder: &Path) -> Result<Vec<Case>> {
    let engine = engine(Mode::Lenient);
    let case = |(name, one): (String, One)| {
        let engine = engine.clone();
        Case::new(name, move || one.compare(&engine))
    };
    Ok(all(folder)?.into_iter().map(case).collect())
}

/// All renderings of all charts, with their names.
pub(crate) fn all(folder: &Path) -> Result<Vec<(String, One)>> {
    let mut all = Vec::new();
    for repository in names(folder)?.iter().filter(|name| !name.starts_with('_')) {
        for name in names(&folder.join(repository))? {
            let place = folder.join(repository).join(&name);
            let described = read_json(&place.join("case.json"))?;
            for case in described["cases"].as_array().into_iter().flatten() {
                let expected = place.join(text(&case["expected"]));
                let number = expected.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let one = One {
                    library: folder.to_owned(),
                    place: place.clone(),
                    described: described.clone(),
                    case: case.clone(),
                    expected,
                };
                all.push((format!("{repository}/{name}/{number}"), one));
            }
        }
    }
    Ok(all)
}

/// One rendering of a chart.
#[derive(Clone)]
pub(crate) struct One {
    library: PathBuf,
    /// The folder of the chart and of what is expected.
    pub(crate) place: PathBuf,
    described: Value,
    /// What the case says of itself.
    pub(crate) case: Value,
    expected: PathBuf,
}

impl One {
    fn compare(&self, engine: &Engine) -> Result<Compared> {
        let (recorded, names) = if self.expected.extension().is_some_and(|extension| extension == "json") {
            let release = read_json(&self.expected)?;
            let hooks: Vec<Hook> = serde_json::from_value(listed(&release["hooks"]))?;
            let names = self.random_names(&hooks);
            let text = self.shown(&text(&release["manifest"]), &text(&release["notes"]), &hooks, &names);
            (Recorded::Output(text), names)
        } else {
            let text = read(&self.expected)?;
            // Warnings come before, and the command's own words.
            let text = text.split_once("INSTALLATION FAILED: ").map_or(text.as_str(), |(_, text)| text);
            (Recorded::failed(text.to_owned()), Vec::new())
        };
        Ok(Compared { answer: self.render(engine, &names)?, recorded })
    }

    fn render(&self, engine: &Engine, names: &[bool]) -> Result<Answer> {
        let templated = match self.template(engine)? {
            Ok(templated) => templated,
            Err(fault) => return Ok(Err(fault)),
        };
        Ok(match templated.assemble(Assembly::default()) {
            Ok(own) => Ok(self.shown(&own.manifest, &templated.notes, &own.hooks, names)),
            Err(err) => Err(chain(&err)),
        })
    }

    /// The texts of the chart's templates.
    pub(crate) fn template(&self, engine: &Engine) -> Result<Result<Templated, String>> {
        let chart = match self.chart()? {
            Ok(chart) => chart,
            Err(fault) => return Ok(Err(fault)),
        };
        if let Err(err) = check_installable(&chart) {
            return Ok(Err(chain(&err)));
        }
        let values = match text(&self.case["values"]).as_str() {
            "" => flux_gotemplate::Map::new(),
            path => values::read(read(&self.place.join(path))?.as_bytes())?,
        };
        let (name, namespace) = (text(&self.described["release"]), text(&self.described["namespace"]));
        let request = Request {
            chart,
            values: &values,
            release: Identity { name: &name, namespace: &namespace, revision: 1, is_upgrade: false },
            capabilities: &Capabilities::default(),
            notes: Notes::Own,
            context: Context::default(),
        };
        Ok(template(engine, request).map_err(|err| chain(&err)))
    }

    /// The chart, with libraries that are kept once for many charts put where it wants them.
    fn chart(&self) -> Result<Result<Chart, String>> {
        let folder = self.place.join("chart");
        let folder = Utf8Path::from_path(&folder).context("the path is not UTF-8")?;
        let directory = Directory::open_with_limit(folder, MOST_BYTES)?;
        let mut files = Overlay::new(&directory);
        for (path, library) in self.described["vendored"].as_object().into_iter().flatten() {
            let library = self.library.join(text(library));
            let library = Utf8Path::from_path(&library).context("the path is not UTF-8")?;
            copy(&Directory::open(library)?, Utf8Path::new(""), Utf8Path::new(path), &mut files)?;
        }
        Ok(load_folder(&files, Utf8Path::new(""), &LoadLimits::default()).map_err(|err| chain(&err)))
    }

    /// A release as text, without the lines that are random.
    fn shown(&self, manifest: &str, notes: &str, hooks: &[Hook], random_names: &[bool]) -> String {
        let mut shown = format!("{}\nNOTES:\n{}\n", self.masked("manifest", manifest), self.masked("notes", notes));
        for (at, hook) in hooks.iter().enumerate() {
            let name = if random_names.get(at) == Some(&true) { MASKED } else { &hook.name };
            let Hook { kind, path, events, weight, delete_policies, output_log_policies, .. } = hook;
            let _ = writeln!(
                shown,
                "HOOK {kind}/{name} of {path}: {events:?} {weight} {delete_policies:?} {output_log_policies:?}\n{}",
                self.masked(&format!("hooks.{at}"), &hook.manifest)
            );
        }
        shown
    }

    fn masked(&self, part: &str, text: &str) -> String {
        let random: Vec<usize> = self.random_lines(part).collect();
        let line = |(at, line)| if random.contains(&at) { MASKED } else { line };
        text.split('\n').enumerate().map(line).collect::<Vec<_>>().join("\n")
    }

    fn random_lines(&self, part: &str) -> impl Iterator<Item = usize> {
        let lines = self.case["mask"][part].as_array().into_iter().flatten();
        lines.filter_map(|line| usize::try_from(line.as_u64()?).ok())
    }

    /// Which hooks have a name that stands in a random line.
    fn random_names(&self, hooks: &[Hook]) -> Vec<bool> {
        let is_random = |(at, hook): (usize, &Hook)| {
            let lines: Vec<&str> = hook.manifest.split('\n').collect();
            let part = format!("hooks.{at}");
            let mut random = self.random_lines(&part);
            random.any(|line| lines.get(line).is_some_and(|line| line.contains(&hook.name)))
        };
        hooks.iter().enumerate().map(is_random).collect()
    }
}

/// Nothing is the same as an empty list.
fn listed(value: &Value) -> Value {
    if value.is_null() { Value::Array(Vec::new()) } else { value.clone() }
}

fn copy(from: &dyn flux_files::Files, at: &Utf8Path, to: &Utf8Path, files: &mut Overlay<'_>) -> Result<()> {
    for entry in from.list(at)? {
        let (source, target) = (at.join(&entry.name), to.join(&entry.name));
        match entry.kind {
            Kind::Directory => copy(from, &source, &target, files)?,
            Kind::File => files.write(&target, from.read(&source)?)?,
        }
    }
    Ok(())
}
