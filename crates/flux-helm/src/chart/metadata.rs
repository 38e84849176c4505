//! `Chart.yaml` and `Chart.lock`, in the order of fields in which Helm writes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Time;

/// What `Chart.yaml` says of a chart. Empty fields are those that are not there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// The chart's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The project's page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub home: String,
    /// Where the chart's source is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// The chart's version, a semantic version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// One sentence about the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Words to find the chart by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// Who maintains the chart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maintainers: Vec<Maintainer>,
    /// The address of an icon.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub icon: String,
    /// The chart format, `v1` or `v2`.
    #[serde(rename = "apiVersion", skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// The path in the parent's values that enables the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// The tags that enable the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tags: String,
    /// The version of what the chart installs; any text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub app_version: String,
    /// Whether the chart should be used no more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
    /// What other programs note.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// The versions of Kubernetes that the chart is for, a range.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kube_version: String,
    /// The charts that this one depends on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// Whether there is a list of dependencies with nothing in it, which Helm tells from no list when it looks for those
    /// of subcharts. It is never written.
    #[serde(skip)]
    pub has_empty_dependencies: bool,
    /// `application` or `library`; empty for `application`.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub chart_type: String,
}

impl Metadata {
    /// Whether there is a list of dependencies, be it an empty one.
    pub(crate) fn lists_dependencies(&self) -> bool {
        self.has_empty_dependencies || !self.dependencies.is_empty()
    }
}

/// Who maintains a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Maintainer {
    /// A person's or organisation's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The address for mail.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// The address of a page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// A chart that another one depends on.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Dependency {
    /// The name in the subchart's own `Chart.yaml`.
    pub name: String,
    /// The wanted version, a range.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Where the subchart comes from.
    pub repository: String,
    /// The paths in the parent's values, by commas, the first of which that is there enables the subchart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Tags that enable or disable the subchart with others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Whether the subchart is used, once its conditions and tags were looked at.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub enabled: bool,
    /// Values of the subchart that its parent takes over: names, or pairs of `child` and `parent`.
    #[serde(rename = "import-values", skip_serializing_if = "Vec::is_empty")]
    pub import_values: Vec<serde_json::Value>,
    /// The name that the subchart goes by here.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias: String,
}

/// `Chart.lock`: the versions that were chosen for the dependencies.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Lock {
    /// When it was written.
    pub generated: Time,
    /// The digest over the dependencies in `Chart.yaml`.
    pub digest: String,
    /// The dependencies, each with one version.
    pub dependencies: Option<Vec<Dependency>>,
}
