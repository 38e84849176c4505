//! Whole charts as helm-controller puts them into a release: changed by post renderers before they are sorted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use flux_helm::post_render::{Kustomize, PostRenderers, Strategy, origin_labels, run};
use flux_helm::render::{Assembly, Engine, Mode};
use flux_kustomize::flux::{Image, Patch, Selector};
use serde_json::Value;

use crate::case::{Answer, Case, Compared, Recorded, read, read_json, text};
use crate::helm_charts::{One, all};
use crate::helm_world::{chain, engine};

/// The API group whose labels say which object a release belongs to.
const GROUP: &str = "helm.toolkit.fluxcd.io";

pub(crate) fn cases(folder: &Path) -> Result<Vec<Case>> {
    let engine = engine(Mode::Lenient);
    let releases = folder.parent().context("the charts have no folder above")?.join("flux-helmreleases");
    let mut cases = Vec::new();
    for (_, chart) in all(folder)? {
        let forms = chart.case["flux"].as_array().cloned().unwrap_or_default();
        for form in forms {
            let release = read_json(&releases.join(format!("{}.json", text(&form["helmrelease"]))))?;
            let expected = chart.place.join(text(&form["expected"]));
            let name = expected.with_extension("");
            let name = name.strip_prefix(folder)?.to_string_lossy().replace("/expected/", "/");
            let strategy = strategy(&text(&form["strategy"]))?;
            let form = Form { chart: chart.clone(), renderers: renderers(&release), strategy, expected };
            let engine = engine.clone();
            cases.push(Case::new(name, move || form.compare(&engine)));
        }
    }
    Ok(cases)
}

/// One rendering of a chart for one HelmRelease.
struct Form {
    chart: One,
    renderers: PostRenderers,
    strategy: Strategy,
    expected: PathBuf,
}

impl Form {
    fn compare(&self, engine: &Engine) -> Result<Compared> {
        let answer = self.render(engine)?;
        if self.expected.extension().is_some_and(|extension| extension == "err") {
            return Ok(Compared { answer, recorded: Recorded::failed(read(&self.expected)?) });
        }
        let recorded = shown(&read_json(&self.expected)?);
        let random = match &answer {
            Ok(own) if self.chart.case["mask"].is_object() => random_lines(own, &self.render(engine)?),
            _ => BTreeSet::new(),
        };
        Ok(Compared {
            answer: answer.map(|own| masked(&own, &random)),
            recorded: Recorded::Output(masked(&recorded, &random)),
        })
    }

    fn render(&self, engine: &Engine) -> Result<Answer> {
        let mut templated = match self.chart.template(engine)? {
            Ok(templated) => templated,
            Err(fault) => return Ok(Err(fault)),
        };
        templated.texts = match run(&templated.texts, self.strategy, &self.renderers) {
            Ok(changed) => changed.texts,
            Err(err) => return Ok(Err(chain(&err))),
        };
        let assembled = match templated.assemble(Assembly::default()) {
            Ok(assembled) => assembled,
            Err(err) => return Ok(Err(chain(&err))),
        };
        let hooks = serde_json::to_value(&assembled.hooks)?;
        Ok(Ok(shown(&serde_json::json!({
            "manifest": assembled.manifest,
            "notes": templated.notes,
            "hooks": hooks,
        }))))
    }
}

/// A release as text.
fn shown(release: &Value) -> String {
    let mut shown = format!("{}\nNOTES:\n{}\n", text(&release["manifest"]), text(&release["notes"]));
    for hook in release["hooks"].as_array().into_iter().flatten() {
        for (field, value) in hook.as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let _ = writeln!(shown, "HOOK {field}: {value}");
        }
    }
    shown
}

/// The numbers of the lines in which two renderings of one chart differ, as they do where something is random.
fn random_lines(own: &str, other: &Answer) -> BTreeSet<usize> {
    let Ok(other) = other else { return BTreeSet::new() };
    let pairs = own.split('\n').zip(other.split('\n')).enumerate();
    pairs.filter(|(_, (own, other))| own != other).map(|(at, _)| at).collect()
}

fn masked(text: &str, random: &BTreeSet<usize>) -> String {
    let line = |(at, line)| if random.contains(&at) { "<masked>" } else { line };
    text.split('\n').enumerate().map(line).collect::<Vec<_>>().join("\n")
}

fn strategy(name: &str) -> Result<Strategy> {
    Ok(match name {
        "combined" => Strategy::Combined,
        "separate" => Strategy::Separate,
        "nohooks" => Strategy::NoHooks,
        other => bail!("there is no strategy {other:?}"),
    })
}

/// What a HelmRelease asks for.
fn renderers(release: &Value) -> PostRenderers {
    let (spec, metadata) = (&release["spec"], &release["metadata"]);
    PostRenderers {
        kustomize: list(&spec["postRenderers"], |renderer| kustomize(&renderer["kustomize"])),
        common_labels: strings(&spec["commonMetadata"]["labels"]),
        common_annotations: strings(&spec["commonMetadata"]["annotations"]),
        origin_labels: origin_labels(GROUP, &text(&metadata["namespace"]), &text(&metadata["name"])),
    }
}

fn kustomize(spec: &Value) -> Kustomize {
    Kustomize {
        patches: list(&spec["patches"], |patch| Patch {
            patch: text(&patch["patch"]),
            target: patch["target"].is_object().then(|| selector(&patch["target"])),
        }),
        images: list(&spec["images"], |image| Image {
            name: text(&image["name"]),
            new_name: text(&image["newName"]),
            new_tag: text(&image["newTag"]),
            digest: text(&image["digest"]),
        }),
    }
}

fn selector(target: &Value) -> Selector {
    Selector {
        group: text(&target["group"]),
        version: text(&target["version"]),
        kind: text(&target["kind"]),
        name: text(&target["name"]),
        namespace: text(&target["namespace"]),
        label_selector: text(&target["labelSelector"]),
        annotation_selector: text(&target["annotationSelector"]),
    }
}

fn list<T>(value: &Value, item: impl Fn(&Value) -> T) -> Vec<T> {
    value.as_array().into_iter().flatten().map(item).collect()
}

fn strings(value: &Value) -> BTreeMap<String, String> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), text(value))).collect()
}
