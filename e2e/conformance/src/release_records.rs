//! What Helm stores of releases: read, and written again.

use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flux_helm::release::record;
use serde_json::Value;

use crate::case::{Answer, Case, Compared, Recorded, names, read_json, text};

pub(crate) fn cases(folder: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for file in names(folder)? {
        let Some(stem) = file.strip_suffix(".json") else { continue };
        let Value::Array(records) = read_json(&folder.join(&file))? else { continue };
        for (at, entry) in records.into_iter().enumerate() {
            cases.push(Case::new(format!("{stem}/{at}"), move || compare(&entry)));
        }
    }
    Ok(cases)
}

fn compare(entry: &Value) -> Result<Compared> {
    let secret = &entry["secret"];
    let recorded = shown(
        &text(&secret["metadata"]["name"]),
        &text(&secret["type"]),
        &text(&secret["data"].as_object().and_then(|data| data.keys().next()).cloned().into()),
        &secret["metadata"]["labels"],
        &text(&entry["release_json"]),
    );
    Ok(Compared { answer: answer(secret)?, recorded: Recorded::Output(recorded) })
}

/// The object as it is written again after it was read.
fn answer(secret: &Value) -> Result<Answer> {
    let data = BASE64_STANDARD.decode(text(&secret["data"][record::KEY])).context("the data is not base64")?;
    let labels = serde_json::from_value(secret["metadata"]["labels"].clone())?;
    let again = |data: &[u8]| -> Result<_> {
        let mut release = record::decode(data, record::Limits::default())?;
        release.labels = record::custom_labels(&labels);
        Ok(release)
    };
    let modified = labels.get("modifiedAt").and_then(|seconds| seconds.parse().ok()).unwrap_or_default();
    Ok((|| -> Result<String> {
        let release = again(record::encode(&again(&data)?)?.as_bytes())?;
        let labels = record::labels(&release, record::Written::Modified(modified));
        Ok(shown(
            &record::object_name(&release.name, release.revision),
            record::SECRET_TYPE,
            record::KEY,
            &serde_json::to_value(labels)?,
            &String::from_utf8(record::to_json(&release)?)?,
        ))
    })()
    .map_err(|err| format!("{err:#}")))
}

/// The parts of the object, one to a line.
fn shown(name: &str, kind: &str, key: &str, labels: &Value, json: &str) -> String {
    let mut labels: Vec<String> = labels.as_object().into_iter().flatten().map(|(k, v)| format!("{k}={v}")).collect();
    labels.sort();
    format!("{name}\n{kind}\n{key}\n{}\n{json}\n", labels.join(","))
}
