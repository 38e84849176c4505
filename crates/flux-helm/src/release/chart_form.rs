//! A chart as a release holds it: without its subcharts, files as base64.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flux_gotemplate::Map;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::tree_form;
use crate::Time;
use crate::chart::{Chart, File, Lock, Metadata};

/// The file that a chart's schema is.
const SCHEMA: &str = "values.schema.json";

#[derive(Deserialize, Serialize)]
#[serde(default)]
struct ChartForm {
    metadata: Option<Metadata>,
    lock: Option<Lock>,
    templates: Option<Vec<FileForm>>,
    #[serde(with = "tree_form")]
    values: Map,
    schema: Option<Bytes>,
    #[serde(rename = "schemamodtime")]
    schema_modified: Time,
    files: Option<Vec<FileForm>>,
    #[serde(rename = "modtime", skip_serializing_if = "Time::is_zero")]
    modified: Time,
}

impl Default for ChartForm {
    fn default() -> Self {
        Self {
            metadata: None,
            lock: None,
            templates: None,
            values: Map::nil_plain(),
            schema: None,
            schema_modified: Time::zero(),
            files: None,
            modified: Time::zero(),
        }
    }
}

#[derive(Deserialize, Serialize)]
struct FileForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    data: Option<Bytes>,
    #[serde(rename = "modtime", default, skip_serializing_if = "Time::is_zero")]
    modified: Time,
}

/// Bytes as Go's JSON holds them, in base64.
struct Bytes(Arc<[u8]>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64_STANDARD.decode(&text).map(|bytes| Self(bytes.into())).map_err(de::Error::custom)
    }
}

impl From<&File> for FileForm {
    fn from(file: &File) -> Self {
        Self { name: file.name.clone(), data: Some(Bytes(Arc::clone(&file.data))), modified: file.modified }
    }
}

impl From<FileForm> for File {
    fn from(form: FileForm) -> Self {
        Self {
            name: form.name,
            data: form.data.map_or_else(|| Arc::from(&[][..]), |bytes| bytes.0),
            modified: form.modified,
        }
    }
}

/// The files; none at all is null, what Go writes for a slice that nothing was put into.
fn file_forms(files: &[File]) -> Option<Vec<FileForm>> {
    if files.is_empty() { None } else { Some(files.iter().map(FileForm::from).collect()) }
}

/// The metadata as it is written: what it takes over from subcharts may be mappings, whose keys Go sorts.
pub(super) fn sorted(metadata: &Metadata) -> Metadata {
    let mut metadata = metadata.clone();
    for dependency in &mut metadata.dependencies {
        dependency.import_values.iter_mut().for_each(serde_json::Value::sort_all_objects);
    }
    metadata
}

impl From<&Chart> for ChartForm {
    fn from(chart: &Chart) -> Self {
        Self {
            metadata: Some(sorted(&chart.metadata)),
            lock: chart.lock.clone(),
            templates: file_forms(&chart.templates),
            values: chart.values.clone(),
            schema: chart.schema.as_ref().map(|file| Bytes(Arc::clone(&file.data))),
            schema_modified: chart.schema.as_ref().map_or_else(Time::zero, |file| file.modified),
            files: file_forms(&chart.files),
            modified: chart.modified,
        }
    }
}

impl From<ChartForm> for Chart {
    fn from(form: ChartForm) -> Self {
        let modified = form.schema_modified;
        let files = |forms: Option<Vec<FileForm>>| forms.unwrap_or_default().into_iter().map(File::from).collect();
        Self {
            lock: form.lock,
            templates: files(form.templates),
            values: form.values,
            schema: form.schema.map(|bytes| File { name: SCHEMA.to_owned(), data: bytes.0, modified }),
            files: files(form.files),
            modified: form.modified,
            ..Self::new(form.metadata.unwrap_or_default())
        }
    }
}

#[expect(clippy::ref_option, reason = "serde hands the field")]
pub(super) fn serialize<S: Serializer>(chart: &Option<Chart>, serializer: S) -> Result<S::Ok, S::Error> {
    chart.as_ref().map(ChartForm::from).serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Chart>, D::Error> {
    Ok(Option::<ChartForm>::deserialize(deserializer)?.map(Chart::from))
}
