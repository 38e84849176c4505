//! Charts as archives.

use std::io::Read;

use flate2::read::GzDecoder;
use flux_helm::Time;
use flux_helm::chart::{Chart, File, LoadLimits, load_archive, load_files, package};

fn chart(files: &[(&str, &str)]) -> Chart {
    let modified = "2024-01-02T03:04:05.6Z".parse().unwrap();
    let file = |(name, data): &(&str, &str)| File { name: (*name).to_owned(), data: data.as_bytes().into(), modified };
    load_files(files.iter().map(file).collect(), &LoadLimits::default()).unwrap()
}

fn packaged(chart: &Chart) -> Vec<u8> {
    package(chart, Vec::new(), "2020-01-01T00:00:00Z".parse().unwrap()).unwrap()
}

/// One line an entry, as an independent reader sees it.
fn listing(archive: &[u8]) -> Vec<String> {
    let mut archive = tar::Archive::new(GzDecoder::new(archive));
    let line = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let header = entry.header();
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        format!("{name} {:o} {} {text:?}", header.mode().unwrap(), header.mtime().unwrap())
    };
    archive.entries().unwrap().map(line).collect()
}

#[test]
fn entries_come_in_helms_order_with_the_times_of_their_files() {
    let chart = chart(&[
        ("README.md", "read"),
        ("templates/a.yaml", "a: {{ 1 }}"),
        ("values.schema.json", "{}"),
        ("values.yaml", "# kept\na: 1\n"),
        ("Chart.lock", "generated: \"2023-01-01T00:00:00Z\"\ndigest: sha256:1\ndependencies: []\n"),
        ("Chart.yaml", "version: 1.0.0\nname: app\n# dropped\napiVersion: v2\nappVersion: 2.50\n"),
        ("charts/sub/Chart.yaml", "name: sub\nversion: 0.1.0\ndependencies: [{name: x}]\n"),
    ]);
    assert_eq!(
        listing(&packaged(&chart)),
        [
            "app/Chart.yaml 644 1704164646 \"apiVersion: v2\\nappVersion: \\\"2.5\\\"\\nname: app\\nversion: 1.0.0\\n\"",
            "app/Chart.lock 644 1672531200 \"dependencies: []\\ndigest: sha256:1\\ngenerated: \\\"2023-01-01T00:00:00Z\\\"\\n\"",
            "app/values.yaml 644 1704164646 \"# kept\\na: 1\\n\"",
            "app/values.schema.json 644 1704164646 \"{}\"",
            "app/templates/a.yaml 644 1704164646 \"a: {{ 1 }}\"",
            "app/README.md 644 1704164646 \"read\"",
            "app/charts/sub/Chart.yaml 644 1704164646 \"apiVersion: v1\\nname: sub\\nversion: 0.1.0\\n\"",
        ]
    );
}

#[test]
fn the_same_chart_gives_the_same_bytes_with_helms_marks() {
    let chart = chart(&[("Chart.yaml", "name: app\nversion: 1.0.0\n")]);
    let archive = packaged(&chart);
    assert_eq!(archive, packaged(&chart));
    assert_eq!(archive[..10], [0x1f, 0x8b, 8, 0b1_0100, 0, 0, 0, 0, 0, 255]);
    assert_eq!(GzDecoder::new(&*archive).header().unwrap().comment(), Some(&b"Helm"[..]));
    let loaded = load_archive(&*archive, &LoadLimits::default()).unwrap();
    assert_eq!(packaged(&loaded), archive);
    assert_eq!(chart.metadata.archive_name(), "app-1.0.0.tgz");
}

#[test]
fn files_without_a_time_get_the_given_one_and_long_names_survive() {
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(90));
    let longer = format!("{}/größe", "e".repeat(300));
    let mut chart = chart(&[("Chart.yaml", "name: app\nversion: 1.0.0\n"), (&long, ""), (&longer, "")]);
    chart.modified = Time::zero();
    let archive = packaged(&chart);
    let names: Vec<String> =
        load_archive(&*archive, &LoadLimits::default()).unwrap().files.into_iter().map(|file| file.name).collect();
    assert_eq!(names, [long, longer]);
    assert!(listing(&archive)[0].starts_with("app/Chart.yaml 644 1577836800 "));
}

#[test]
fn charts_that_helm_would_not_save_are_refused() {
    let mut chart = chart(&[("Chart.yaml", "name: app\nversion: 1.0.0\n"), ("values.schema.json", "{,}")]);
    let refused = |chart: &Chart| package(chart, Vec::new(), Time::zero()).unwrap_err().to_string();
    assert_eq!(refused(&chart), "invalid JSON in values.schema.json");
    chart.metadata.version.clear();
    assert_eq!(refused(&chart), "chart validation");
}
