//! Values copied from fields of one object to fields of others.

use flux_yaml::{Limits, Node, Tag};

use super::field_path::{self, Make};
use crate::Error;
use crate::id::{GvkRef, or};
use crate::json_text;
use crate::kustomization::{FieldOptions, ReplacementField, ReplacementTarget, Source};
use crate::record::{Field as _, Mode};
use crate::resource::Resource;
use crate::select::Select;
use crate::target::Target;

/// The field that is meant where none is named.
const NAME: &str = "metadata.name";

/// The replacements in place and those of the files that they name.
pub(crate) fn read(target: &Target<'_>, fields: &[ReplacementField]) -> Result<Vec<ReplacementField>, Error> {
    let mut replacements = Vec::new();
    for field in fields {
        if field.path.is_empty() {
            replacements.push(field.clone());
            continue;
        }
        if field.source.is_some() || field.targets.as_ref().is_some_and(|targets| !targets.is_empty()) {
            return Err(Error::invalid("cannot specify both path and inline replacement"));
        }
        let path = target.place(&field.path)?;
        let node = flux_yaml::parse(&target.read(&field.path)?, Limits::default())
            .map_err(|problem| Error::Malformed { path: field.path.clone().into(), problem })?
            .unwrap_or_else(Node::null);
        let items = match node.items() {
            Some(items) => items.to_vec(),
            None if node.is_mapping() => vec![node],
            None => return Err(Error::invalid(format!("{path}: expected a replacement or a list of them"))),
        };
        for item in items {
            let replacement = ReplacementField::read(&item, Mode::Lenient).map_err(|problem| problem.in_file(&path))?;
            replacements.push(replacement);
        }
    }
    Ok(replacements)
}

/// Runs all replacements, in order.
pub(crate) fn run(resources: &mut [Resource], replacements: &[ReplacementField]) -> Result<(), Error> {
    for ReplacementField { path: _, source, targets, source_value } in replacements {
        let mut value = match (source, source_value) {
            (Some(_), Some(_)) => return Err(Error::invalid("value and resource selectors are mutually exclusive")),
            (Some(source), None) if targets.is_some() => value(resources, source)?,
            (None, Some(text)) if targets.is_some() => Node::scalar(text.as_str(), Tag::Unset),
            _ => return Err(Error::invalid("replacements must specify a source and at least one target")),
        };
        for (at, target) in targets.iter().flatten().enumerate() {
            if at > 0 {
                follow(resources, source.as_ref(), &mut value);
            }
            put(resources, target, &value)?;
        }
    }
    Ok(())
}

/// Takes a source's text anew: an earlier target of the same replacement may have changed it.
fn follow(resources: &[Resource], source: Option<&Source>, known: &mut Node) {
    let whole = |source: &&Source| source.options.as_ref().is_none_or(|options| options.delimiter.is_empty());
    let now = source.filter(whole).and_then(|source| value(resources, source).ok());
    if let Some(now) = now.filter(|now| now.is_scalar() && known.is_scalar()) {
        *known = now;
    }
}

/// The value that a source names.
fn value(resources: &[Resource], source: &Source) -> Result<Node, Error> {
    let Source { group, version, kind, name, namespace, field_path, options } = source;
    let meant = |resource: &&Resource| {
        let is = |gvk: GvkRef<'_>, own: &str, own_namespace: &str| {
            (name.is_empty() || own == name)
                && gvk.is_selected(group, version, kind)
                && (namespace.is_empty() || own_namespace == namespace)
        };
        is(resource.gvk(), resource.name(), resource.effective_namespace())
            || resource.earlier.iter().any(|id| is(id.gvk.as_ref(), &id.name, id.effective_namespace()))
    };
    let title = || {
        let gvk = GvkRef { group, version, kind }.to_owned();
        format!("{gvk}/{}.{}", or(name, "[noName]"), or(namespace, "[noNs]"))
    };
    let mut found = resources.iter().filter(meant);
    let resource = match (found.next(), found.next()) {
        (Some(resource), None) => resource,
        (None, _) => return Err(Error::invalid(format!("nothing selected by {}", title()))),
        (Some(_), Some(_)) => return Err(Error::invalid(format!("multiple matches for selector {}", title()))),
    };
    let path = if field_path.is_empty() { NAME } else { field_path };
    let node = field_path::get(&resource.node, &field_path::split(path))
        .map_err(|err| err.during("error looking up replacement source"))?;
    let node = node
        .filter(|node| !node.is_empty())
        .ok_or_else(|| Error::invalid(format!("fieldPath `{path}` is missing for replacement source {}", title())))?;
    let Some(FieldOptions { delimiter, index, .. }) = options.as_ref().filter(|options| !options.delimiter.is_empty())
    else {
        return Ok(node.clone());
    };
    let text = node.text().ok_or_else(|| Error::invalid("delimiter option can only be used with scalar nodes"))?;
    let part = usize::try_from(*index).ok().and_then(|index| text.split(delimiter.as_str()).nth(index));
    let part =
        part.ok_or_else(|| Error::invalid(format!("options.index {index} is out of bounds for value {text}")))?;
    Ok(with_text(node, part))
}

fn with_text(node: &Node, text: &str) -> Node {
    Node { content: flux_yaml::Content::Scalar(text.to_owned()), ..node.clone() }
}

fn put(resources: &mut [Resource], target: &ReplacementTarget, value: &Node) -> Result<(), Error> {
    let ReplacementTarget { select, reject, field_paths, options } = target;
    let select = select.as_ref().ok_or_else(|| Error::invalid("target must specify resources to select"))?;
    let select = Select::new(select)?;
    let reject: Vec<Select> = reject.iter().map(Select::new).collect::<Result<_, _>>()?;
    let options = options.clone().unwrap_or_default();
    for resource in resources {
        let rejected = reject.iter().any(|reject| {
            (reject.has_id() && reject.takes_any_id(resource)) || (reject.has_marks() && reject.takes_marks(resource))
        });
        if rejected || !select.takes_marks(resource) || !select.takes_any_id(resource) {
            continue;
        }
        let title = resource.title();
        if field_paths.is_empty() {
            copy(&mut resource.node, NAME, &options, value).map_err(|err| err.about(&title))?;
        }
        for path in field_paths {
            copy(&mut resource.node, path, &options, value).map_err(|err| err.about(&title))?;
        }
    }
    Ok(())
}

fn copy(object: &mut Node, path: &str, options: &FieldOptions, value: &Node) -> Result<(), Error> {
    let make = if options.create { Make::like(value) } else { Make::Nothing };
    let parts = field_path::split(path);
    if copy_into_text(object, &parts, make, value).is_some() {
        return Ok(());
    }
    let missing = || {
        let able = if options.create { "find or create" } else { "find" };
        format!("unable to {able} field {path:?} in replacement target")
    };
    let mut failed = None;
    let count = field_path::visit(object, &parts, make, &mut |field| {
        if failed.is_none() {
            failed = set(field, options, value).err();
        }
        Ok(())
    });
    let count = count.map_err(|err| err.during(missing()))?;
    match failed {
        Some(err) => Err(err),
        None if count == 0 => Err(Error::invalid(missing())),
        None => Ok(()),
    }
}

fn set(field: &mut Node, options: &FieldOptions, value: &Node) -> Result<(), Error> {
    let mut value = value.clone();
    if !options.delimiter.is_empty() {
        let Some(text) = field.text() else {
            return Err(Error::invalid("delimiter option can only be used with scalar nodes"));
        };
        let mut parts: Vec<&str> = text.split(options.delimiter.as_str()).collect();
        let own = value.text().unwrap_or_default().to_owned();
        match usize::try_from(options.index) {
            Err(_) => parts.insert(0, &own),
            Ok(index) if index >= parts.len() => parts.push(&own),
            Ok(index) => parts[index] = &own,
        }
        value = with_text(&value, &parts.join(&options.delimiter));
    }
    place(field, &value);
    Ok(())
}

/// A scalar keeps its type and quotes and gets the text only.
fn place(field: &mut Node, value: &Node) {
    if field.is_scalar() {
        field.content = flux_yaml::Content::Scalar(value.text().unwrap_or_default().to_owned());
    } else {
        *field = value.clone();
    }
}

/// Changes a value inside of a text that is YAML or JSON itself; nothing when the path does not lead into one.
fn copy_into_text(object: &mut Node, parts: &[String], make: Make, value: &Node) -> Option<()> {
    for length in 1..parts.len() {
        let Ok(Some(field)) = field_path::get(object, &parts[..length]) else { continue };
        let Some(text) = field.text().filter(|_| !field.is_null()).map(str::to_owned) else { continue };
        let Ok(mut data) = field_path::structured(&text) else { continue };
        let count = field_path::visit(&mut data, &parts[length..], make, &mut |field| {
            place(field, value);
            Ok(())
        });
        if count.ok()? == 0 {
            return None;
        }
        let changed = print(&data, &text)?;
        let field = field_path::get_mut(object, &parts[..length])?;
        field.content = flux_yaml::Content::Scalar(changed);
        return Some(());
    }
    None
}

/// The data as it was written: JSON in one line or several, or YAML.
fn print(data: &Node, before: &str) -> Option<String> {
    if before.trim_start().starts_with(['{', '[']) {
        let value = flux_yaml::to_json(data).ok()?;
        let pretty = before.contains('\n') && before.contains("  ");
        return Some(if pretty { json_text::pretty(&value) } else { json_text::compact(&value) });
    }
    Some(flux_yaml::print_styled(data).trim().to_owned())
}
