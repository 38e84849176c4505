//! Answers that Helm recorded, with sprig's and Helm's data functions and stand-ins for what Helm itself adds.
//!
//! Read where FLUX_CONFORMANCE names the folder, else said to be skipped. Templates that ask for the chart's files or
//! the cluster's capabilities are left to the crate that has them.
#![expect(clippy::print_stdout, reason = "the counts are what a reader wants")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flux_gotemplate::data::{Target, read_yaml};
use flux_gotemplate::funcs::{helm_data, sprig};
use flux_gotemplate::value::{Entries, MapType, to_text};
use flux_gotemplate::{
    Budget, Error, FuncError, Function, Functions, GoStr, Limits, Map, MissingKey, Signature, Templates, Time, Type,
    Value,
};
use serde_json::Value as Json;

const NAME: &str = "c/templates/t.yaml";

static VALUES: MapType = MapType { name: Some("common.Values"), ..MapType::PLAIN };

/// A fixed clock, and numbers that only look random.
#[derive(Default)]
pub(crate) struct World(AtomicU64);

impl sprig::World for World {
    fn now(&self) -> Time {
        Time::from_unix(1_700_000_000, 0)
    }

    fn random(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = (mixed >> 56) as u8;
        }
    }
}

fn functions() -> Arc<Functions> {
    let world: Arc<dyn sprig::World> = Arc::new(World::default());
    let mut functions = Functions::new();
    sprig::add_to(&mut functions, &world);
    helm_data::add_to(&mut functions);
    let render = Signature::fixed(&[Type::Str, Type::Any], Type::Str);
    functions.add(
        "include",
        Function::plain(render, |call, args| {
            let templates = call.templates().cloned().unwrap();
            Ok(call.render(&templates, args.bytes(0), args.get(1))?.into())
        }),
    );
    functions.add(
        "tpl",
        Function::plain(Signature::fixed(&[Type::Str, Type::Any], Type::Str), |call, args| {
            let mut templates = call.templates().unwrap().fork();
            let quoted = String::from_utf8(flux_gotemplate::strconv::quote(args.bytes(0))).unwrap();
            templates
                .parse("gotpl", args.string(0))
                .map_err(|err| FuncError::new(format!("cannot parse template {quoted}: {err}")))?;
            let out = call.render(&templates, b"gotpl", args.get(1));
            let out =
                out.map_err(|err| FuncError::new(format!("error during tpl function execution for {quoted}: {err}")))?;
            Ok(out.to_text().replace("<no value>", "").into())
        }),
    );
    functions.add(
        "required",
        Function::plain(Signature::fixed(&[Type::Str, Type::Any], Type::Any), |_, args| match args.get(1) {
            Value::Nil => Err(FuncError::new(format!("HELM_ERR_START{}HELM_ERR_END", args.text(0)))),
            Value::Str(text) if text.is_empty() => {
                Err(FuncError::new(format!("HELM_ERR_START{}HELM_ERR_END", args.text(0))))
            }
            value => Ok(value.clone()),
        }),
    );
    functions.add(
        "fail",
        Function::plain(Signature::fixed(&[Type::Str], Type::Str), |_, args| {
            Err(FuncError::new(format!("HELM_ERR_START{}HELM_ERR_END", args.text(0))))
        }),
    );
    functions.add(
        "lookup",
        Function::plain(Signature::fixed(&[Type::Str, Type::Str, Type::Str, Type::Str], Type::MAP), |_, _| {
            Ok(Map::new().into())
        }),
    );
    functions.add("getHostByName", Function::plain(Signature::fixed(&[Type::Str], Type::Str), |_, _| Ok("".into())));
    Arc::new(functions)
}

/// The top of the data, without files and capabilities.
fn data(values: &Map) -> Value {
    let plain =
        |entries: &[(&str, Value)]| Value::map(entries.iter().map(|(key, value)| (GoStr::from(*key), value.clone())));
    let template =
        Map::typed(&VALUES, [("Name", NAME), ("BasePath", "c/templates")].map(|(k, v)| (k.into(), v.into())).into());
    let empty_list = || Value::List(flux_gotemplate::List::nil(&Type::Any));
    let mut chart: Vec<(&str, Value)> = ["Condition", "Description", "Home", "Icon", "KubeVersion", "Tags", "Type"]
        .into_iter()
        .map(|name| (name, "".into()))
        .collect();
    chart.extend(["Dependencies", "Keywords", "Maintainers", "Sources"].map(|name| (name, empty_list())));
    chart.extend([
        ("APIVersion", "v2".into()),
        ("Annotations", Map::nil_plain().into()),
        ("AppVersion", "4.5".into()),
        ("Deprecated", false.into()),
        ("IsRoot", true.into()),
        ("Name", "c".into()),
        ("Version", "1.2.3".into()),
    ]);
    plain(&[
        ("Values", Map::typed(&VALUES, (*values.entries()).clone()).into()),
        ("Chart", plain(&chart)),
        (
            "Release",
            plain(&[
                ("Name", "rel".into()),
                ("Namespace", "ns".into()),
                ("Revision", Value::Int(1)),
                ("IsInstall", true.into()),
                ("IsUpgrade", false.into()),
                ("Service", "Helm".into()),
            ]),
        ),
        ("Template", template.into()),
        ("Subcharts", Map::new().into()),
    ])
}

/// A chart's values: of several documents the keys of each, of null none.
fn values(text: &str) -> Result<Map, String> {
    let mut merged = Entries::new();
    for document in text.split("\n---\n") {
        match read_yaml(document.as_bytes(), Target::Map) {
            Ok(Value::Map(map)) => merge(&mut merged, &map),
            Ok(_) => {}
            Err(fault) => return Err(format!("cannot unmarshal yaml document: {fault}")),
        }
    }
    // Nulls of a chart's own values are taken out.
    Ok(without_nulls(merged))
}

fn merge(into: &mut Entries, from: &Map) {
    for (key, value) in from.entries().iter() {
        match (into.get_mut(key), value) {
            (Some(Value::Map(ours)), Value::Map(theirs)) => {
                let mut entries = (*ours.entries()).clone();
                merge(&mut entries, theirs);
                ours.replace(entries);
            }
            _ => _ = into.insert(key.clone(), value.clone()),
        }
    }
}

fn without_nulls(entries: Entries) -> Map {
    let kept = entries.into_iter().filter(|(_, value)| !matches!(value, Value::Nil));
    kept.map(|(key, value)| match value {
        Value::Map(map) => (key, without_nulls((*map.entries()).clone()).into()),
        value => (key, value),
    })
    .collect()
}

fn render(functions: &Arc<Functions>, tpl: &str, values_text: &str) -> Result<String, String> {
    let values = values(values_text)?;
    let mut templates = Templates::new(Arc::clone(functions), MissingKey::Zero);
    let mut out = Vec::new();
    templates
        .parse(NAME, tpl)
        .and_then(|()| {
            templates.execute(NAME.as_bytes(), &data(&values), &mut Budget::new(Limits::default()), &mut out)
        })
        .map_err(|err| helm_error(&err))?;
    Ok(to_text(&out).replace("<no value>", ""))
}

/// The error as Helm words it.
fn helm_error(err: &Error) -> String {
    let text = err.to_string();
    let Some(rest) = text.strip_prefix("template: ") else { return text };
    if let Error::Parse(_) = err {
        let (place, _) = rest.split_once(": ").unwrap();
        let (_, message) = rest.rsplit_once(": ").unwrap();
        return format!("parse error at ({place}): {message}");
    }
    let (place, _) = rest.split_once(": ").unwrap();
    if let Some((_, after)) = text.split_once("HELM_ERR_START") {
        let (message, _) = after.rsplit_once("HELM_ERR_END").unwrap();
        return format!("execution error at ({place}): {message}");
    }
    let mut lines = Vec::new();
    let mut current = text.as_str();
    loop {
        let Some(rest) = current.strip_prefix("template: ") else { return text };
        let called =
            rest.find(": error calling ").and_then(|at| rest[at + 2..].split_once(": ").map(|(_, inner)| inner));
        lines.push(located(rest));
        match called {
            Some(inner) => current = inner,
            None => return lines.join("\n"),
        }
    }
}

fn located(rest: &str) -> String {
    let cut = |message: &str| message.find(" template:").map_or(message.to_owned(), |at| message[..at].to_owned());
    if let Some((place, rest)) = rest.split_once(": executing ")
        && let Some((executing, message)) = rest.split_once(">: ")
    {
        return format!("{place}\n  executing {executing}>:\n    {}", cut(message));
    }
    let (place, message) = rest.rsplit_once(": ").unwrap();
    format!("{place}\n  {}", cut(message))
}

fn cases(name: &str) -> Option<Vec<Json>> {
    let root = std::env::var_os("FLUX_CONFORMANCE")?;
    let text = std::fs::read_to_string(PathBuf::from(root).join(format!("helm/vectors/{name}.jsonl"))).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// Whether the template asks for what this crate does not have.
fn needs_a_chart(tpl: &str) -> bool {
    tpl.contains(".Files") || tpl.contains(".Capabilities")
}

/// Runs all cases of a file and wants as many to pass as did before.
fn check(name: &str, least: usize) {
    let Some(cases) = cases(name) else {
        println!("skipped: FLUX_CONFORMANCE is not set");
        return;
    };
    let functions = functions();
    let (mut passed, mut total) = (0, 0);
    let mut failures = Vec::new();
    for case in &cases {
        let tpl = case["tpl"].as_str().unwrap();
        if needs_a_chart(tpl) {
            continue;
        }
        total += 1;
        let rendered = render(&functions, tpl, case["values"].as_str().unwrap_or_default());
        let (kind, expected) = match case["output"].as_str() {
            Some(output) => (true, output),
            None => (false, case["error"].as_str().unwrap()),
        };
        let (ok, answer) = match &rendered {
            Ok(text) => (true, text),
            Err(text) => (false, text),
        };
        if ok == kind && answer == expected {
            passed += 1;
        } else {
            failures.push(format!(
                "{} {tpl}\n  expected {expected:?}\n       got {answer:?}",
                case["id"].as_str().unwrap()
            ));
        }
    }
    println!("helm/vectors/{name} {passed}/{total}");
    assert!(passed >= least, "{passed} of {total} pass, {least} should:\n{}", failures.join("\n"));
}

#[test]
fn collections_answer_as_recorded() {
    check("collections", 633);
}

#[test]
fn the_core_answers_as_recorded() {
    check("core", 122);
}

#[test]
fn dates_answer_as_recorded() {
    check("dates", 92);
}

#[test]
fn documents_are_decoded_as_recorded() {
    check("decode-doc", 66);
}

#[test]
fn scalars_are_decoded_as_recorded() {
    check("decode-scalar", 524);
}

#[test]
fn scalars_are_encoded_as_recorded() {
    check("encode-scalar", 1494);
}

#[test]
fn structures_are_encoded_as_recorded() {
    check("encode-struct", 96);
}

#[test]
fn numbers_answer_as_recorded() {
    check("numeric", 2401);
}

#[test]
fn printing_answers_as_recorded() {
    check("printf", 997);
}

#[test]
fn regular_expressions_answer_as_recorded() {
    check("regex", 1849);
}

#[test]
fn versions_answer_as_recorded() {
    check("semver", 1263);
}

#[test]
fn strings_answer_as_recorded() {
    check("strings", 1466);
}

#[test]
fn values_are_read_as_recorded() {
    check("values-scalar", 255);
}
