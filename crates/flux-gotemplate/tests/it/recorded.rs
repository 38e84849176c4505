//! Answers that Helm recorded, of the cases that call builtin functions only.

#![expect(clippy::print_stdout, reason = "the counts are what it is for")]

use std::path::PathBuf;
use std::sync::Arc;

use flux_gotemplate::{Budget, Error, Functions, GoStr, Limits, MissingKey, Templates, Value};
use serde_json::Value as Json;

/// The data as Helm has it: numbers of values are floats, those that Helm makes are integers.
fn value(json: &Json, floats: bool) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(number) if !floats => Value::Int(number),
            _ => Value::Float(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::list(items.iter().map(|item| value(item, floats)).collect()),
        Json::Object(entries) => Value::map(
            // Helm takes nulls out of a chart's values.
            entries
                .iter()
                .filter(|(_, item)| !(floats && item.is_null()))
                .map(|(key, item)| (GoStr::from(key.as_str()), value(item, floats || key == "Values"))),
        ),
    }
}

fn lines(path: &str) -> Option<Vec<Json>> {
    let root = std::env::var_os("FLUX_CONFORMANCE")?;
    let text = std::fs::read_to_string(PathBuf::from(root).join(path)).ok()?;
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn is_unknown_function(err: &Error) -> bool {
    let text = err.to_string();
    text.contains("function \"") && text.ends_with("not defined")
}

/// The error as Helm words it.
fn helm_error(err: &Error) -> String {
    let text = err.to_string();
    let Some(rest) = text.strip_prefix("template: ") else {
        return text;
    };
    if let Error::Parse(_) = err {
        let (place, _) = rest.split_once(": ").unwrap();
        let (_, message) = rest.rsplit_once(": ").unwrap();
        return format!("parse error at ({place}): {message}");
    }
    if rest.contains(": error calling ") {
        return text;
    }
    let (place, rest) = rest.split_once(": ").unwrap();
    let (executing, message) = rest.split_once(">: ").unwrap();
    format!("{place}\n  {executing}>:\n    {message}")
}

fn render(templates: &Templates, name: &str, data: &Value) -> Result<String, Error> {
    let mut out = Vec::new();
    templates.execute(name.as_bytes(), data, &mut Budget::new(Limits::default()), &mut out)?;
    Ok(String::from_utf8_lossy(&out).replace("<no value>", ""))
}

/// Whether the case is about something that Helm adds.
fn needs_helm(tpl: &str) -> bool {
    [".Files", ".Capabilities", ".Subcharts", ".Chart", "slice"].iter().any(|word| tpl.contains(word))
}

fn vectors(name: &str, known: &[&str]) {
    let Some(cases) = lines(&format!("helm/vectors/{name}.jsonl")) else {
        println!("skipped: FLUX_CONFORMANCE names no folder with helm/vectors");
        return;
    };
    let (mut passed, mut total) = (0, 0);
    let mut failures = Vec::new();
    for case in &cases {
        let tpl = case["tpl"].as_str().unwrap();
        if needs_helm(tpl) {
            continue;
        }
        let mut templates = Templates::new(Arc::new(Functions::new()), MissingKey::Zero);
        let outcome = templates.parse("c/templates/t.yaml", tpl);
        if outcome.as_ref().is_err_and(is_unknown_function) {
            continue;
        }
        let Ok(Some(values)) = flux_yaml::parse(case["values"].as_str().unwrap(), flux_yaml::Limits::default()) else {
            continue;
        };
        let mut data = serde_json::json!({
            "Chart": {"Name": "c", "Version": "1.2.3", "AppVersion": "4.5"},
            "Release": {"Name": "rel", "Namespace": "ns", "Revision": 1, "IsInstall": true, "IsUpgrade": false, "Service": "Helm"},
            "Template": {"Name": "c/templates/t.yaml", "BasePath": "c/templates"},
        });
        data["Values"] = flux_yaml::yaml11_to_json(&values).unwrap();
        let result = outcome
            .and_then(|()| render(&templates, "c/templates/t.yaml", &value(&data, false)))
            .map_err(|err| helm_error(&err));
        let expected = match case.get("error") {
            Some(error) => Err(error.as_str().unwrap().to_owned()),
            None => Ok(case["output"].as_str().unwrap().to_owned()),
        };
        total += 1;
        if result == expected {
            passed += 1;
        } else if !known.contains(&case["id"].as_str().unwrap()) {
            failures.push(format!("{} {tpl}\n  wanted {expected:?}\n  got    {result:?}", case["id"]));
        }
    }
    println!("helm/vectors/{name} {passed}/{total}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn core_vectors_render_as_recorded() {
    vectors("core", &[]);
}

#[test]
fn printf_vectors_render_as_recorded() {
    vectors("printf", &[]);
}

#[test]
fn collection_vectors_render_as_recorded() {
    vectors("collections", &[]);
}

#[test]
fn numeric_vectors_render_as_recorded() {
    vectors("numeric", &[]);
}

#[test]
fn string_vectors_render_as_recorded() {
    vectors("strings", &[]);
}

#[test]
fn upstream_engine_cases_render_as_recorded() {
    let Some(cases) = lines("helm/upstream/engine.jsonl") else {
        println!("skipped: FLUX_CONFORMANCE names no folder with helm/upstream");
        return;
    };
    let (mut passed, mut total) = (0, 0);
    let mut failures = Vec::new();
    for case in &cases {
        let sources = case["templates"].as_object().unwrap();
        if sources.values().any(|source| needs_helm(source["tpl"].as_str().unwrap())) {
            continue;
        }
        let missing = if case["strict"] == true { MissingKey::Error } else { MissingKey::Zero };
        let mut templates = Templates::new(Arc::new(Functions::new()), missing);
        // The deepest files come first, in reverse order.
        let mut names: Vec<&String> = sources.keys().collect();
        names.sort_by_key(|name| std::cmp::Reverse((name.matches('/').count(), *name)));
        let outcome: Result<Vec<()>, Error> =
            names.iter().map(|name| templates.parse(name.as_str(), sources[*name]["tpl"].as_str().unwrap())).collect();
        if outcome.as_ref().is_err_and(is_unknown_function) {
            continue;
        }
        total += 1;
        let result = outcome.and_then(|_| {
            names
                .iter()
                .filter(|name| !name.rsplit('/').next().unwrap().starts_with('_'))
                .map(|name| {
                    let mut data = sources[*name]["vals"].clone();
                    if !data.is_object() {
                        data = serde_json::json!({});
                    }
                    data["Template"] = serde_json::json!({"Name": name, "BasePath": sources[*name]["basePath"]});
                    Ok(((*name).clone(), Json::String(render(&templates, name, &value(&data, false))?)))
                })
                .collect::<Result<serde_json::Map<_, _>, Error>>()
        });
        let same = match &result {
            Ok(output) => case["error"].is_null() && case["output"].as_object() == Some(output),
            Err(err) => case["error"].as_str().is_some_and(|error| error == helm_error(err)),
        };
        if same {
            passed += 1;
        } else {
            failures.push(format!("wanted {} {}\n  got {result:?}", case["output"], case["error"]));
        }
    }
    println!("helm/upstream/engine {passed}/{total}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
