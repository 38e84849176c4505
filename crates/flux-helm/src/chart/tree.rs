//! A chart among its subcharts.

use super::{Chart, File, path};

/// A chart and where it stands below the one that was asked.
#[derive(Clone)]
pub struct Located<'c> {
    /// The chart.
    pub chart: &'c Chart,
    /// The names of the charts that lead to it with `/charts/` between them, which starts the names of its templates.
    pub full_path: String,
    /// The same with `.` between the names.
    pub chart_path: String,
    /// How many charts it lies in; none is the root.
    pub depth: usize,
}

impl Located<'_> {
    /// Whether it is the chart that was asked, and no subchart.
    pub fn is_root(&self) -> bool {
        self.depth == 0
    }
}

/// A file with definitions of custom resources.
#[derive(Clone)]
pub struct Crd<'c> {
    /// The file, named below its own chart.
    pub file: &'c File,
    /// The file's name with the full path of its chart.
    pub full_name: String,
}

impl Chart {
    /// The chart and all its subcharts, each before its own, in order.
    pub fn located(&self) -> Vec<Located<'_>> {
        let mut found = Vec::new();
        let name = self.name().to_owned();
        locate(Located { chart: self, full_path: name.clone(), chart_path: name, depth: 0 }, &mut found);
        found
    }

    /// The files below `crds/`, those of subcharts behind the chart's own.
    pub fn crds(&self) -> Vec<Crd<'_>> {
        let mut crds = Vec::new();
        for Located { chart, full_path, .. } in self.located() {
            let files = chart.files.iter().filter(|file| is_crd(&file.name));
            crds.extend(files.map(|file| Crd { file, full_name: path::join(&[&full_path, &file.name]) }));
        }
        crds
    }
}

fn locate<'c>(at: Located<'c>, found: &mut Vec<Located<'c>>) {
    let Located { chart, full_path, chart_path, depth } = at.clone();
    found.push(at);
    for subchart in &chart.dependencies {
        let name = subchart.name();
        let full_path = format!("{full_path}/charts/{name}");
        let chart_path = format!("{chart_path}.{name}");
        locate(Located { chart: subchart, full_path, chart_path, depth: depth + 1 }, found);
    }
}

fn is_crd(name: &str) -> bool {
    let extension = path::extension(name);
    let is = |known: &str| extension.eq_ignore_ascii_case(known);
    name.starts_with("crds/") && (is(".yaml") || is(".yml") || is(".json"))
}
