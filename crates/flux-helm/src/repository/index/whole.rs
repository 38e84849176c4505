//! Indexes that are too unusual to be read in parts.

use std::collections::BTreeMap;

use serde::de::DeserializeSeed;

use super::entry::{Language, read_list};
use super::{Header, IndexError, Versions, Wanted, limits_of_yaml};
use crate::chart::decode::DecodeError;
use crate::chart::document::{Allowance, Json, Within};

/// Reads a whole index; all of its entries must be such.
pub(super) fn read(text: &[u8], wanted: &mut Wanted<'_>) -> Result<Header, IndexError> {
    let (language, index) = document(text)?;
    let (mut charts, mut beside) = (Vec::new(), Vec::new());
    match index {
        Json::Map(parts) => {
            for (key, value) in parts {
                if key.eq_ignore_ascii_case("entries") { charts.push(value) } else { beside.push((key, value)) }
            }
        }
        Json::Null => {}
        other => return Err(misfit(language, "", &other, "repo.IndexFile").into()),
    }
    let header = Header::read(language, Json::Map(beside))?;
    // Of equal names, which JSON may have, the last counts.
    let mut found = BTreeMap::new();
    for charts in charts {
        let charts = match charts {
            Json::Map(charts) => charts,
            Json::Null => continue,
            other => return Err(misfit(language, "IndexFile", &other, "map[string]repo.ChartVersions").into()),
        };
        for (name, list) in charts {
            let (mut versions, mut skipped) = (Vec::new(), Vec::new());
            read_list(language, list, &mut versions, &mut skipped)?;
            if wanted.wants(&name) {
                found.insert(name.clone(), Versions::sorted(name, versions, skipped));
            }
        }
    }
    for versions in found.into_values() {
        wanted.give(versions);
    }
    Ok(header)
}

/// The document, which is YAML unless all of it is JSON.
fn document(text: &[u8]) -> Result<(Language, Json), IndexError> {
    let limits = limits_of_yaml();
    let mut allowance = Allowance::new(limits.nodes, usize::MAX);
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let json = Within(&mut allowance).deserialize(&mut deserializer);
    match json.and_then(|json| deserializer.end().map(|()| json)) {
        Ok(json) => Ok((Language::Json, json)),
        Err(_) if allowance.spent().is_some() => Err(IndexError::Values(limits.nodes)),
        Err(_) => Ok((Language::Yaml, Json::from_yaml_strict(text, limits)?)),
    }
}

fn misfit(language: Language, inside: &'static str, value: &Json, go_type: &str) -> DecodeError {
    let mut decoder = language.decoder();
    if !inside.is_empty() {
        decoder = decoder.below(inside, "entries");
    }
    decoder.misfit(value, go_type);
    match decoder.finish(Ok(())) {
        Err(words) => language.fault(words),
        Ok(()) => language.fault(String::new()),
    }
}
