//! Variables in built objects.

use flux_yaml::Limits;

use super::{Strategy, Substitution};
use crate::resource::Resource;
use crate::{Built, Error};

/// The label or annotation that keeps an object as it is.
const KEEP: (&str, &str) = ("kustomize.toolkit.fluxcd.io/substitute", "disabled");

/// Substitutes variables in every object that does not switch it off.
pub(super) fn substitute(built: &mut Built, substitution: &Substitution) -> Result<(), Error> {
    let Substitution { variables, strict: _, strategy } = substitution;
    if variables.is_empty() && *strategy == Strategy::WithVariables {
        return Ok(());
    }
    let changed = built.resources.iter_mut().map(|resource| in_object(resource, substitution));
    crate::error::all(changed).map(drop)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic())
        && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
}

fn in_object(resource: &mut Resource, substitution: &Substitution) -> Result<(), Error> {
    let (key, value) = KEEP;
    if resource.label(key) == Some(value) || resource.annotation(key) == Some(value) {
        return Ok(());
    }
    let object = format!("{}/{}", resource.gvk().to_owned(), resource.name());
    let failed = |reason: String| Error::Substitute { object: object.clone(), source: reason.into() };
    if let Some(name) = substitution.variables.keys().find(|name| !is_name(name)) {
        return Err(failed(format!("'{name}' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'")));
    }
    let text = resource.to_yaml()?;
    let variables = &substitution.variables;
    let lookup = |name: &str| {
        let found = variables.get(name).map(String::as_str);
        // Without strictness a variable that nobody sets is empty.
        found.or(if substitution.strict { None } else { Some("") })
    };
    let output = flux_envsubst::evaluate(&text, lookup, flux_envsubst::Limits::default())
        .map_err(|err| failed(format!("variable substitution failed: {err}")))?;
    if output == text {
        return Ok(());
    }
    let node = flux_yaml::parse(&output, Limits::default()).map_err(|err| failed(err.to_string()))?;
    let value = node.as_ref().map(flux_yaml::yaml11_to_json).transpose().map_err(|err| failed(err.to_string()))?;
    let Some(value) = value.filter(serde_json::Value::is_object) else {
        return Err(failed("the result is not an object".to_owned()));
    };
    resource.node = flux_yaml::from_json(&value);
    Ok(())
}
