//! Single templates, each in a small chart of its own.

use std::path::Path;

use anyhow::{Context as _, Result};
use flux_helm::Time;
use flux_helm::chart::{File, LoadLimits, load_files};
use flux_helm::render::{Capabilities, Context, Identity, Mode};
use flux_helm::values;
use serde_json::Value;

use crate::case::{Answer, Case, Compared, Recorded, read_json_lines, text};
use crate::helm_world::{chain, engine};

const CHART: &str = "apiVersion: v2\nname: c\nversion: 1.2.3\nappVersion: \"4.5\"\n";
const RELEASE: Identity<'static> = Identity { name: "rel", namespace: "ns", revision: 1, is_upgrade: false };

pub(crate) fn cases(path: &Path) -> Result<Vec<Case>> {
    let engine = engine(Mode::Lenient);
    let case = move |(_, case): (usize, Value)| {
        let engine = engine.clone();
        Case::new(text(&case["id"]), move || {
            let recorded = match case["error"].as_str() {
                Some(error) => Recorded::failed(error.to_owned()),
                None => Recorded::Output(text(&case["output"])),
            };
            let answer = render(&engine, &case).unwrap_or_else(|err| Err(format!("{err:#}")));
            Ok(Compared { answer, recorded })
        })
    };
    Ok(read_json_lines(path)?.into_iter().map(case).collect())
}

fn render(engine: &flux_helm::render::Engine, case: &Value) -> Result<Answer> {
    let file = |name: &str, content: &str| File {
        name: name.to_owned(),
        data: content.as_bytes().into(),
        modified: Time::zero(),
    };
    let mut files = vec![
        file("Chart.yaml", CHART),
        file("values.yaml", case["values"].as_str().unwrap_or_default()),
        file("templates/t.yaml", case["tpl"].as_str().context("no template")?),
    ];
    for (name, content) in case["files"].as_object().into_iter().flatten() {
        files.push(file(name, content.as_str().unwrap_or_default()));
    }
    let mut chart = match load_files(files, &LoadLimits::default()) {
        Ok(chart) => chart,
        // The values were read alone: what the loader says around their fault is not in the words.
        Err(err) => return Ok(Err(chain(&err).replace("cannot load values.yaml: ", ""))),
    };
    let user = flux_gotemplate::Map::new();
    values::dependencies::process(&mut chart, &user)?;
    let values = values::coalesce(&chart, &user)?.values;
    let prepared = engine.prepare(&chart);
    let rendered =
        prepared.and_then(|prepared| prepared.render(&values, &RELEASE, &Capabilities::default(), &Context::default()));
    Ok(match rendered {
        Ok(texts) => Ok(texts.into_iter().map(|text| text.content).collect()),
        Err(err) => Err(chain(&err)),
    })
}
