//! Renderings that Helm's own tests recorded, each template with its data.
//!
//! Those with a cluster are left out: what was in it is not recorded.

use std::path::Path;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_gotemplate::{GoStr, Map, Value as Tree};
use flux_helm::Time;
use flux_helm::chart::File;
use flux_helm::render::{
    Capabilities, Context, HelmVersion, KubeVersion, Mode, Set, Source, capabilities_object, files_object,
};
use serde_json::Value;

use crate::case::{Answer, Case, Compared, Recorded, read_json_lines, text};
use crate::helm_world::{chain, engine};

pub(crate) fn cases(path: &Path) -> Result<Vec<Case>> {
    let lines = read_json_lines(path)?.into_iter().filter(|(_, case)| case["client"] != true);
    let case = |(line, case): (usize, Value)| {
        let name = text(&case["test"]).rsplit(['.', ' ']).next().unwrap_or_default().to_owned();
        Case::new(format!("{name}-{line}"), move || run(&case))
    };
    Ok(lines.map(case).collect())
}

fn run(case: &Value) -> Result<Compared> {
    let recorded = if let Some(error) = case["error"].as_str() {
        Recorded::failed(error.to_owned())
    } else {
        let texts = case["output"].as_object().context("no output")?;
        let mut texts: Vec<_> = texts.iter().map(|(name, content)| shown(name, &text(content))).collect();
        texts.sort();
        Recorded::Output(texts.concat())
    };
    Ok(Compared { answer: render(case)?, recorded })
}

fn render(case: &Value) -> Result<Answer> {
    let mode = match (case["strict"] == true, case["lint"] == true) {
        (true, _) => Mode::Strict,
        (false, true) => Mode::Lint,
        (false, false) => Mode::Lenient,
    };
    let mut sources = Vec::new();
    let mut data = Vec::new();
    for (name, template) in case["templates"].as_object().context("no templates")? {
        sources.push(Source {
            name: name.clone(),
            text: text(&template["tpl"]).into(),
            folder: text(&template["basePath"]).into(),
            data: data.len(),
        });
        data.push(scope(&template["vals"])?);
    }
    let rendered = Set::parse(&engine(mode), sources).and_then(|set| set.render(&data, &Context::default()));
    Ok(match rendered {
        Ok(texts) => Ok(texts.iter().map(|text| shown(&text.name, &text.content)).collect()),
        Err(err) => Err(chain(&err)),
    })
}

fn shown(name: &str, content: &str) -> String {
    format!("==> {name}\n{content}\n")
}

/// The data of a template. JSON does not tell floats from integers: all numbers of values are floats.
fn scope(recorded: &Value) -> Result<Map> {
    let entries = recorded.as_object().into_iter().flatten().map(|(key, value)| {
        let value = match key.as_str() {
            "Capabilities" if value.is_object() => capabilities_object(&capabilities(value)),
            "Files" if value.is_object() => files(value)?,
            "Subcharts" => {
                let subcharts = value.as_object().into_iter().flatten();
                let scopes = subcharts.map(|(name, data)| Ok((GoStr::from(name.as_str()), scope(data)?.into())));
                scopes.collect::<Result<Map>>()?.into()
            }
            "Values" => tree(value, true),
            _ => tree(value, false),
        };
        Ok((GoStr::from(key.as_str()), value))
    });
    entries.collect()
}

fn tree(value: &Value, floats: bool) -> Tree {
    match value {
        Value::Null => Tree::Nil,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => match number.as_i64() {
            Some(number) if !floats => Tree::Int(number),
            _ => number.as_f64().unwrap_or_default().into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => Tree::list(items.iter().map(|item| tree(item, floats)).collect()),
        Value::Object(fields) => {
            Tree::map(fields.iter().map(|(key, value)| (GoStr::from(key.as_str()), tree(value, floats))))
        }
    }
}

fn capabilities(recorded: &Value) -> Capabilities {
    let kube = &recorded["KubeVersion"];
    let helm = &recorded["HelmVersion"];
    Capabilities {
        kube_version: KubeVersion {
            version: text(&kube["Version"]),
            normalized: text(&kube["Version"]),
            major: text(&kube["Major"]),
            minor: text(&kube["Minor"]),
        },
        api_versions: recorded["APIVersions"].as_array().into_iter().flatten().map(text).collect(),
        helm_version: HelmVersion {
            version: text(&helm["version"]),
            git_commit: text(&helm["git_commit"]),
            git_tree_state: text(&helm["git_tree_state"]),
            go_version: text(&helm["go_version"]),
            kube_client_version: text(&helm["kube_client_version"]),
        },
    }
}

fn files(recorded: &Value) -> Result<Tree> {
    let files = recorded.as_object().into_iter().flatten().map(|(name, content)| {
        Ok(File { name: name.clone(), data: STANDARD.decode(text(content))?.into(), modified: Time::zero() })
    });
    Ok(files_object(&files.collect::<Result<Vec<_>>>()?))
}
