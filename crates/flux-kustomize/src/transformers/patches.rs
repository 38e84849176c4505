//! Patches: strategic merge and JSON6902, in files and in place, with and without a target.

use flux_yaml::{Limits, Node};

use crate::accumulate::Target;
use crate::json_patch::{self, Operation};
use crate::kustomization::{Patch, PatchOptions};
use crate::merge::merge;
use crate::resource::{Resource, child};
use crate::schema::Schema;
use crate::select::Select;
use crate::{Error, load};

/// `patchesStrategicMerge`: each entry a file, or YAML in place.
pub(crate) fn strategic_merge(
    target: &Target<'_>,
    entries: &[String],
    resources: &mut Vec<Resource>,
) -> Result<(), Error> {
    let mut patches = Vec::new();
    for entry in entries {
        let text = if target.is_file(entry) { target.read(entry)? } else { entry.clone() };
        patches.extend(objects(&text, entry)?);
    }
    if patches.is_empty() {
        return Err(Error::invalid(format!("patch appears to be empty; files={entries:?}")));
    }
    patches.into_iter().try_for_each(|patch| merge_by_id(resources, &patch, &PatchOptions::default()))
}

/// One of `patches`.
pub(crate) fn patch(target: &Target<'_>, patch: &Patch, resources: &mut Vec<Resource>) -> Result<(), Error> {
    let content = read(target, patch)?;
    apply(resources, patch, content).map_err(|err| match patch.path.as_str() {
        "" => err,
        file => err.during(format!("patch {file:?}")),
    })
}

/// Whether one of `patches` can be read.
pub(crate) fn check(target: &Target<'_>, patch: &Patch) -> Result<(), Error> {
    read(target, patch).map(drop)
}

/// One of `patchesJson6902`.
pub(crate) fn json6902(target: &Target<'_>, patch: &Patch, resources: &mut [Resource]) -> Result<(), Error> {
    let (_, text) = text_of(target, patch)?;
    let operations = json_patch::parse(&text)?;
    if operations.is_empty() {
        return Err(Error::invalid(format!("patch appears to be empty; file={}", patch.path)));
    }
    let selector = patch.target.as_ref().ok_or_else(|| Error::invalid("must specify a target for a JSON patch"))?;
    let select = Select::new(selector)?;
    let chosen = resources.iter_mut().filter(|resource| select.takes(resource));
    chosen.into_iter().try_for_each(|resource| change(resource, &operations))
}

enum Content {
    Merge(Vec<Resource>),
    Json(Vec<Operation>),
}

fn text_of(target: &Target<'_>, patch: &Patch) -> Result<(String, String), Error> {
    match (patch.path.as_str(), patch.text.trim()) {
        ("", "") => Err(Error::invalid("must specify one of patch and path in a patch")),
        ("", text) => Ok((text.to_owned(), text.to_owned())),
        (file, "") => Ok((file.to_owned(), target.read(file)?)),
        _ => Err(Error::invalid("patch and path can't be set at the same time")),
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
    let mut patches = Vec::new();
    for node in nodes.into_iter().filter(|node| !node.is_empty()) {
        load::check(&node).map_err(|err| err.during(what()))?;
        patches.push(Resource::new(node, None));
    }
    Ok(patches)
}

fn apply(resources: &mut Vec<Resource>, patch: &Patch, content: Content) -> Result<(), Error> {
    let options = patch.options.clone().unwrap_or_default();
    match (content, &patch.target) {
        (Content::Json(_), None) => Err(Error::invalid("must specify a target for JSON patch")),
        (Content::Json(operations), Some(selector)) => {
            let select = Select::new(selector)?;
            let chosen = resources.iter_mut().filter(|resource| select.takes(resource));
            chosen.into_iter().try_for_each(|resource| {
                resource.remember_id();
                change(resource, &operations)
            })
        }
        (Content::Merge(patches), None) => patches.iter().try_for_each(|patch| merge_by_id(resources, patch, &options)),
        (Content::Merge(patches), Some(selector)) => {
            let select = Select::new(selector)?;
            let Some(mut patch) = patches.into_iter().next() else { return Ok(()) };
            marks_as_text(&mut patch.node);
            let chosen: Vec<usize> = (0..resources.len()).filter(|at| select.takes(&resources[*at])).collect();
            // From the back, so that deleting one leaves the places of the others.
            chosen.into_iter().rev().try_for_each(|at| {
                // What a target chose keeps its group and version.
                patch.node.set("apiVersion", Node::string(resources[at].api_version()));
                merge_at(resources, at, &patch, &options)
            })
        }
    }
}

/// Makes strings of all labels and annotations, which upstream does to what it applies by a target: null is a text too.
fn marks_as_text(patch: &mut Node) {
    let Some(metadata) = patch.get_mut("metadata") else { return };
    for field in ["labels", "annotations"] {
        for (_, value) in metadata.get_mut(field).and_then(Node::entries_mut).into_iter().flatten() {
            if let Some(text) = value.text().map(str::to_owned) {
                *value = Node { line: value.line, ..Node::string(text) };
            }
        }
    }
}

fn merge_by_id(resources: &mut Vec<Resource>, patch: &Resource, options: &PatchOptions) -> Result<(), Error> {
    let id = patch.id();
    let found: Vec<usize> =
        (0..resources.len()).filter(|at| resources[*at].ids().iter().any(|other| other.same(&id))).collect();
    match found[..] {
        [at] => merge_at(resources, at, patch, options),
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
    // What is not built in merges as the kind that the patch names.
    let schema =
        Schema::of(resource.api_version(), resource.kind()).or_else(|| Schema::of(patch.api_version(), patch.kind()));
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
    // Upstream keeps what it remembers of an object in annotations, so that a patch may add to them.
    if resource.is_remembered() {
        child(child(&mut resource.node, "metadata"), "annotations");
    }
    let mut document = resource.to_json()?;
    json_patch::apply(&mut document, operations).map_err(|err| err.during(title.clone()))?;
    let changed = flux_yaml::from_json(&document);
    load::check(&changed).map_err(|err| err.during(title))?;
    resource.node = changed;
    resource.drop_empty_annotations();
    Ok(())
}
