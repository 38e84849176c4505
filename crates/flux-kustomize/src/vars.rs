//! Variables of the older kind: `$(NAME)` in a fixed set of fields.

use std::collections::BTreeMap;

use flux_yaml::{Content, Node, Tag};

use crate::Error;
use crate::config::Config;
use crate::fields::{Leaf, Places};
use crate::id::{Gvk, Id, or};
use crate::kustomization::{ObjectReference, Var};
use crate::resource::Resource;
use crate::transformers::field_path;

/// The field that is meant where none is named.
const NAME: &str = "metadata.name";

/// Adds variables to those known, and marks the objects that they read.
pub(crate) fn add(known: &mut Vec<Var>, vars: &[Var], resources: &mut [Resource]) -> Result<(), Error> {
    for var in vars {
        let id = target(var);
        let exact = !id.namespace.is_empty() || id.cluster_scoped;
        let named = |resource: &Resource| {
            let known = |other: &Id| other.gvk == id.gvk && other.name == id.name;
            (resource.name() == id.name && resource.gvk() == id.gvk.as_ref()) || resource.earlier.iter().any(known)
        };
        let meant = |resource: &Resource| if exact { resource.has_or_had(&id) } else { named(resource) };
        let mut found: Vec<&mut Resource> = resources.iter_mut().filter(|resource| meant(resource)).collect();
        match found.as_mut_slice() {
            [] => {}
            [resource] => resource.vars.push(var.name.clone()),
            _ => {
                let (count, title) = (found.len(), title(var, &id.gvk));
                return Err(Error::invalid(format!(
                    "found {count} resId matches for var {title} (unable to disambiguate)"
                )));
            }
        }
    }
    merge(known, vars)
}

/// Variables as upstream names them in errors.
pub(crate) fn shown(vars: &[Var]) -> String {
    let shown = |var: &Var| {
        let ObjectReference { group, version, kind, .. } = var.objref.clone();
        title(var, &Gvk { group, version, kind })
    };
    format!("[{}]", vars.iter().map(shown).collect::<Vec<_>>().join(" "))
}

fn title(var: &Var, gvk: &Gvk) -> String {
    format!("{{{} {gvk} {{{}}}}}", var.name, or(&var.fieldref.field_path, NAME))
}

/// Adds variables of another kustomization.
pub(crate) fn merge(known: &mut Vec<Var>, vars: &[Var]) -> Result<(), Error> {
    for var in vars {
        if known.iter().any(|old| old.name == var.name) {
            return Err(Error::invalid(format!("var '{}' already encountered", var.name)));
        }
        known.push(var.clone());
    }
    Ok(())
}

fn target(var: &Var) -> Id {
    let reference = &var.objref;
    let mut gvk =
        Gvk { group: reference.group.clone(), version: reference.version.clone(), kind: reference.kind.clone() };
    if !reference.api_version.is_empty() {
        let known = Gvk::new(&reference.api_version, &reference.kind);
        gvk = if known.group.is_empty() { Gvk { group: gvk.group, ..known } } else { known };
    }
    let cluster_scoped = gvk.is_cluster_scoped();
    Id { gvk, name: reference.name.clone(), namespace: reference.namespace.clone(), cluster_scoped }
}

/// Puts the variables' values where `$(NAME)` stands.
pub(crate) fn resolve(resources: &mut [Resource], vars: &[Var], config: &Config) -> Result<(), Error> {
    let by_name: BTreeMap<&str, &Var> = vars.iter().map(|var| (var.name.as_str(), var)).collect();
    let mut values = BTreeMap::new();
    for (name, var) in by_name {
        values.insert(name, value(resources, var)?);
    }
    if values.is_empty() {
        return Ok(());
    }
    let mut places = Places::new(config.var_reference.iter());
    for resource in resources {
        for place in places.of(resource.gvk()) {
            place.visit(&mut resource.node, Leaf::Nothing, &mut |node| replace(node, &values))?;
        }
    }
    Ok(())
}

fn value(resources: &[Resource], var: &Var) -> Result<Node, Error> {
    let name = &var.name;
    let resource = resources.iter().find(|resource| resource.vars.iter().any(|known| known == name));
    let resource = resource.ok_or_else(|| {
        let title = title(var, &target(var).gvk);
        Error::invalid(format!("var '{title}' cannot be mapped to a field in the set of known resources"))
    })?;
    let path = Some(var.fieldref.field_path.as_str()).filter(|path| !path.is_empty()).unwrap_or(NAME);
    let mut parts = Vec::new();
    for part in field_path::split(path) {
        // `name[0]` is an element of the list `name`.
        match part.strip_suffix(']').and_then(|part| part.rsplit_once('[')) {
            Some((name, index)) if !name.is_empty() && index.parse::<usize>().is_ok() => {
                parts.extend([name.to_owned(), index.to_owned()]);
            }
            _ => parts.push(part),
        }
    }
    match field_path::get(&resource.node, &parts) {
        Ok(Some(node)) => Ok(node.clone()),
        Ok(None) | Err(_) => Err(Error::invalid(format!(
            "field specified in var '{}' not found in corresponding resource: {path} of {}",
            title(var, &target(var).gvk),
            resource.title()
        ))),
    }
}

fn replace(node: &mut Node, values: &BTreeMap<&str, Node>) -> Result<(), Error> {
    if node.is_null() {
        return Ok(());
    }
    match &mut node.content {
        Content::Scalar(_) => replace_text(node, values),
        Content::Sequence(items) => {
            for item in items {
                if item.tag != Tag::Str {
                    return Err(Error::invalid("invalid value type expect a string"));
                }
                replace_text(item, values);
            }
        }
        Content::Mapping(entries) => entries.iter_mut().for_each(|(_, value)| replace_text(value, values)),
    }
    Ok(())
}

/// Replaces the references in a string. One that is the whole string keeps the value's type.
fn replace_text(node: &mut Node, values: &BTreeMap<&str, Node>) {
    let Some(text) = node.text().filter(|_| matches!(node.tag, Tag::Str | Tag::Unset)) else { return };
    let whole = text.strip_prefix("$(").and_then(|text| text.strip_suffix(')')).filter(|name| !name.contains(')'));
    if let Some(found) = whole.and_then(|name| values.get(name)).filter(|value| value.is_scalar()) {
        *node = Node { line: node.line, style: flux_yaml::Style::Plain, ..found.clone() };
        return;
    }
    *node = Node { line: node.line, ..Node::string(expanded(text, values)) };
}

fn expanded(text: &str, values: &BTreeMap<&str, Node>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let reference = after.strip_prefix('(').and_then(|inner| inner.split_once(')'));
        rest = match (after.chars().next(), reference) {
            (Some('('), Some((name, rest))) => {
                match values.get(name).and_then(Node::text) {
                    Some(value) => out.push_str(value),
                    None => out.extend(["$(", name, ")"]),
                }
                rest
            }
            // A doubled sign stands for one.
            (Some('$'), _) => {
                out.push('$');
                &after[1..]
            }
            _ => {
                out.push('$');
                after
            }
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_replaced_and_doubled_signs_escape() {
        let values = BTreeMap::from([("V", Node::string("x")), ("N", Node::scalar("3", Tag::Int))]);
        for (text, expected) in
            [("a$(V)b", "axb"), ("$$(V)", "$(V)"), ("$(W)", "$(W)"), ("$(V", "$(V"), ("$", "$"), ("$(N)-$(V)", "3-x")]
        {
            assert_eq!(expanded(text, &values), expected, "{text}");
        }
        let mut node = Node::string("$(N)");
        replace_text(&mut node, &values);
        assert_eq!(node.tag, Tag::Int);
    }
}
