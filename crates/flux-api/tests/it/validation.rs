//! A table of objects that the API server must accept or refuse, one file a kind in `validation/`.
//!
//! A file has a valid object, then `accepted` and `refused` cases. A case is a merge patch of its spec or status. In an
//! accepted one `becomes` is what the API server must have made of it; in a refused one `because` are the rules that it
//! must have broken, as `<path>: <rule>`. `{$repeat: [text, n]}` stands for a long text, `{$times: [item, n]}` for a
//! long list.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use flux_testkit::TestNamespace;
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::core::response::StatusCause;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::kinds::documents;
use crate::schema::{self, Rule};
use crate::server;

/// The cases of one kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    object: Value,
    #[serde(default)]
    accepted: Vec<Accepted>,
    #[serde(default)]
    refused: Vec<Refused>,
}

/// A change that the API server takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    becomes: Value,
}

/// A change that the API server does not take.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: Value,
    because: Vec<String>,
}

/// Rules of conditions and artifacts, which every kind that has them shares.
const SHARED: &str = include_str!("validation/status.yaml");

async fn check(test: &str, yaml: &str) -> Result<()> {
    let [table] = documents(yaml).try_into().ok().context("one document a file")?;
    let table: Table = serde_json::from_value(table)?;
    let schema = schema::schema_of(&table.object).context("no kind of ours")?;
    let namespace = server::namespace(test).await?;
    let api = server::api(&namespace, &table.object)?;
    let base = create(&namespace, &api, &table.object).await?;
    let (mut wrong, mut broken) = (String::new(), BTreeSet::new());
    for case in &table.accepted {
        match post(&api, &table.object, &case.spec).await? {
            Ok(found) if contains(&found["spec"], &case.becomes) => {}
            Ok(found) => writeln!(wrong, "{} became {}, not {}", case.spec, found["spec"], case.becomes)?,
            Err(causes) => writeln!(wrong, "{} is refused: {causes:?}", case.spec)?,
        }
    }
    let shared: Vec<Refused> = documents(SHARED).into_iter().map(serde_json::from_value).collect::<Result<_, _>>()?;
    let shared = shared.into_iter().filter(|case| {
        let fields = case.status.as_object().into_iter().flatten();
        fields.clone().all(|(name, _)| !schema["properties"]["status"]["properties"][name].is_null())
    });
    for case in table.refused.into_iter().chain(shared) {
        let refusal = if case.status.is_null() {
            post(&api, &table.object, &case.spec).await?
        } else {
            patch_status(&api, &base, &case.status).await?
        };
        let (change, expected) = (case.spec, case.because.iter().cloned().collect::<BTreeSet<_>>());
        match refusal {
            Ok(_) => writeln!(wrong, "{change}{} is accepted, not refused for {expected:?}", case.status)?,
            Err(causes) => {
                let found: BTreeSet<Rule> = causes.iter().map(|cause| rule(cause, &schema)).collect();
                let texts: BTreeSet<_> = found.iter().map(|rule| format!("{}: {}", rule.path, rule.check)).collect();
                if texts != expected {
                    writeln!(wrong, "{change}{} is refused for {texts:#?}, not {expected:#?}", case.status)?;
                }
                broken.extend(found);
            }
        }
    }
    for rule in schema::rules(&schema).difference(&broken) {
        writeln!(wrong, "no case breaks {}: {}", rule.path, rule.check)?;
    }
    if !wrong.is_empty() {
        bail!("{wrong}");
    }
    Ok(())
}

/// Makes the table's valid object, for changes of its status.
async fn create(namespace: &TestNamespace, api: &Api<DynamicObject>, object: &Value) -> Result<String> {
    let mut object = object.clone();
    object["metadata"] = json!({ "name": "base", "namespace": namespace.name });
    api.create(&PostParams::default(), &serde_json::from_value(object)?).await.context("the valid object")?;
    Ok("base".to_owned())
}

type Answer = Result<Value, Vec<StatusCause>>;

/// Posts the object with its spec changed, without keeping it.
async fn post(api: &Api<DynamicObject>, object: &Value, spec: &Value) -> Result<Answer> {
    let mut object = object.clone();
    object["metadata"] = json!({ "name": "case" });
    merge(&mut object["spec"], &expand(spec));
    let params = PostParams { dry_run: true, ..PostParams::default() };
    answer(api.create(&params, &serde_json::from_value(object)?).await)
}

async fn patch_status(api: &Api<DynamicObject>, name: &str, status: &Value) -> Result<Answer> {
    let params = PatchParams { dry_run: true, ..PatchParams::default() };
    answer(api.patch_status(name, &params, &Patch::Merge(json!({ "status": expand(status) }))).await)
}

fn answer(result: kube::Result<DynamicObject>) -> Result<Answer> {
    match result {
        Ok(object) => Ok(Ok(serde_json::to_value(object)?)),
        Err(kube::Error::Api(status)) if status.reason == "Invalid" => {
            let mut causes = status.details.map(|details| details.causes).unwrap_or_default();
            // The API server's word that CEL rules wait for the others.
            causes.retain(|cause| cause.field != "<nil>");
            Ok(Err(causes))
        }
        Err(err) => Err(err.into()),
    }
}

/// The rule that a cause of a refusal speaks of.
fn rule(cause: &StatusCause, schema: &Value) -> Rule {
    let message = cause.message.as_str();
    let check = match cause.reason.as_str() {
        "FieldValueRequired" => "required",
        "FieldValueNotSupported" => "enum",
        "FieldValueTooLong" => "maxLength",
        "FieldValueTooMany" => "maxItems",
        "FieldValueDuplicate" => "unique",
        "FieldValueTypeInvalid" => "type",
        _ if message.contains("should match") => "pattern",
        _ if message.contains("chars long") => "minLength",
        _ if message.contains("at least") && message.contains("items") => "minItems",
        _ if message.contains("greater than or equal to") => "minimum",
        _ => message.rsplit_once(": ").map_or(message, |(_, message)| message),
    };
    let path = schema_path(schema, &cause.field);
    let path = if check == "unique" { path.trim_end_matches("[]").to_owned() } else { path };
    Rule { path, check: check.to_owned() }
}

/// The path of a field as the schema's, with `[]` for an index and `{}` for a key.
fn schema_path(schema: &Value, field: &str) -> String {
    let (mut schema, mut path) = (schema, String::new());
    for name in field.split('.') {
        let (name, indexed) = name.split_once('[').map_or((name, false), |(name, _)| (name, true));
        if schema["additionalProperties"].is_null() {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(name);
            schema = &schema["properties"][name];
        } else {
            path.push_str("{}");
            schema = &schema["additionalProperties"];
        }
        if indexed {
            path.push_str("[]");
            schema = &schema["items"];
        }
    }
    path
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        if !patch.is_null() {
            *target = patch.clone();
        }
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(name);
        } else {
            merge(&mut target[name], value);
        }
    }
}

/// Writes out what stands for long texts and lists.
fn expand(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let (repeat, times) = (&value["$repeat"], &value["$times"]);
            let count = |of: &Value| usize::try_from(of[1].as_u64().unwrap()).unwrap();
            if !repeat.is_null() {
                return Value::from(repeat[0].as_str().unwrap().repeat(count(repeat)));
            }
            if !times.is_null() {
                return Value::from(vec![expand(&times[0]); count(times)]);
            }
            fields.iter().map(|(name, value)| (name.clone(), expand(value))).collect()
        }
        Value::Array(items) => items.iter().map(expand).collect(),
        other => other.clone(),
    }
}

/// Whether everything of `part` is in `whole`.
fn contains(whole: &Value, part: &Value) -> bool {
    match part {
        Value::Null => true,
        Value::Object(fields) => fields.iter().all(|(name, part)| contains(&whole[name], part)),
        other => whole == other,
    }
}

macro_rules! tables {
    ($($name:ident),* $(,)?) => {$(
        #[tokio::test]
        async fn $name() -> Result<()> {
            check(stringify!($name), include_str!(concat!("validation/", stringify!($name), ".yaml"))).await
        }
    )*};
}

// One test a kind: what the contract accepts and refuses of it, with every rule of its schema broken at least once.
tables!(
    alert,
    artifact_generator,
    bucket,
    external_artifact,
    git_repository,
    helm_chart,
    helm_release,
    helm_repository,
    image_policy,
    image_repository,
    image_update_automation,
    kustomization,
    oci_repository,
    provider,
    receiver,
);
