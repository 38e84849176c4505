//! Release records.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flux_helm::release::observation::{observe, values_digest};
use flux_helm::release::record::{Limits, decode, encode, to_json, unpack};
use flux_tar::Algorithm;

use crate::same;

pub(crate) const WORDS: [&str; 12] = [
    "\"info\":{}",
    "\"chart\":{\"metadata\":{}}",
    "\"config\":{\"a\":",
    "\"hooks\":[{}]",
    "\"last_run\":{\"phase\":\"\"}",
    "\"2023-11-14T22:13:20Z\"",
    "null",
    "1e21",
    "\"\\u003c\"",
    "\"import-values\":[{\"b\":\"x\",\"a\":\"y\"}]",
    "\"schema\":\"e30=\"",
    "\"version\":-1",
];

/// Small enough for many, large enough for what grows when it is unpacked.
const LIMITS: Limits = Limits { record: 1 << 20, json: 1 << 20 };

/// No bytes do harm as a record, and what is read as a release is written to a record that reads as the same.
pub(crate) fn records_read_back_as_they_were_written(bytes: &[u8]) {
    let _ = decode(bytes, LIMITS);
    let Ok(release) = decode(BASE64_STANDARD.encode(bytes).as_bytes(), LIMITS) else { return };
    let (Ok(json), Ok(record)) = (to_json(&release), encode(&release)) else { return };
    let packed = unpack(record.as_bytes(), LIMITS).unwrap_or_default();
    same("what was packed", &String::from_utf8_lossy(&packed), &String::from_utf8_lossy(&json));
    let again = decode(record.as_bytes(), LIMITS).map_err(|err| err.to_string());
    let again = again.and_then(|again| {
        let observed = [observe(&release, ""), observe(&again, "")].map(Result::unwrap_or_default);
        same("observed", &String::from_utf8_lossy(&observed[1]), &String::from_utf8_lossy(&observed[0]));
        let values = [&release, &again].map(|release| values_digest(&release.config, Algorithm::Sha256).ok());
        same("the values", &format!("{:?}", values[1]), &format!("{:?}", values[0]));
        to_json(&again).map_err(|err| err.to_string())
    });
    let again = again.unwrap_or_else(String::into_bytes);
    same("read again", &String::from_utf8_lossy(&again), &String::from_utf8_lossy(&json));
}
