//! What the OpenAPI definitions of custom resources say about their fields.

use serde_json::{Map, Value};

use crate::Error;
use crate::config::{Config, References, Spec};
use crate::target::Target;

const ANNOTATION: &str = "x-kubernetes-annotation";
const LABEL_SELECTOR: &str = "x-kubernetes-label-selector";
const IDENTITY: &str = "x-kubernetes-identity";
const REFERENCE_VERSION: &str = "x-kubernetes-object-ref-api-version";
const REFERENCE_KIND: &str = "x-kubernetes-object-ref-kind";
const REFERENCE_NAME: &str = "x-kubernetes-object-ref-name-key";
/// How deep types may refer to one another.
const DEPTH: usize = 64;

/// The tables that the files of `crds` make.
pub(crate) fn config(target: &Target<'_>, paths: &[String]) -> Result<Config, Error> {
    let mut config = Config::empty();
    for path in paths {
        let types = parse(&target.read(path)?)
            .map_err(|err| err.during(format!("unable to parse open API definition from '{path}'")))?;
        config.merge(&of_types(&types)?)?;
    }
    Ok(config)
}

fn parse(text: &str) -> Result<Map<String, Value>, Error> {
    let invalid = |err: flux_yaml::Error| Error::invalid(err.to_string());
    let node = flux_yaml::parse(text, flux_yaml::Limits::default()).map_err(invalid)?;
    match node.as_ref().map(flux_yaml::yaml11_to_json).transpose().map_err(invalid)? {
        Some(Value::Object(types)) => Ok(types),
        None | Some(Value::Null) => Ok(Map::new()),
        Some(_) => Err(Error::invalid("expected a mapping of types")),
    }
}

fn of_types(types: &Map<String, Value>) -> Result<Config, Error> {
    let mut config = Config::empty();
    for name in types.keys() {
        let Some(fields) = properties(types, name) else { continue };
        // What lacks one of these is a part of another type.
        if ["apiVersion", "kind", "metadata"].iter().all(|field| fields.contains_key(*field)) {
            let kind = name.rsplit('.').next().unwrap_or(name);
            add_type(&mut config, types, kind, name, &mut Vec::new())?;
        }
    }
    Ok(config)
}

fn properties<'t>(types: &'t Map<String, Value>, name: &str) -> Option<&'t Map<String, Value>> {
    let (_, schema) = types.get(name)?.as_object()?.iter().find(|(field, _)| field.eq_ignore_ascii_case("schema"))?;
    schema.get("properties")?.as_object()
}

/// Adds what a type says about the fields of a kind, those of the types that it refers to included.
fn add_type(
    config: &mut Config,
    types: &Map<String, Value>,
    kind: &str,
    name: &str,
    path: &mut Vec<String>,
) -> Result<(), Error> {
    if path.len() > DEPTH {
        return Err(Error::invalid(format!("type {name} is nested too deep")));
    }
    for (field, property) in properties(types, name).into_iter().flatten() {
        path.push(field.clone());
        let spec = |more: &[&str]| Spec {
            kind: kind.to_owned().into(),
            path: path.iter().map(String::as_str).chain(more.iter().copied()).collect::<Vec<_>>().join("/").into(),
            ..Spec::default()
        };
        let text = |name: &str| property.get(name).and_then(Value::as_str);
        if text(ANNOTATION).is_some() {
            config.add_annotation(spec(&[]))?;
        }
        if text(LABEL_SELECTOR).is_some() {
            config.add_label(spec(&[]))?;
        }
        if text(IDENTITY).is_some() {
            config.add_prefix(spec(&[]))?;
        }
        if let (Some(version), Some(meant)) = (text(REFERENCE_VERSION), text(REFERENCE_KIND)) {
            config.add_references(&References {
                group: "".into(),
                version: version.to_owned().into(),
                kind: meant.to_owned().into(),
                specs: vec![spec(&[text(REFERENCE_NAME).unwrap_or("name")])].into(),
            })?;
        }
        if let Some(inner) = text("$ref") {
            add_type(config, types, kind, inner, path)?;
        }
        path.pop();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_tell_which_fields_refer_to_objects() {
        let types = "
example.com/v1.Bee:
  Schema:
    properties:
      apiVersion: {type: string}
      kind: {type: string}
      metadata: {}
      spec: {$ref: example.com/v1.BeeSpec}
example.com/v1.BeeSpec:
  Schema:
    properties:
      hive: {x-kubernetes-object-ref-api-version: v1, x-kubernetes-object-ref-kind: Secret}
      note: {x-kubernetes-annotation: ''}
";
        let config = of_types(&parse(types).unwrap()).unwrap();
        let reference = &config.name_reference[0];
        assert_eq!((reference.kind.as_ref(), reference.version.as_ref()), ("Secret", "v1"));
        assert_eq!((reference.specs[0].kind.as_ref(), reference.specs[0].path.as_ref()), ("Bee", "spec/hive/name"));
        assert_eq!(config.common_annotations[0].path, "spec/note");
    }
}
