//! Answers of Go 1.26's own text/template: each line of the recorded file is a template and what Go made of it.

use std::sync::Arc;

use flux_gotemplate::value::{Entries, List, Map};
use flux_gotemplate::{Budget, Functions, GoStr, Limits, MissingKey, Templates, Value};

/// The data that the answers were recorded with.
fn data() -> Value {
    let inner =
        Value::map([("k".into(), Value::from("v")), ("l".into(), Value::list(vec![Value::Int(1), Value::Int(2)]))]);
    let map = [("b", Value::Int(2)), ("a", Value::Int(1)), ("n", Value::Nil), ("m", inner)];
    let entries: [(&str, Value); 22] = [
        ("s", Value::from("text")),
        ("n", Value::Nil),
        ("f", Value::Float(3.0)),
        ("g", Value::Float(2.5)),
        ("i", Value::Int(3)),
        ("j", Value::Int64(-7)),
        ("u", Value::Uint64(9)),
        ("b", Value::Bool(true)),
        ("e", Value::from("")),
        ("big", Value::Float(1e6)),
        ("small", Value::Float(1e-5)),
        ("h", Value::from("héllo <b>&\"'")),
        ("bad", Value::Str(GoStr::from(&b"a\xffb"[..]))),
        ("l", Value::list(vec![Value::Int(1), Value::Nil, Value::from("x"), Value::Float(2.5)])),
        ("ls", Value::List(List::strings(["p", "q", "r"]))),
        ("el", Value::list(Vec::new())),
        ("em", Value::Map(Map::new())),
        ("m", Value::map(map.map(|(key, value)| (key.into(), value)))),
        ("ms", Value::Map(Map::of_strings(Entries::from([("x".into(), Value::from("y"))])))),
        ("by", Value::Bytes("hi".into())),
        ("d", Value::Duration(90_000_000_000)),
        ("err", Value::Error("boom".into())),
    ];
    Value::map(entries.map(|(key, value)| (key.into(), value)))
}

/// What is written, and the error after an exclamation mark.
fn answer(tpl: &str, missing_key: MissingKey, data: &Value) -> Vec<u8> {
    let mut templates = Templates::new(Arc::new(Functions::new()), missing_key);
    let mut out = Vec::new();
    let done = templates
        .parse("t", tpl)
        .and_then(|()| templates.execute(b"t", data, &mut Budget::new(Limits::default()), &mut out));
    if let Err(err) = done {
        out.extend_from_slice(format!("!{err}").as_bytes());
    }
    out
}

#[test]
fn templates_render_and_fail_as_go_recorded() {
    let recorded = include_str!("../testdata/oracle/answers.jsonl");
    let data = data();
    let mut failures = Vec::new();
    let mut total = 0;
    for line in recorded.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let tpl = case["tpl"].as_str().unwrap();
        let missing_key = match case["missing"].as_str() {
            Some("zero") => MissingKey::Zero,
            Some("error") => MissingKey::Error,
            _ => MissingKey::Invalid,
        };
        let expected = case["out"].as_str().unwrap();
        let got = String::from_utf8_lossy(&answer(tpl, missing_key, &data)).into_owned();
        total += 1;
        if got != expected {
            failures.push(format!("{tpl}\n  wanted {expected:?}\n  got    {got:?}"));
        }
    }
    println!("oracle {}/{total}", total - failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
