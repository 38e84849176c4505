//! Compares with the answers that fluxcd/pkg/envsubst gave.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a runner of cases reads files and stops at bad ones"
)]

use flux_envsubst::{Limits, evaluate_bytes};
use serde_json::Value;

#[test]
fn every_vector_gives_the_recorded_answer() {
    let Ok(folder) = std::env::var("FLUX_CONFORMANCE") else {
        println!("skipped: FLUX_CONFORMANCE names no folder");
        return;
    };
    let vectors = std::fs::read_to_string(std::path::Path::new(&folder).join("envsubst/vectors.jsonl")).unwrap();
    let (mut passed, mut total) = (0, 0);
    for line in vectors.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        total += 1;
        match check(&case) {
            Ok(()) => passed += 1,
            Err(difference) => println!("{}: {difference}", case["id"]),
        }
    }
    println!("envsubst {passed}/{total}");
    assert_eq!(passed, total);
}

fn check(case: &Value) -> Result<(), String> {
    let strict = case["strict"].as_bool().unwrap_or_default();
    let lookup = |name: &str| match case["vars"][name].as_str() {
        None if !strict => Some(""),
        value => value,
    };
    let input = case["input"].as_str().unwrap();
    let got =
        evaluate_bytes(input, lookup, Limits::default()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    match (&got, case["output"].as_str(), case["error"].as_str()) {
        (Ok(got), Some(expected), _) if got == expected => Ok(()),
        (Err(got), None, Some(expected)) if got.to_string() == expected => Ok(()),
        (Err(_), None, None) if !case["panic"].is_null() => Ok(()),
        _ => Err(format!("{input:?} gave {got:?}, expected {case}")),
    }
}
