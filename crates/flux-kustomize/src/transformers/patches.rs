//! Patches: strategic merge and JSON6902, in files and in place, with and without a target.

use flux_yaml::{Limits, Node};

use crate::Error;
use crate::accumulate::check_unique;
use crate::json_patch::{self, Operation};
use crate::kustomization::{Patch, PatchOptions, Selector};
use crate::merge::{DIRECTIVE, Rules, merge};
use crate::resource::{Resource, child};
use crate::select::Select;
use crate::target::{Target, quoted};
use crate::{load, origin};

/// A patch that has been read.
pub(crate) struct Prepared {
    content: Content,
    target: Option<Selector>,
    options: PatchOptions,
    /// Where the patch stands, as messages name it.
    source: String,
    /// Its file; empty where it stands in the kustomization.
    file: String,
}

enum Content {
    Merge(Vec<Resource>),
    Json(Vec<Operation>),
}

/// `patchesStrategicMerge`: each entry YAML in place, or a file.
pub(crate) fn prepare_merges(
    target: &Target<'_>,
    entries: &[String],
    in_place: Option<&str>,
) -> Result<Vec<Resource>, Error> {
    let mut patches = Vec::new();
    for entry in entries {
        match load::objects(entry, "".into(), "") {
            Ok(found) => patches.extend(found),
            Err(_) => patches.extend(load::objects(&target.read(entry)?, &target.place(entry)?, entry)?),
        }
    }
    if let Some(text) = in_place {
        patches.extend(load::objects(text, &target.directory.join(&target.file), &target.file)?);
    }
    if patches.is_empty() {
        return Err(Error::invalid(format!(
            "patch appears to be empty; files=[{}], Patch={}",
            entries.join(" "),
            in_place.unwrap_or_default()
        )));
    }
    target.mark(&mut patches);
    Ok(patches)
}

/// One of `patches`. `config` is how the whole entry is shown.
pub(crate) fn prepare(target: &Target<'_>, patch: &Patch, config: &dyn Fn() -> String) -> Result<Prepared, Error> {
    let loaded;
    let (source, text) = match (patch.path.as_str(), patch.text.trim()) {
        ("", "") => return Err(Error::invalid(format!("must specify one of patch and path in\n{}", config()))),
        ("", text) => (format!("[patch: {}]", quoted(text)), text),
        (file, "") => {
            loaded = target
                .read(file)
                .map_err(|err| err.during(format!("failed to get the patch file from path({file})")))?;
            (format!("[path: {}]", quoted(file)), loaded.as_str())
        }
        _ => {
            return Err(Error::invalid(format!("patch and path can't be set at the same time\n{}", config())));
        }
    };
    let first = flux_yaml::parse(text, Limits::default()).ok().flatten();
    let unreadable = |err: Error| err.during(format!("unable to parse SM or JSON patch from {source}"));
    let content = if first.as_ref().is_some_and(json_patch::is_list) {
        Content::Json(json_patch::parse(text).map_err(unreadable)?)
    } else {
        let mut patches = load::objects(text, "".into(), &patch.path).map_err(unreadable)?;
        target.mark(&mut patches);
        Content::Merge(patches)
    };
    let options = patch.options.clone().unwrap_or_default();
    Ok(Prepared { content, target: patch.target.clone(), options, source, file: patch.path.clone() })
}

/// One of `patchesJson6902`.
pub(crate) fn prepare_json6902(target: &Target<'_>, patch: &Patch) -> Result<Prepared, Error> {
    let Some(selector) = patch.target.clone().filter(|selector| !selector.name.is_empty()) else {
        return Err(Error::invalid("must specify the target name"));
    };
    let text = match (patch.path.as_str(), patch.text.as_str()) {
        ("", "") => return Err(Error::invalid("empty file path and empty jsonOp")),
        ("", text) => text.to_owned(),
        (file, "") => target.read(file)?,
        _ => return Err(Error::invalid("must specify a file path or jsonOp, not both")),
    };
    let operations = json_patch::parse(&text).map_err(|err| err.during(format!("decoding {text}")))?;
    if operations.is_empty() {
        return Err(Error::invalid(format!("patch appears to be empty; file={}, JsonOp={text}", patch.path)));
    }
    let (options, source) = (PatchOptions::default(), String::new());
    let file = patch.path.clone();
    Ok(Prepared { content: Content::Json(operations), target: Some(selector), options, source, file })
}

/// Merges patches that name their objects themselves.
pub(crate) fn strategic_merge(
    target: &Target<'_>,
    patches: &[Resource],
    resources: &mut Vec<Resource>,
) -> Result<(), Error> {
    let rules = Rules::new(&target.schemas);
    patches.iter().try_for_each(|patch| {
        find(resources, patch).and_then(|at| merge_at(resources, at, patch, &PatchOptions::default(), rules)).map_err(
            |err| match patch.origin().filter(|file| !file.as_str().is_empty()) {
                Some(file) => err.about(&file),
                None => err,
            },
        )
    })
}

impl Prepared {
    /// Whether the patch merges rather than runs operations.
    pub(crate) fn merges(&self) -> bool {
        matches!(self.content, Content::Merge(_))
    }

    pub(crate) fn apply(&self, target: &Target<'_>, resources: &mut Vec<Resource>) -> Result<(), Error> {
        let applied = self.apply_content(target, resources);
        applied.map_err(|err| if self.file.is_empty() { err } else { err.about(&self.file) })
    }

    fn apply_content(&self, target: &Target<'_>, resources: &mut Vec<Resource>) -> Result<(), Error> {
        let rules = Rules::new(&target.schemas);
        match (&self.content, &self.target) {
            (Content::Json(_), None) => {
                Err(Error::invalid(format!("must specify a target for JSON patch {}", self.source)))
            }
            (Content::Json(operations), Some(selector)) => {
                let select = Select::new(selector)?;
                let mut chosen = resources.iter_mut().filter(|resource| select.takes(resource));
                chosen.try_for_each(|resource| {
                    resource.remember_id();
                    change(resource, operations)
                })
            }
            (Content::Merge(patches), None) => patches.iter().try_for_each(|patch| {
                let at = find(resources, patch).map_err(|err| {
                    err.during(format!("no resource matches strategic merge patch {}", quoted(&patch.id().to_string())))
                })?;
                merge_at(resources, at, patch, &self.options, rules)
            }),
            (Content::Merge(patches), Some(selector)) => match &patches[..] {
                [] => Ok(()),
                [patch] => self.merge_into_selected(patch, selector, resources, rules),
                _ => Err(Error::invalid(format!(
                    "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` \
                     field: {}",
                    self.source
                ))),
            },
        }
    }

    fn merge_into_selected(
        &self,
        patch: &Resource,
        selector: &Selector,
        resources: &mut Vec<Resource>,
        rules: Rules<'_>,
    ) -> Result<(), Error> {
        let select = Select::new(selector)?;
        let mut patch = patch.clone();
        marks_as_text(&mut patch.node);
        let chosen: Vec<usize> = (0..resources.len()).filter(|at| select.takes(&resources[*at])).collect();
        // From the back, so that deleting one leaves the places of the others.
        chosen.into_iter().rev().try_for_each(|at| {
            // What a target chose keeps its group and version.
            patch.node.set("apiVersion", Node::string(resources[at].api_version()));
            merge_at(resources, at, &patch, &self.options, rules)
        })?;
        if !self.options.allow_name_change && !self.options.allow_kind_change {
            return Ok(());
        }
        check_unique(resources)
    }
}

/// Makes strings of all labels and annotations, which upstream does to what it applies by a target: null is a text too,
/// and what holds none is no part of the patch.
fn marks_as_text(patch: &mut Node) {
    let Some(metadata) = patch.get_mut("metadata") else { return };
    for field in ["labels", "annotations"] {
        if metadata.get(field).is_some_and(Node::is_empty) {
            metadata.remove(field);
        }
        for (_, value) in metadata.get_mut(field).and_then(Node::entries_mut).into_iter().flatten() {
            if let Some(text) = value.text().map(str::to_owned) {
                *value = Node { line: value.line, ..Node::string(text) };
            }
        }
    }
}

/// The one object that a patch names.
fn find(resources: &[Resource], patch: &Resource) -> Result<usize, Error> {
    let id = patch.id();
    let found: Vec<usize> = (0..resources.len()).filter(|at| resources[*at].has_or_had(&id)).collect();
    match found[..] {
        [at] => Ok(at),
        [] => Err(Error::invalid(format!("no matches for Id {id}; failed to find unique target for patch {id}"))),
        _ => Err(Error::invalid(format!("multiple matches for Id {id}; failed to find unique target for patch {id}"))),
    }
}

fn merge_at(
    resources: &mut Vec<Resource>,
    at: usize,
    patch: &Resource,
    options: &PatchOptions,
    rules: Rules<'_>,
) -> Result<(), Error> {
    let resource = &mut resources[at];
    let (name, namespace, kind) =
        (resource.name().to_owned(), resource.namespace().unwrap_or_default().to_owned(), resource.kind().to_owned());
    if options.allow_name_change || options.allow_kind_change {
        resource.remember_id();
    }
    if replaces_all(&patch.node) {
        return Ok(());
    }
    let merged = merge(std::mem::replace(&mut resource.node, Node::null()), &patch.node, rules);
    match merged.map_err(|err| err.about(&format_args!("{kind}/{name}")))? {
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

/// Whether a patch is to take the object's place as a whole, which upstream reads and then leaves undone.
fn replaces_all(patch: &Node) -> bool {
    patch.get(DIRECTIVE).and_then(Node::text) == Some("replace")
}

/// Runs the operations of a JSON6902 patch on an object.
pub(crate) fn change(resource: &mut Resource, operations: &[Operation]) -> Result<(), Error> {
    let title = resource.title();
    // Upstream keeps what it remembers of an object in annotations, so that a patch may add to them.
    if resource.is_remembered() {
        child(child(&mut resource.node, "metadata"), "annotations");
    }
    origin::show(resource);
    let mut document = resource.to_json()?;
    json_patch::apply(&mut document, operations).map_err(|err| err.about(&title))?;
    let changed = flux_yaml::from_json(&document);
    load::check(&changed).map_err(|problem| Error::invalid(problem).about(&title))?;
    resource.node = changed;
    origin::hide(resource);
    resource.drop_empty_annotations();
    Ok(())
}
