//! Answers that sprig's own tests recorded.

use std::path::PathBuf;
use std::sync::Arc;

use flux_gotemplate::funcs::sprig;
use flux_gotemplate::{Budget, Functions, GoStr, Limits, List, Map, MissingKey, Templates, Value};
use serde_json::Value as Json;

/// A variable of a recorded call, by its Go type.
fn variable(json: &Json, go_type: &str) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(flag) => (*flag).into(),
        Json::Number(number) => number.as_i64().map_or_else(|| Value::Float(number.as_f64().unwrap()), Value::Int),
        Json::String(text) => text.as_str().into(),
        Json::Array(items) if go_type.ends_with("[]string") => {
            List::strings(items.iter().map(|item| item.as_str().unwrap())).into()
        }
        Json::Array(items) => Value::list(items.iter().map(|item| variable(item, "")).collect()),
        Json::Object(entries) => {
            let element = go_type.strip_prefix("map[string]").unwrap_or_default();
            let entries = entries.iter().map(|(key, item)| (GoStr::from(key.as_str()), variable(item, element)));
            if element == "string" {
                Map::of_strings(entries.collect()).into()
            } else {
                entries.collect::<Map>().into()
            }
        }
    }
}

/// What is the same of random texts: lines, and what is no letter or digit in the first of them.
fn shape(text: &str) -> (usize, String) {
    let first = text.trim_start().lines().next().unwrap_or_default();
    let masked = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { 'x' } else { c };
    (text.lines().count(), first.chars().map(masked).collect())
}

#[test]
fn sprigs_own_tests_have_the_same_answers() {
    let Some(root) = std::env::var_os("FLUX_CONFORMANCE") else {
        println!("skipped: FLUX_CONFORMANCE is not set");
        return;
    };
    let text = std::fs::read_to_string(PathBuf::from(root).join("helm/upstream/sprig.jsonl")).unwrap();
    let world: Arc<dyn sprig::World> = Arc::new(super::vectors::World::default());
    let mut functions = Functions::new();
    sprig::add_to(&mut functions, &world);
    let functions = Arc::new(functions);
    let (mut passed, mut total) = (0, 0);
    let mut failures = Vec::new();
    for line in text.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let tpl = case["tpl"].as_str().unwrap();
        // Keys of this size take too long to be made here, and JSON keeps neither times nor pointers.
        let is_slow = ["genPrivateKey \"\"", "genPrivateKey \"rsa\""].iter().any(|slow| tpl.contains(slow));
        if is_slow || tpl.contains(".Time") || case["varsType"].as_str().unwrap().starts_with('*') {
            continue;
        }
        let data = variable(&case["vars"], case["varsType"].as_str().unwrap());
        let mut templates = Templates::new(Arc::clone(&functions), MissingKey::Invalid);
        let mut out = Vec::new();
        let result = templates
            .parse("test", tpl)
            .and_then(|()| templates.execute(b"test", &data, &mut Budget::new(Limits::default()), &mut out));
        total += 1;
        let is_random = tpl.contains("gen") || tpl.contains("uuidv4");
        let output = String::from_utf8_lossy(&out).into_owned();
        let answer = result.map(|()| output).map_err(|fault| fault.to_string());
        let expected = match case["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(case["output"].as_str().unwrap().to_owned()),
        };
        let is_same = match (&answer, &expected) {
            (Ok(answer), Ok(expected)) if is_random => shape(answer) == shape(expected),
            _ => answer == expected,
        };
        if is_same {
            passed += 1;
        } else {
            failures.push(format!("{tpl} {}\n  expected {expected:?}\n       got {answer:?}", case["vars"]));
        }
    }
    println!("helm/upstream/sprig {passed}/{total}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
