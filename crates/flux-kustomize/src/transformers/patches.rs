//! Patches: strategic merge and JSON6902, in files and in place, with and without a target.

use flux_yaml::{Limits, Node};

use crate::accumulate::Target;
use crate::error::all;
use crate::json_patch::{self, Operation};
use crate::kustomization::{Patch, PatchOptions};
use crate::merge::merge;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::select::Select;
use crate::{Error, accumulate};

/// `patchesStrategicMerge`: each entry a file, or YAML in place.
pub(crate) fn strategic_merge(target: &Target<'_>, resources: &mut Vec<Resource>) -> Result<(), Error> {
    for entry in &target.kustomization.patches_strategic_merge {
        let text = if target.is_file(entry) { target.read(entry)? } else { entry.clone() };
        for patch in objects(&text, entry)? {
            merge_by_id(resources, patch, &PatchOptions::default())?;
        }
    }
    Ok(())
}

/// `patches`.
pub(crate) fn patches(target: &Target<'_>, resources: &mut Vec<Resource>) -> Result<(), Error> {
    let read = all(target.kustomization.patches.iter().map(|patch| read(target, patch)))?;
    for (patch, content) in target.kustomization.patches.iter().zip(read) {
        apply(resources, patch, content).map_err(|err| match patch.path.as_str() {
            "" => err,
            path => err.during(format!("patch {path:?}")),
        })?;
    }
    Ok(())
}

/// `patchesJson6902`.
pub(crate) fn json6902(target: &Target<'_>, resources: &mut Vec<Resource>) -> Result<(), Error> {
    for patch in &target.kustomization.patches_json6902 {
        let (_, text) = text_of(target, patch)?;
        let operations = json_patch::parse(&text)?;
        let selector =
            patch.target.as_ref().ok_or_else(|| Error::invalid("must specify the target field in patchesJson6902"))?;
        let gvk = format!("{}/{} {}", selector.group, selector.version, selector.kind);
        let found = resources.iter_mut().find(|resource| {
            resource.ids().iter().any(|id| {
                id.gvk.is_selected(&selector.group, &selector.version, &selector.kind)
                    && id.name == selector.name
                    && (selector.namespace.is_empty() || id.namespace == selector.namespace)
            })
        });
        let resource =
            found.ok_or_else(|| Error::invalid(format!("unable to find patch target {:?} ({gvk})", selector.name)))?;
        change(resource, &operations)?;
    }
    Ok(())
}

enum Content {
    Merge(Vec<Resource>),
    Json(Vec<Operation>),
}

fn text_of(target: &Target<'_>, patch: &Patch) -> Result<(String, String), Error> {
    match (patch.path.as_str(), patch.patch.as_str()) {
        ("", "") => Err(Error::invalid("must specify one of patch and path in a patch")),
        ("", text) => Ok((text.to_owned(), text.to_owned())),
        (path, "") => Ok((path.to_owned(), target.read(path)?)),
        _ => Err(Error::invalid("specify only one of patch and path in a patch")),
    }
}

fn read(target: &Target<'_>, patch: &Patch) -> Result<Content, Error> {
    let (place, text) = text_of(target, patch)?;
    let first = flux_yaml::parse(&text, Limits::default()).ok().flatten();
    if first.as_ref().is_some_and(json_patch::is_list) {
        return json_patch::parse(&text).map(Content::Json).map_err(|err| err.during(format!("patch {place:?}")));
    }
    let patches = objects(&text, &place)?;
    if patches.len() > 1 && patch.target.is_some() {
        return Err(Error::invalid(
            "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field",
        ));
    }
    Ok(Content::Merge(patches))
}

/// The objects of a strategic merge patch; comments alone are none.
fn objects(text: &str, place: &str) -> Result<Vec<Resource>, Error> {
    let what = || format!("unable to parse SM or JSON patch from [{}]", place.trim());
    let nodes = flux_yaml::parse_all(text, Limits::default()).map_err(|source| {
        Error::Malformed { path: place.lines().next().unwrap_or_default().into(), source }.during(what())
    })?;
    let patches: Vec<_> =
        nodes.into_iter().filter(|node| !node.is_empty()).map(|node| Resource::new(node, None)).collect();
    match patches.iter().find(|patch| !patch.node.is_mapping() || patch.kind().is_empty()) {
        Some(_) => Err(Error::invalid("missing kind in a patch").during(what())),
        None => Ok(patches),
    }
}

fn apply(resources: &mut Vec<Resource>, patch: &Patch, content: Content) -> Result<(), Error> {
    let options = patch.options.clone().unwrap_or_default();
    match (content, &patch.target) {
        (Content::Json(_), None) => Err(Error::invalid("must specify a target for JSON patch")),
        (Content::Json(operations), Some(selector)) => {
            let select = Select::new(selector)?;
            resources
                .iter_mut()
                .filter(|resource| select.takes(resource))
                .try_for_each(|resource| change(resource, &operations))
        }
        (Content::Merge(patches), None) => {
            patches.into_iter().try_for_each(|patch| merge_by_id(resources, patch, &options))
        }
        (Content::Merge(patches), Some(selector)) => {
            let select = Select::new(selector)?;
            let Some(patch) = patches.into_iter().next() else { return Ok(()) };
            let chosen: Vec<usize> = (0..resources.len()).filter(|at| select.takes(&resources[*at])).collect();
            // From the back, so that deleting one leaves the places of the others.
            chosen.into_iter().rev().try_for_each(|at| merge_at(resources, at, &patch, &options))
        }
    }
}

fn merge_by_id(resources: &mut Vec<Resource>, patch: Resource, options: &PatchOptions) -> Result<(), Error> {
    let id = patch.id();
    let found: Vec<usize> =
        (0..resources.len()).filter(|at| resources[*at].ids().iter().any(|other| other.same(&id))).collect();
    match found[..] {
        [at] => merge_at(resources, at, &patch, options),
        [] => Err(Error::invalid(format!(
            "no resource matches strategic merge patch \"{id}\": no matches for Id {id}; failed to find unique target for patch {id}"
        ))),
        _ => Err(Error::invalid(format!("multiple matches for Id {id}; failed to find unique target for patch {id}"))),
    }
}

fn merge_at(resources: &mut Vec<Resource>, at: usize, patch: &Resource, options: &PatchOptions) -> Result<(), Error> {
    let resource = &mut resources[at];
    let (name, namespace, kind) =
        (resource.name().to_owned(), resource.namespace().unwrap_or_default().to_owned(), resource.kind().to_owned());
    if options.allow_name_change || options.allow_kind_change {
        resource.remember_id();
    }
    let schema = Schema::of(resource.api_version(), resource.kind());
    let merged = merge(std::mem::replace(&mut resource.node, Node::null()), &patch.node, schema);
    match merged.map_err(|err| err.during(format!("{kind}/{name}")))? {
        None => drop(resources.remove(at)),
        Some(node) => {
            resource.node = node;
            if !options.allow_name_change || resource.name().is_empty() {
                resource.set_name(&name);
            }
            if !options.allow_kind_change {
                resource.node.set("kind", Node::string(kind));
            }
            resource.set_namespace(&namespace);
        }
    }
    Ok(())
}

fn change(resource: &mut Resource, operations: &[Operation]) -> Result<(), Error> {
    let title = resource.title();
    let mut document = resource.to_json()?;
    json_patch::apply(&mut document, operations).map_err(|err| err.during(title.clone()))?;
    let changed = flux_yaml::from_json(&document);
    accumulate::check(&changed).map_err(|err| err.during(title))?;
    let before = resource.id();
    resource.node = changed;
    if !before.same(&resource.id()) {
        resource.earlier.push(before);
    }
    Ok(())
}
