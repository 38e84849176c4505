//! A chart as an archive, laid out as Helm saves it.

use std::io::{self, Write};

use flate2::{Compression, GzBuilder};
use flux_gotemplate::data::{JsonError, MarshalError, Target, read_json, write_yaml};
use serde::Serialize;
use tar::{EntryType, Header};

use super::validate::quoted;
use super::{Chart, Metadata, ValidationError, path};
use crate::Time;

/// What Helm notes in the gzip header of its archives.
const EXTRA: &[u8] = b"+aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo=";
const COMMENT: &str = "Helm";
/// The operating system that Go notes: unknown.
const UNKNOWN_SYSTEM: u8 = 255;
const BLOCK: usize = 512;
/// More than `Chart.yaml` or `Chart.lock` can have.
const MAX_YAML: usize = 64 << 20;

/// Why a chart could not be packaged.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// Metadata that Helm does not take.
    #[error("chart validation")]
    Invalid(#[from] ValidationError),
    /// A subchart whose name is a path.
    #[error("{} is not a valid chart name", quoted(.0))]
    Name(String),
    /// `Chart.yaml` or `Chart.lock` cannot be written.
    #[error("failed to write {file}")]
    Yaml {
        /// The file.
        file: &'static str,
        /// The cause.
        #[source]
        source: YamlFault,
    },
    /// A schema that is not JSON.
    #[error("invalid JSON in values.schema.json")]
    Schema,
    /// A file name that an archive cannot hold.
    #[error("the file name {} has a null character", quoted(.0))]
    FileName(String),
    /// The underlying writer refused.
    #[error("failed to write the archive")]
    Output(#[from] io::Error),
}

/// Why metadata are no YAML.
#[derive(Debug, thiserror::Error)]
pub enum YamlFault {
    /// They cannot be said in JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The JSON cannot be read back.
    #[error(transparent)]
    Read(#[from] JsonError),
    /// The values cannot be written.
    #[error(transparent)]
    Write(#[from] MarshalError),
}

impl Metadata {
    /// The name of the chart's archive.
    pub fn archive_name(&self) -> String {
        format!("{}-{}.tgz", self.name, self.version)
    }

    /// `Chart.yaml` as Helm writes it; that of a v1 chart has no dependencies.
    pub fn to_yaml(&self) -> Result<String, PackageError> {
        let fault = |source| PackageError::Yaml { file: "Chart.yaml", source };
        if self.api_version == "v1" && !self.dependencies.is_empty() {
            let without = Self { dependencies: Vec::new(), ..self.clone() };
            return yaml(&without).map_err(fault);
        }
        yaml(self).map_err(fault)
    }
}

/// Writes the chart with its subcharts as an archive.
///
/// The same chart gives the same bytes. Files whose time is not known get `unknown`, where Helm takes the current time;
/// times before 1970 become 1970.
pub fn package<W: Write>(chart: &Chart, out: W, unknown: Time) -> Result<W, PackageError> {
    let mut metadata = chart.metadata.clone();
    metadata.validate()?;
    let zipper = GzBuilder::new().extra(EXTRA).comment(COMMENT).operating_system(UNKNOWN_SYSTEM);
    let mut archive = Archive { out: zipper.write(out, Compression::default()), unknown };
    archive.chart(chart, &metadata, "")?;
    archive.out.write_all(&[0; 2 * BLOCK])?;
    Ok(archive.out.finish()?)
}

/// A document as sigs.k8s.io/yaml writes it.
fn yaml(document: &impl Serialize) -> Result<String, YamlFault> {
    let value = read_json(&serde_json::to_vec(document)?, Target::Any)?;
    Ok(write_yaml(&value, MAX_YAML)?)
}

struct Archive<W: Write> {
    out: flate2::write::GzEncoder<W>,
    unknown: Time,
}

impl<W: Write> Archive<W> {
    fn chart(&mut self, chart: &Chart, metadata: &Metadata, prefix: &str) -> Result<(), PackageError> {
        if path::base(chart.name()) != chart.name() {
            return Err(PackageError::Name(chart.name().to_owned()));
        }
        let base = path::join(&[prefix, &metadata.name]);
        let below = |name: &str| path::join(&[&base, name]);
        self.file(&below("Chart.yaml"), metadata.to_yaml()?.as_bytes(), chart.modified)?;
        if let Some(lock) = chart.lock.as_ref().filter(|_| metadata.api_version == "v2") {
            let text = yaml(lock).map_err(|source| PackageError::Yaml { file: "Chart.lock", source })?;
            self.file(&below("Chart.lock"), text.as_bytes(), lock.generated)?;
        }
        for values in chart.raw.iter().filter(|file| file.name == "values.yaml") {
            self.file(&below(&values.name), &values.data, values.modified)?;
        }
        if let Some(schema) = &chart.schema {
            if !is_json(&schema.data) {
                return Err(PackageError::Schema);
            }
            self.file(&below("values.schema.json"), &schema.data, schema.modified)?;
        }
        for file in chart.templates.iter().chain(&chart.files) {
            self.file(&below(&file.name), &file.data, file.modified)?;
        }
        let charts = below("charts");
        chart.dependencies.iter().try_for_each(|subchart| self.chart(subchart, &subchart.metadata, &charts))
    }

    fn file(&mut self, name: &str, data: &[u8], modified: Time) -> Result<(), PackageError> {
        if name.contains('\0') {
            return Err(PackageError::FileName(name.to_owned()));
        }
        let modified = if modified.is_zero() { self.unknown } else { modified };
        let mut header = blank(EntryType::Regular, data.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(u64::try_from(nearest_second(modified)).unwrap_or_default());
        if let Some(ustar) = header.as_ustar_mut() {
            ustar.set_device_major(0);
            ustar.set_device_minor(0);
        }
        if let Some((prefix, rest)) = split(name) {
            set_name(&mut header, prefix, rest);
        } else {
            self.extended(name)?;
            let ascii: String = name.chars().filter(char::is_ascii).collect();
            set_name(&mut header, "", &ascii);
        }
        self.entry(&mut header, data)
    }

    /// The header before a file whose name the file's own header cannot hold.
    fn extended(&mut self, name: &str) -> Result<(), PackageError> {
        let record = record("path", name);
        let mut header = blank(EntryType::XHeader, record.len() as u64);
        header.set_mode(0);
        header.set_mtime(0);
        let (folder, own) = name.rsplit_once('/').unwrap_or(("", name));
        let ascii: String = path::join(&[folder, "PaxHeaders.0", own]).chars().filter(char::is_ascii).collect();
        set_name(&mut header, "", &ascii);
        self.entry(&mut header, record.as_bytes())
    }

    fn entry(&mut self, header: &mut Header, data: &[u8]) -> Result<(), PackageError> {
        header.set_cksum();
        // Go writes one digit less, and a blank behind it.
        let sum = format!("{:06o}\0 ", header.cksum().unwrap_or_default());
        header.as_old_mut().cksum.copy_from_slice(sum.as_bytes());
        self.out.write_all(header.as_bytes())?;
        self.out.write_all(data)?;
        let missing = data.len().next_multiple_of(BLOCK) - data.len();
        Ok(self.out.write_all(&[0; BLOCK][..missing])?)
    }
}

fn is_json(text: &[u8]) -> bool {
    !matches!(read_json(text, Target::Any), Err(fault) if !matches!(fault, JsonError::Number(_)))
}

fn nearest_second(time: Time) -> i64 {
    let instant = time.instant();
    instant.as_second() + i64::from(instant.subsec_nanosecond() >= 500_000_000)
}

fn blank(kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header
}

/// The two fields that a name fits into: what goes before the slash between them, and the rest.
fn split(name: &str) -> Option<(&str, &str)> {
    const NAME: usize = 100;
    const PREFIX: usize = 155;
    if !name.is_ascii() {
        return None;
    }
    if name.len() <= NAME {
        return Some(("", name));
    }
    let slash = name[..name.len().min(PREFIX + 1)].rfind('/').filter(|slash| *slash > 0)?;
    let (prefix, rest) = (&name[..slash], &name[slash + 1..]);
    (rest.len() <= NAME && !rest.is_empty()).then_some((prefix, rest))
}

/// Writes both fields, each cut to what it holds.
fn set_name(header: &mut Header, prefix: &str, name: &str) {
    let Some(ustar) = header.as_ustar_mut() else { return };
    for (field, text) in [(&mut ustar.prefix[..], prefix), (&mut ustar.name[..], name)] {
        for (slot, byte) in field.iter_mut().zip(text.bytes()) {
            *slot = byte;
        }
    }
}

/// A line of an extended header, which starts with its own length.
fn record(key: &str, value: &str) -> String {
    let content = key.len() + value.len() + 3;
    let mut length = content + content.to_string().len();
    if length.to_string().len() + content != length {
        length = content + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}
