//! Releases against what Helm and helm-controller made of the same ones.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flux_helm::release::observation;
use flux_helm::release::record::{Limits, decode, encode, to_json};
use flux_tar::{Algorithm, Digest};
use serde_json::Value;

fn answers() -> Vec<Value> {
    let lines = include_str!("../testdata/releases/answers.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn releases_are_written_and_digested_as_upstream_does() {
    for answer in answers() {
        let text = |field: &str| answer[field].as_str().unwrap();
        let record = BASE64_STANDARD.encode(text("input"));
        let release = decode(record.as_bytes(), Limits::default()).unwrap();
        assert_eq!(String::from_utf8(to_json(&release).unwrap()).unwrap(), text("json"));

        let digest = |artifact: &str| observation::digest(&release, artifact, Algorithm::Sha256).unwrap().to_string();
        assert_eq!(digest(""), text("digest"));
        assert_eq!(digest("sha256:abc"), text("digest_with_artifact"));

        let values = observation::values_digest(&release.config, Algorithm::Sha256).unwrap();
        assert_eq!(values, Digest::of(Algorithm::Sha256, text("values").as_bytes()));
        assert_eq!(values.to_string(), text("values_digest"));
    }
}

#[test]
fn a_written_record_reads_back_to_the_same_json() {
    for answer in answers() {
        let record = BASE64_STANDARD.encode(answer["json"].as_str().unwrap());
        let release = decode(record.as_bytes(), Limits::default()).unwrap();
        let again = decode(encode(&release).unwrap().as_bytes(), Limits::default()).unwrap();
        assert_eq!(to_json(&again).unwrap(), answer["json"].as_str().unwrap().as_bytes());
    }
}
