//! Charts that cannot be installed, whatever the values.

use crate::chart::Chart;

/// Why a chart cannot be installed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotInstallable {
    /// It is a library.
    #[error("{0} charts are not installable")]
    Type(String),
    /// Subcharts that it names are not there.
    #[error(
        "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch \
         missing dependencies: found in Chart.yaml, but missing in charts/ directory: {}",
        .0.join(", ")
    )]
    Missing(Vec<String>),
}

/// Whether the chart is an application, and has all subcharts that it names.
pub fn check_installable(chart: &Chart) -> Result<(), NotInstallable> {
    match chart.metadata.chart_type.as_str() {
        "" | "application" => {}
        other => return Err(NotInstallable::Type(other.to_owned())),
    }
    let is_there = |name: &str| chart.dependencies.iter().any(|subchart| subchart.name() == name);
    let wanted = chart.metadata.dependencies.iter().map(|dependency| &dependency.name);
    let missing: Vec<String> = wanted.filter(|name| !is_there(name)).cloned().collect();
    if missing.is_empty() { Ok(()) } else { Err(NotInstallable::Missing(missing)) }
}
