//! Command lines of Helm's own tests: `template`, and `install` as far as it asks no cluster.
//!
//! Left out are the other commands, which need a store of releases or repositories, and options that fetch, verify or
//! name by a template.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use camino::Utf8Path;
use flux_files::Directory;
use flux_gotemplate::Map;
use flux_helm::chart::{Chart, LoadLimits, load_archive, load_folder};
use flux_helm::manifest::{Secrets, listing, show_only};
use flux_helm::release::{HookEvent, name};
use flux_helm::render::{
    Assembled, Assembly, Capabilities, Context, Engine, Identity, KubeVersion, Mode, Notes, Request, check_installable,
    template,
};
use flux_helm::values;
use flux_helm::values::schema::Check;

use crate::case::{Case, Compared, Recorded, read_json_lines, text};
use crate::helm_world::{chain, engine};

/// What Helm's tests say that Kubernetes is.
const KUBE_VERSION: &str = "v1.20.0";

/// When Helm's tests install.
const DEPLOYED: &str = "Fri Sep  2 22:04:05 1977";

/// Options that need more than a renderer.
const LEFT_OUT: [&str; 3] = ["--verify", "--dependency-update", "--name-template"];

pub(crate) fn cases(path: &Path) -> Result<Vec<Case>> {
    let root = path.parent().context("the file is in no folder")?.to_owned();
    let engine = engine(Mode::Lenient);
    let mut cases = Vec::new();
    for (line, case) in read_json_lines(path)? {
        let Some(command) = Command::parse(&words(&text(&case["cmd"])))? else { continue };
        let (root, engine) = (root.clone(), engine.clone());
        cases.push(Case::new(format!("{}-{line}", command.verb), move || {
            let recorded = match case["error"].as_str() {
                Some(error) => {
                    Recorded::failed(error.strip_prefix("INSTALLATION FAILED: ").unwrap_or(error).to_owned())
                }
                None => Recorded::Output(text(&case["output"])),
            };
            let answer = command.answer(&root, &engine).map_err(|err| format!("{err:#}"));
            Ok(Compared { answer, recorded })
        }));
    }
    Ok(cases)
}

/// The words of a command line; those between single quotes may have spaces.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut inside = false;
    let mut fresh = true;
    for character in line.chars() {
        match character {
            '\'' => inside = !inside,
            ' ' if !inside => fresh = true,
            character => {
                if std::mem::take(&mut fresh) {
                    words.push(String::new());
                }
                if let Some(word) = words.last_mut() {
                    word.push(character);
                }
            }
        }
    }
    words
}

/// A command line that a renderer can answer.
#[derive(Clone, Default)]
struct Command {
    verb: String,
    /// The release, if there is one, and the chart.
    what: Vec<String>,
    values: values::Options,
    namespace: String,
    kube_version: Option<String>,
    api_versions: Vec<String>,
    show_only: Vec<String>,
    flags: Vec<String>,
}

impl Command {
    fn parse(words: &[String]) -> Result<Option<Self>> {
        let mut words = words.iter();
        let mut command = Self { namespace: "default".to_owned(), ..Self::default() };
        command.verb = words.next().cloned().unwrap_or_default();
        if !matches!(command.verb.as_str(), "template" | "install") {
            return Ok(None);
        }
        while let Some(word) = words.next() {
            let list = match word.as_str() {
                "--set" => &mut command.values.set,
                "-f" | "--values" => &mut command.values.files,
                "--show-only" | "-s" => &mut command.show_only,
                "--api-versions" => &mut command.api_versions,
                "--namespace" => {
                    command.namespace.clone_from(words.next().context("no namespace")?);
                    continue;
                }
                "--kube-version" => {
                    command.kube_version = words.next().cloned();
                    continue;
                }
                flag if LEFT_OUT.contains(&flag) => return Ok(None),
                flag if flag.starts_with('-') => &mut command.flags,
                _ => &mut command.what,
            };
            if word.starts_with('-') && !is_flag(word) {
                list.push(words.next().with_context(|| format!("{word} has no value"))?.clone());
            } else {
                list.push(word.clone());
            }
        }
        Ok((!command.what.is_empty()).then_some(command))
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|own| own == flag)
    }

    fn answer(&self, root: &Path, engine: &Engine) -> Result<String> {
        let (release, chart) = match self.what.as_slice() {
            [chart] => ("release-name", chart),
            [release, chart] => (release.as_str(), chart),
            _ => bail!("neither a chart alone nor a release with a chart"),
        };
        let mut capabilities = Capabilities {
            kube_version: KubeVersion::parse(self.kube_version.as_deref().unwrap_or(KUBE_VERSION))?,
            ..Capabilities::default()
        };
        let more = self.api_versions.iter().flat_map(|versions| versions.split(','));
        capabilities.api_versions.extend(more.map(str::to_owned));
        let values = self.values.merged(&mut |name| Ok(std::fs::read(root.join(name))?))?;
        let chart = load(&root.join(chart))?;
        check_installable(&chart)?;
        if self.has("--hide-secret") && !self.has("--dry-run") {
            bail!("hiding Kubernetes secrets requires a dry-run mode");
        }
        name::check(release)?;
        self.rendered(engine, chart, release, &capabilities, &values)
    }

    fn rendered(
        &self,
        engine: &Engine,
        chart: Chart,
        release: &str,
        capabilities: &Capabilities,
        values: &Map,
    ) -> Result<String> {
        let request = Request {
            chart,
            values,
            release: Identity { name: release, namespace: &self.namespace, revision: 1, is_upgrade: false },
            capabilities,
            notes: Notes::Own,
            context: Context {
                schemas: if self.has("--skip-schema-validation") { Check::Skip } else { Check::default() },
                ..Context::default()
            },
        };
        let templated = template(engine, request)?;
        let secrets = if self.has("--hide-secret") { Secrets::Hidden } else { Secrets::Shown };
        let assembled = templated.assemble(Assembly { include_crds: self.has("--include-crds"), secrets })?;
        if self.verb == "install" {
            return Ok(self.installed(release, &assembled, &templated.notes));
        }
        let text = listing(&assembled.manifest, &assembled.hooks);
        if self.show_only.is_empty() { Ok(text) } else { Ok(show_only(&text, &self.show_only)?) }
    }

    /// What an install tells of the release.
    fn installed(&self, release: &str, assembled: &Assembled, notes: &str) -> String {
        let dry = self.has("--dry-run");
        let (status, description) =
            if dry { ("pending-install", "Dry run complete") } else { ("deployed", "Install complete") };
        let mut text = format!(
            "NAME: {release}\nLAST DEPLOYED: {DEPLOYED}\nNAMESPACE: {}\nSTATUS: {status}\nREVISION: 1\n\
             DESCRIPTION: {description}\n",
            self.namespace
        );
        if !assembled.hooks.iter().any(|hook| hook.events.contains(&HookEvent::Test)) {
            text.push_str("TEST SUITE: None\n");
        }
        if dry {
            let hooks = listing("", &assembled.hooks);
            let _ = write!(text, "HOOKS:{hooks}MANIFEST:\n{}\n", assembled.manifest);
        }
        if !notes.is_empty() {
            let _ = writeln!(text, "NOTES:\n{}", notes.trim());
        }
        text
    }
}

/// Whether the option has no value behind it.
fn is_flag(word: &str) -> bool {
    !matches!(word, "--set" | "-f" | "--values" | "--show-only" | "-s" | "--api-versions")
}

fn load(path: &PathBuf) -> Result<Chart> {
    if path.is_file() {
        return Ok(load_archive(std::fs::File::open(path)?, &LoadLimits::default())?);
    }
    let path = Utf8Path::from_path(path).context("the path is not UTF-8")?;
    load_folder(&Directory::open(path)?, Utf8Path::new(""), &LoadLimits::default())
        .map_err(|err| anyhow::anyhow!(chain(&err)))
}
