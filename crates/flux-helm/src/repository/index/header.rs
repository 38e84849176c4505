//! What an index says beside its entries, and how both are written together.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::ChartVersion;
use super::entry::Language;
use crate::Time;
use crate::chart::DecodeError;
use crate::chart::decode::{Decoder, Field, Struct};
use crate::chart::document::Json;

/// What an index says beside its entries.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// What some servers say of themselves, keys in order.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub server_info: Map<String, Value>,
    /// The version of the format.
    pub api_version: String,
    /// When the index was written.
    pub generated: Time,
    /// The keys of the charts' signatures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub public_keys: Vec<String>,
    /// What other programs note.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A whole index, in the order of fields in which Go writes it.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document<'d> {
    #[serde(skip_serializing_if = "Map::is_empty")]
    server_info: &'d Map<String, Value>,
    api_version: &'d str,
    generated: Time,
    entries: &'d BTreeMap<String, Vec<ChartVersion>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    public_keys: &'d [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'d BTreeMap<String, String>,
}

pub(super) static HEADER: Struct<Header> = Struct {
    go_type: "repo.IndexFile",
    fields: &[
        Field::new("serverInfo", |decoder, header: &mut Header, value| {
            match value {
                Json::Null => header.server_info.clear(),
                Json::Map(_) => {
                    if let Value::Object(map) = value.into_any() {
                        header.server_info = map;
                    }
                }
                other => decoder.misfit(&other, "map[string]interface {}"),
            }
            Ok(())
        }),
        Field::new("apiVersion", |decoder, header: &mut Header, value| {
            decoder.text(value, &mut header.api_version);
            Ok(())
        }),
        Field::new("generated", |_, header: &mut Header, value| Decoder::time(&value, &mut header.generated)),
        Field::new("publicKeys", |decoder, header: &mut Header, value| {
            decoder.texts(value, &mut header.public_keys);
            Ok(())
        }),
        Field::new("annotations", |decoder, header: &mut Header, value| {
            decoder.text_map(value, &mut header.annotations);
            Ok(())
        }),
    ],
    embedded: None,
};

impl Header {
    /// The index that has these charts.
    pub fn document<'d>(&'d self, entries: &'d BTreeMap<String, Vec<ChartVersion>>) -> Document<'d> {
        let Self { server_info, api_version, generated, public_keys, annotations } = self;
        Document { server_info, api_version, generated: *generated, entries, public_keys, annotations }
    }

    pub(super) fn read(language: Language, document: Json) -> Result<Self, DecodeError> {
        let mut header = Self::default();
        let mut decoder = language.decoder();
        let end = decoder.object(document, &HEADER, &mut header);
        decoder.finish(end).map_err(|words| language.fault(words))?;
        Ok(header)
    }
}
