//! What a chart is made of, and how it is read from files, archives and folders.
//!
//! [`load_files`], [`load_archive`] and [`load_folder`] give a [`Chart`] with Helm's rules and error texts. Reading
//! is bounded by [`LoadLimits`]; links in archives are never followed, those in folders only within the root.
//! [`package()`] writes a chart as the archive that Helm would save.

mod archive;
pub(crate) mod chart_yaml;
pub(crate) mod decode;
pub(crate) mod document;
mod folder;
mod helmignore;
mod load;
mod metadata;
mod package;
mod path;
mod pattern;
pub mod provenance;
mod tree;
mod validate;

use std::sync::Arc;

use flux_gotemplate::Map;

pub use archive::{ArchiveError, LoadLimits, archive_files, load_archive};
pub use decode::DecodeError;
pub use folder::{FolderError, folder_files, load_folder};
pub use helmignore::IgnoreError;
pub use load::{LoadError, load_files};
pub use metadata::{Dependency, Lock, Maintainer, Metadata};
pub use package::{PackageError, YamlFault, package};
pub use pattern::BadPattern;
pub(crate) use pattern::Pattern;
pub use tree::{Crd, Located};
pub use validate::ValidationError;

use crate::Time;

/// One file of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The path below the chart's folder, `/` between its parts.
    pub name: String,
    /// The content, shared by clones.
    pub data: Arc<[u8]>,
    /// When the file was changed; Go's zero time where that is not known.
    pub modified: Time,
}

/// A chart with all its subcharts, as Helm holds it in memory.
///
/// A clone is cheap: it shares the files, and [`Chart::values`] as Go's maps are shared.
#[derive(Clone)]
pub struct Chart {
    /// `Chart.yaml`; for a chart of API version v1 with its `requirements.yaml`.
    pub metadata: Metadata,
    /// `Chart.lock`, or `requirements.lock` of a chart of API version v1.
    pub lock: Option<Lock>,
    /// The files below `templates/`.
    pub templates: Vec<File>,
    /// What `values.yaml` says.
    pub values: Map,
    /// `values.schema.json`, when there is one.
    pub schema: Option<File>,
    /// All other files that do not belong to a subchart.
    pub files: Vec<File>,
    /// All files as they were in the folder or archive, those of subcharts too; empty in a chart of a release record.
    pub raw: Vec<File>,
    /// When `Chart.yaml` was changed.
    pub modified: Time,
    /// The subcharts.
    pub dependencies: Vec<Chart>,
}

impl Chart {
    /// A chart that has only what `Chart.yaml` says.
    pub fn new(metadata: Metadata) -> Self {
        Self {
            metadata,
            lock: None,
            templates: Vec::new(),
            values: Map::new(),
            schema: None,
            files: Vec::new(),
            raw: Vec::new(),
            modified: Time::zero(),
            dependencies: Vec::new(),
        }
    }

    /// The chart's name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Whether it is a library chart, whose templates only define.
    pub fn is_library(&self) -> bool {
        self.metadata.chart_type.eq_ignore_ascii_case("library")
    }
}
