//! One version of a chart in an index.

use serde::{Serialize, Serializer};

use crate::Time;
use crate::chart::chart_yaml::{Draft, METADATA};
use crate::chart::decode::{DecodeError, Decoder, Embedded, Field, Struct};
use crate::chart::document::Json;
use crate::chart::{Metadata, ValidationError};

use super::versions::{SkipReason, Skipped};

/// What an index says of one version of a chart, in the order of fields in which Go writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChartVersion {
    /// `Chart.yaml` of the version.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// Where its archive is, absolute or relative to the repository.
    #[serde(serialize_with = "slice")]
    pub urls: Vec<String>,
    /// When it was added to the index.
    pub created: Time,
    /// Whether it was taken back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// The SHA-256 digest of the archive in hexadecimal digits, as the index has it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// What Helm 2 wrote for the digest.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub checksum: String,
    /// The template engine that Helm 2 should take.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub engine: String,
    /// The versions of Helm 2's server that the chart is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tiller_version: String,
    /// What Helm 2 wrote for the addresses.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// A list as Go writes it that has none for an empty one.
fn slice<S: Serializer>(texts: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    if texts.is_empty() { serializer.serialize_unit() } else { texts.serialize(serializer) }
}

impl ChartVersion {
    /// The digest without `sha256:` and in lower case, to be compared; empty where there is none.
    pub fn sha256(&self) -> String {
        let digest = self.digest.trim().to_ascii_lowercase();
        digest.strip_prefix("sha256:").unwrap_or(&digest).to_owned()
    }
}

/// The entry while it is read.
#[derive(Clone, Debug, Default)]
struct Entry {
    draft: Draft,
    /// All but the metadata.
    version: ChartVersion,
}

/// A field that is read by a method of the decoder that cannot stop.
macro_rules! field {
    ($name:literal, $read:ident, $member:ident) => {
        Field::new($name, |decoder, into: &mut Entry, value| {
            decoder.$read(value, &mut into.version.$member);
            Ok(())
        })
    };
}

static ENTRY: Struct<Entry> = Struct {
    go_type: "repo.ChartVersion",
    fields: &[
        field!("urls", texts, urls),
        Field::new("created", |_, entry: &mut Entry, value| Decoder::time(&value, &mut entry.version.created)),
        field!("removed", flag, removed),
        field!("digest", text, digest),
        field!("checksum", text, checksum),
        field!("engine", text, engine),
        field!("tillerVersion", text, tiller_version),
        field!("url", text, url),
    ],
    embedded: Some(Embedded {
        name: "Metadata",
        read: |decoder, entry, key, value| decoder.member(&METADATA, key, value, &mut entry.draft),
    }),
};

/// The language of an index, which decides about numbers for texts, unknown fields and words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Yaml,
    Json,
}

impl Language {
    pub(super) fn decoder(self) -> Decoder {
        match self {
            Self::Yaml => Decoder::yaml_strict(),
            Self::Json => Decoder::json(),
        }
    }

    pub(super) fn fault(self, words: String) -> DecodeError {
        match self {
            Self::Yaml => DecodeError::Field(words),
            Self::Json => DecodeError::JsonField(words),
        }
    }
}

/// The entries of a chart's list: those that Helm takes go to `versions`, the others to `skipped`.
pub(super) fn read_list(
    language: Language,
    list: Json,
    versions: &mut Vec<ChartVersion>,
    skipped: &mut Vec<Skipped>,
) -> Result<(), DecodeError> {
    let items = match list {
        Json::Null => return Ok(()),
        Json::List(items) => items,
        other => {
            let mut decoder = language.decoder().below("IndexFile", "entries");
            decoder.misfit(&other, "repo.ChartVersions");
            return decoder.finish(Ok(())).map_err(|words| language.fault(words));
        }
    };
    for item in items {
        if item == Json::Null {
            skipped.push(Skipped { version: String::new(), reason: SkipReason::Empty });
            continue;
        }
        match read(language, item)? {
            Ok(version) => versions.push(version),
            Err(reason) => skipped.push(reason),
        }
    }
    Ok(())
}

fn read(language: Language, item: Json) -> Result<Result<ChartVersion, Skipped>, DecodeError> {
    let mut entry = Entry::default();
    let mut decoder = language.decoder().below("IndexFile", "entries");
    let end = decoder.object(item, &ENTRY, &mut entry);
    decoder.finish(end).map_err(|words| language.fault(words))?;
    let Entry { mut draft, version } = entry;
    if draft.metadata.api_version.is_empty() {
        "v1".clone_into(&mut draft.metadata.api_version);
    }
    match draft.validate() {
        // Some repositories drop the aliases.
        Ok(()) | Err(ValidationError::SameDependency(_)) => {}
        Err(err) => {
            return Ok(Err(Skipped { version: draft.metadata.version, reason: SkipReason::Invalid(err) }));
        }
    }
    Ok(Ok(ChartVersion { metadata: draft.metadata, ..version }))
}
