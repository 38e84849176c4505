//! The CRDs of all kinds, as upstream writes them.
//!
//! The types carry the rules: patterns, enums, bounds, defaults and CEL expressions are attributes of the fields. [`all`]
//! gives the schemas the shape of upstream's, so that the two can be compared and an API server sees no difference: no
//! `nullable`, formats of controller-gen only, no required `spec`, and a status that starts with
//! `observedGeneration: -1`.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceValidation, JSONSchemaProps,
};
use kube::CustomResourceExt;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::{helm, image, kustomize, notification, source, source_extensions};

/// The pattern of timeouts, which unlike intervals are not counted in hours.
pub(crate) const SHORT_DURATION: &str = r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$";

/// The CRDs of the fifteen kinds, ordered by name.
///
/// # Errors
///
/// Only when a schema of ours does not fit the type that Kubernetes has for it, which a test of this crate rules out.
pub fn all() -> Result<Vec<CustomResourceDefinition>, serde_json::Error> {
    let mut crds = vec![
        crd::<helm::v2::HelmRelease>()?,
        crd::<image::v1::ImagePolicy>()?,
        crd::<image::v1::ImageRepository>()?,
        crd::<image::v1::ImageUpdateAutomation>()?,
        crd::<kustomize::v1::Kustomization>()?,
        crd::<notification::v1beta3::Alert>()?,
        crd::<notification::v1beta3::Provider>()?,
        crd::<notification::v1::Receiver>()?,
        crd::<source_extensions::v1beta1::ArtifactGenerator>()?,
        crd::<source::v1::Bucket>()?,
        crd::<source::v1::ExternalArtifact>()?,
        crd::<source::v1::GitRepository>()?,
        crd::<source::v1::HelmChart>()?,
        crd::<source::v1::HelmRepository>()?,
        crd::<source::v1::OCIRepository>()?,
    ];
    crds.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    Ok(crds)
}

/// The CRD of one kind. Kube's derive gives names, versions and printer columns; the schema is made here, because
/// kube's puts the description of an enumeration's type in the place of the field's.
fn crd<K: CustomResourceExt + JsonSchema>() -> Result<CustomResourceDefinition, serde_json::Error> {
    let mut crd = K::crd();
    let names = &mut crd.spec.names;
    names.list_kind = Some(format!("{}List", names.kind));
    names.categories = names.categories.take().filter(|names| !names.is_empty());
    names.short_names = names.short_names.take().filter(|names| !names.is_empty());
    let schema = schema::<K>()?;
    for version in &mut crd.spec.versions {
        version.subresources = version.subresources.take().filter(|subresources| subresources.status.is_some());
        version.selectable_fields = version.selectable_fields.take().filter(|fields| !fields.is_empty());
        version.schema = Some(CustomResourceValidation { open_api_v3_schema: Some(schema.clone()) });
    }
    Ok(crd)
}

/// The structural schema of a type, without references.
fn schema<K: JsonSchema>() -> Result<JSONSchemaProps, serde_json::Error> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<K>().to_value();
    restructure(&mut schema);
    finish_root(&mut schema);
    serde_json::from_value(schema)
}

/// Turns what schemars says of a type into what Kubernetes' structural schemas can say of it, here and below.
fn restructure(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    schema.remove("title");
    // Doc comments are broken into lines; a description is one.
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    drop_null(schema);
    merge_variants(schema);
    if schema.get("format").is_some_and(|format| format != "int64" && format != "date-time") {
        schema.remove("format");
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(key) {
            restructure(inner);
        }
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(restructure);
    }
}

/// Optional fields are left out rather than null: `T or null` becomes `T`. What the field says wins over what the type
/// says.
fn drop_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".into(), only);
        }
    }
    let Some(Value::Array(options)) = schema.get_mut("anyOf") else { return };
    options.retain(|option| option.get("type").is_none_or(|name| name != "null"));
    if let [Value::Object(only)] = options.as_slice() {
        let only = only.clone();
        schema.remove("anyOf");
        for (key, value) in only {
            schema.entry(key).or_insert(value);
        }
    }
}

/// An enumeration whose values are described one by one becomes a plain one.
fn merge_variants(schema: &mut Map<String, Value>) {
    let Some(Value::Array(variants)) = schema.get("oneOf") else { return };
    let values: Option<Vec<Value>> = variants.iter().map(|variant| variant.get("const").cloned()).collect();
    if let Some(values) = values {
        schema.remove("oneOf");
        schema.insert("type".into(), json!("string"));
        schema.insert("enum".into(), Value::Array(values));
    }
}

/// Adds what every object has, and what every status starts with.
fn finish_root(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    schema.remove("required");
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    if let Some(status) = properties.get_mut("status").and_then(Value::as_object_mut)
        && status.get("properties").is_some_and(|fields| fields.get("observedGeneration").is_some())
    {
        status.insert("default".into(), json!({ "observedGeneration": -1 }));
    }
    let object: Map<String, Value> = [
        ("apiVersion", json!({ "type": "string", "description": "Group and version of the object's type." })),
        ("kind", json!({ "type": "string", "description": "Kind of the object." })),
        ("metadata", json!({ "type": "object" })),
    ]
    .into_iter()
    .map(|(name, schema)| (name.to_owned(), schema))
    .collect();
    properties.extend(object);
}

/// `x-kubernetes-validations` of pairs of a CEL rule and the message of its failure.
pub(crate) fn rules(rules: &[(&str, &str)]) -> Value {
    rules.iter().map(|(rule, message)| json!({ "message": message, "rule": rule })).collect()
}

/// The schema of Go's `int`, which controller-gen gives no format.
pub(crate) fn integer(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "integer" })
}

/// The schema of a value of any shape.
pub(crate) fn any(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "x-kubernetes-preserve-unknown-fields": true })
}

/// The schema of a label selector.
pub(crate) fn label_selector(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "properties": {
            "matchLabels": {
                "type": "object",
                "description": "Labels that an object must carry, all of them.",
                "additionalProperties": { "type": "string" },
            },
            "matchExpressions": {
                "type": "array",
                "description": "Requirements that an object's labels must meet, all of them.",
                "x-kubernetes-list-type": "atomic",
                "items": {
                    "type": "object",
                    "description": "A requirement of one label.",
                    "required": ["key", "operator"],
                    "properties": {
                        "key": { "type": "string", "description": "The label." },
                        "operator": {
                            "type": "string",
                            "description": "`In`, `NotIn`, `Exists` or `DoesNotExist`.",
                        },
                        "values": {
                            "type": "array",
                            "description": "The values of `In` and `NotIn`.",
                            "x-kubernetes-list-type": "atomic",
                            "items": { "type": "string" },
                        },
                    },
                },
            },
        },
    })
}
