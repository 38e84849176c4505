//! From files to a chart.

use std::collections::BTreeMap;

use super::archive::{ArchiveError, Budget, LoadLimits};
use super::chart_yaml::{self, Draft};
use super::decode::DecodeError;
use super::folder::FolderError;
use super::{Chart, File, ValidationError, archive, path};
use crate::values::{self, ReadError};

/// Chart.yaml's name in a chart's folder.
pub(super) const CHART_YAML: &str = "Chart.yaml";

/// Why a chart could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// `Chart.yaml`, a list of dependencies or a lock file that cannot be read.
    #[error("cannot load {file}")]
    Metadata {
        /// The file.
        file: &'static str,
        /// The cause.
        #[source]
        source: DecodeError,
    },
    /// Values that cannot be read.
    #[error("cannot load values.yaml")]
    Values(#[from] ReadError),
    /// No `Chart.yaml`.
    #[error("Chart.yaml file is missing")]
    NoChartYaml,
    /// Metadata that Helm does not take.
    #[error(transparent)]
    Invalid(#[from] ValidationError),
    /// A subchart that cannot be loaded.
    #[error("error unpacking subchart {name} in {parent}")]
    Subchart {
        /// The name of its folder or archive.
        name: String,
        /// The chart that it belongs to.
        parent: String,
        /// The cause.
        #[source]
        source: Box<LoadError>,
    },
    /// A folder that is named as an archive is.
    #[error("error unpacking subchart tar in {parent}: expected {name}, got {found}")]
    SubchartFolder {
        /// The name of the folder.
        name: String,
        /// The chart that it belongs to.
        parent: String,
        /// The first file in it.
        found: String,
    },
    /// Subcharts within subcharts, more than the limit.
    #[error("subcharts are nested deeper than {0} levels")]
    Depth(usize),
    /// An archive that cannot be unpacked.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A folder that cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// The chart that the files make; the limits are for the archives of subcharts among them.
///
/// Files keep their order; subcharts come in the order of their folders' names, where Helm leaves it to chance.
pub fn load_files(files: Vec<File>, limits: &LoadLimits) -> Result<Chart, LoadError> {
    load_within(files, &mut Budget::new(limits))
}

/// The same, with what is left of the limits.
pub(super) fn load_within(files: Vec<File>, budget: &mut Budget) -> Result<Chart, LoadError> {
    let mut draft = None;
    let mut chart = Chart::new(super::Metadata::default());
    for file in files.iter().filter(|file| file.name == CHART_YAML) {
        let draft = draft.get_or_insert_with(Draft::default);
        draft.read(&file.data).map_err(|source| LoadError::Metadata { file: CHART_YAML, source })?;
        if draft.metadata.api_version.is_empty() {
            "v1".clone_into(&mut draft.metadata.api_version);
        }
        chart.modified = file.modified;
    }
    let mut subcharts = BTreeMap::new();
    for file in &files {
        sort_in(file, &mut chart, &mut draft, &mut subcharts)?;
    }
    chart.raw = files;
    let mut draft = draft.ok_or(LoadError::NoChartYaml)?;
    draft.validate()?;
    chart.metadata = draft.metadata;
    for (name, files) in subcharts {
        if name.starts_with(['_', '.']) {
            continue;
        }
        let parent = || chart.name().to_owned();
        let subchart = load_subchart(&name, files, budget).map_err(|fault| match fault {
            SubchartFault::Folder { found } => LoadError::SubchartFolder { name, parent: parent(), found },
            SubchartFault::Load(source) => LoadError::Subchart { name, parent: parent(), source: Box::new(source) },
        })?;
        chart.dependencies.push(subchart);
    }
    Ok(chart)
}

/// Puts a file where it belongs in the chart, or to the files of a subchart by the name of its folder.
fn sort_in(
    file: &File,
    chart: &mut Chart,
    draft: &mut Option<Draft>,
    subcharts: &mut BTreeMap<String, Vec<File>>,
) -> Result<(), LoadError> {
    let lock = |name| chart_yaml::read_lock(&file.data).map_err(|source| LoadError::Metadata { file: name, source });
    match file.name.as_str() {
        CHART_YAML => {}
        "Chart.lock" => chart.lock = lock("Chart.lock")?,
        "values.yaml" => chart.values = values::read(&file.data)?,
        "values.schema.json" => chart.schema = Some(file.clone()),
        name @ ("requirements.yaml" | "requirements.lock") => {
            let draft = draft.get_or_insert_default();
            if name == "requirements.lock" {
                chart.lock = lock("requirements.lock")?;
            } else {
                let fault = |source| LoadError::Metadata { file: "requirements.yaml", source };
                draft.read(&file.data).map_err(fault)?;
            }
            if draft.metadata.api_version == "v1" {
                chart.files.push(file.clone());
            }
        }
        name if name.starts_with("templates/") => chart.templates.push(file.clone()),
        name => match name.strip_prefix("charts/") {
            Some(below) if path::extension(name) != ".prov" => {
                let folder = below.split('/').next().unwrap_or_default();
                let file = File { name: below.to_owned(), ..file.clone() };
                subcharts.entry(folder.to_owned()).or_default().push(file);
            }
            _ => chart.files.push(file.clone()),
        },
    }
    Ok(())
}

enum SubchartFault {
    Folder { found: String },
    Load(LoadError),
}

fn load_subchart(name: &str, files: Vec<File>, budget: &mut Budget) -> Result<Chart, SubchartFault> {
    budget.descend().map_err(|depth| SubchartFault::Load(LoadError::Depth(depth)))?;
    let subchart = if path::extension(name) == ".tgz" {
        match files.first() {
            Some(file) if file.name == name => archive::load_within(&*file.data, budget),
            other => {
                let found = other.map(|file| file.name.clone()).unwrap_or_default();
                return Err(SubchartFault::Folder { found });
            }
        }
    } else {
        // A file right below charts/ belongs to no chart.
        let inside = files.into_iter().filter_map(|file| {
            let (_, inside) = file.name.split_once('/')?;
            Some(File { name: inside.to_owned(), ..file })
        });
        load_within(inside.collect(), budget)
    };
    budget.ascend();
    subchart.map_err(SubchartFault::Load)
}
