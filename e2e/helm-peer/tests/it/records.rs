//! Release records: what Helm 3 and 4 wrote is read here as Helm 4 reads it, and Helm 4 reads what is written here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flux_helm::release::record::{self, Limits, Written};
use flux_helm::release::{ApplyMethod, Hook, HookEvent, HookPhase, Release, Status};
use serde_json::{Value, json};

use crate::peer;

/// The Secrets that Helm's libraries wrote, each with its path.
fn written_by_helm(folder: &Path) -> Vec<(PathBuf, Value)> {
    peer("release-write", &[folder]);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert_eq!(paths.len(), 3);
    paths.into_iter().map(|path| (path.clone(), serde_json::from_slice(&fs::read(path).unwrap()).unwrap())).collect()
}

/// The release in a Secret, with its labels.
fn read(secret: &Value) -> Release {
    let bytes = STANDARD.decode(secret["data"][record::KEY].as_str().unwrap()).unwrap();
    let mut release = record::decode(&bytes, Limits::default()).unwrap();
    release.labels = record::custom_labels(&labels(secret));
    release
}

fn labels(secret: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(secret["metadata"]["labels"].clone()).unwrap()
}

/// The Secret in which the release is stored.
fn secret(release: &Release) -> Value {
    json!({
        "metadata": {
            "name": record::object_name(&release.name, release.revision),
            "labels": record::labels(release, Written::Created(1_700_000_000)),
        },
        "type": record::SECRET_TYPE,
        "data": {record::KEY: STANDARD.encode(record::encode(release).unwrap())},
    })
}

/// The line that the program prints for a release that it read.
fn line(release: &Release) -> String {
    let json = String::from_utf8(record::to_json(release).unwrap()).unwrap();
    format!("{{\"release\":{json},\"labels\":{}}}\n", serde_json::to_string(&release.labels).unwrap())
}

#[track_caller]
fn check_read_by_helm(release: &Release) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.json");
    fs::write(&path, secret(release).to_string()).unwrap();
    assert_eq!(peer("release-read", &[&path]), line(release));
}

#[test]
fn records_of_helm_are_read_as_helm_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    for (path, secret) in written_by_helm(folder.path()) {
        assert_eq!(line(&read(&secret)), peer("release-read", &[&path]), "{}", path.display());
    }
}

#[test]
fn releases_are_stored_under_helms_names_labels_and_type() {
    let folder = tempfile::tempdir().unwrap();
    for (_, stored) in written_by_helm(folder.path()) {
        let release = read(&stored);
        let own = secret(&release);
        assert_eq!(own["metadata"]["name"], stored["metadata"]["name"]);
        assert_eq!(own["type"], stored["type"]);
        let mut expected = labels(&stored);
        expected.insert("createdAt".to_owned(), "1700000000".to_owned());
        assert_eq!(labels(&own), expected);
    }
}

#[test]
fn helm_reads_records_that_are_written_here() {
    let folder = tempfile::tempdir().unwrap();
    for (_, secret) in written_by_helm(folder.path()) {
        check_read_by_helm(&read(&secret));
    }
}

#[test]
fn helm_reads_a_release_that_was_made_here() {
    let mut release = Release {
        name: "made".to_owned(),
        namespace: "here".to_owned(),
        revision: 12,
        manifest: "---\n# Source: made/templates/a.yaml\ndata: {text: \"<&>\u{2028}\u{7}ü\"}\n".to_owned(),
        apply_method: ApplyMethod::ServerSide,
        labels: BTreeMap::from([("own".to_owned(), "label".to_owned())]),
        ..Release::default()
    };
    release.set_status(Status::Deployed, "Install complete");
    release.info.first_deployed = "2024-05-06T07:08:09.01+02:00".parse().unwrap();
    release.config =
        flux_helm::values::read(b"a: 1\nb: [x, null, 1.5, {c: '<d>'}]\nlarge: 1e30\nwhole: 12345678901\n").unwrap();
    let mut hook = Hook { name: "h".to_owned(), events: vec![HookEvent::PreRollback], weight: 3, ..Hook::default() };
    hook.last_run.phase = HookPhase::Running;
    hook.last_run.started_at = "2024-05-06T07:08:09Z".parse().unwrap();
    release.hooks.push(hook);
    check_read_by_helm(&release);
}
