//! Streams that are split into documents, and documents that are sorted into hooks and objects.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use flux_helm::manifest::{Head, Order, Sorted, sort, split};
use flux_helm::render::Rendered;
use serde_json::{Map, Value, json};

use crate::case::{Case, Compared, Recorded, read_json_lines, text};
use crate::helm_world::chain;

pub(crate) fn split_cases(path: &Path) -> Result<Vec<Case>> {
    cases(path, |case| {
        let stream = text(&case["input"]);
        let own = split(&stream).into_iter().enumerate();
        let own: Map<_, _> = own.map(|(at, document)| (format!("manifest-{at}"), document.into())).collect();
        let recorded = Recorded::Output(pretty(&case["output"])?);
        Ok(Compared { answer: Ok(pretty(&own.into())?), recorded })
    })
}

pub(crate) fn sort_cases(path: &Path) -> Result<Vec<Case>> {
    cases(path, |case| {
        let files = case["files"].as_object().context("no files")?;
        let texts = files.iter().map(|(name, content)| Rendered { name: name.clone(), content: text(content) });
        let recorded = match case["error"].as_str() {
            Some(error) => Recorded::failed(error.to_owned()),
            None => Recorded::Output(pretty(&json!({
                "hooks": listed(&case["hooks"]),
                "manifests": without_empty_metadata(listed(&case["manifests"])),
            }))?),
        };
        let answer = match sort(&texts.collect::<Vec<_>>(), order(&case["ordering"])?) {
            Ok(sorted) => Ok(pretty(&dumped(&sorted)?)?),
            Err(err) => Err(chain(&err)),
        };
        Ok(Compared { answer, recorded })
    })
}

fn cases(path: &Path, run: fn(&Value) -> Result<Compared>) -> Result<Vec<Case>> {
    let case = |(line, case): (usize, Value)| {
        let name = text(&case["test"]).rsplit(['.', ' ']).next().unwrap_or_default().to_owned();
        Case::new(format!("{name}-{line}"), move || run(&case))
    };
    Ok(read_json_lines(path)?.into_iter().map(case).collect())
}

fn order(kinds: &Value) -> Result<Order> {
    for order in [Order::Install, Order::Uninstall] {
        if *kinds == json!(order.kinds()) {
            return Ok(order);
        }
    }
    bail!("no known order of kinds")
}

/// What was recorded: nothing is the same as an empty list.
fn listed(value: &Value) -> Value {
    if value.is_null() { json!([]) } else { value.clone() }
}

fn without_empty_metadata(mut manifests: Value) -> Value {
    for manifest in manifests.as_array_mut().into_iter().flatten() {
        if manifest["Head"]["metadata"] == json!({ "name": "", "annotations": null })
            && let Some(head) = manifest["Head"].as_object_mut()
        {
            head.remove("metadata");
        }
    }
    manifests
}

fn dumped(sorted: &Sorted) -> Result<Value> {
    let manifests = sorted.manifests.iter();
    let manifests = manifests.map(|own| json!({"Name": own.name, "Content": own.content, "Head": head(&own.head)}));
    Ok(json!({
        "hooks": serde_json::to_value(&sorted.hooks)?,
        "manifests": manifests.collect::<Vec<_>>(),
    }))
}

/// The head as it was recorded. Metadata without name and annotations are as good as none.
fn head(head: &Head) -> Value {
    let mut dumped = json!({ "apiVersion": head.api_version });
    if !head.kind.is_empty() {
        dumped["kind"] = head.kind.as_str().into();
    }
    let annotations = if head.annotations.is_empty() { Value::Null } else { json!(head.annotations) };
    if !head.name.is_empty() || !annotations.is_null() {
        dumped["metadata"] = json!({ "name": head.name, "annotations": annotations });
    }
    dumped
}

/// JSON with sorted keys.
fn pretty(value: &Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(&sorted(value))?)
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            fields.sort_by(|left, right| left.0.cmp(&right.0));
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
