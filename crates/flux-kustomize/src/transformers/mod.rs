//! What a kustomization changes in the objects that it gathered, in kustomize's order.

pub(crate) mod field_path;
mod images;
mod labels;
mod names;
mod namespace;
mod patches;
mod replacements;
mod replicas;
mod value_add;

use std::collections::BTreeMap;

use flux_yaml::Node;
use serde_json::{Value, json};

use crate::config::{Config, Spec};
use crate::kustomization::{Image, Kustomization, ReplacementField, Replica};
use crate::origin::{Origin, record};
use crate::record::Field as _;
use crate::resource::Resource;
use crate::target::Target;
use crate::{Error, plugins};

/// Each change alone, for [`crate::filters`].
pub(crate) mod single {
    pub(crate) use super::images::{set_in_containers as images_in_containers, set_in_fields as images_in_fields};
    pub(crate) use super::labels::set as labels;
    pub(crate) use super::names::{prefix, suffix};
    pub(crate) use super::namespace::set_each as namespace;
    pub(crate) use super::patches::change as operations;
    pub(crate) use super::replicas::set as replicas;
    pub(crate) use super::value_add::add as value;
}

pub(crate) use namespace::Subjects;
pub(crate) use patches::{Prepared, prepare, prepare_json6902, prepare_merges};
pub(crate) use replacements::read as read_replacements;
pub(crate) use value_add::{ValueAdd, ValueTarget};

type Strings = BTreeMap<String, String>;

/// One change of all objects, from a field of a kustomization or from a configuration of its own.
pub(crate) enum Transformer {
    StrategicMerge(Vec<Resource>),
    Patch(Prepared),
    Namespace { namespace: String, specs: Vec<Spec>, unset_only: bool, subjects: Subjects },
    Prefix { prefix: String, specs: Vec<Spec> },
    Suffix { suffix: String, specs: Vec<Spec> },
    Affixes { prefix: String, suffix: String, specs: Vec<Spec> },
    Labels { labels: Strings, specs: Vec<Spec> },
    Annotations { annotations: Strings, specs: Vec<Spec> },
    Json6902(Prepared),
    Replicas { replica: Replica, specs: Vec<Spec> },
    Images { image: Image, specs: Vec<Spec> },
    Replacements(Vec<ReplacementField>),
    Hash,
    ValueAdd(ValueAdd),
}

impl Transformer {
    /// The kind by which upstream knows it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::StrategicMerge(_) => "PatchStrategicMergeTransformer",
            Self::Patch(_) => "PatchTransformer",
            Self::Namespace { .. } => "NamespaceTransformer",
            Self::Prefix { .. } => "PrefixTransformer",
            Self::Suffix { .. } => "SuffixTransformer",
            Self::Affixes { .. } => "PrefixSuffixTransformer",
            Self::Labels { .. } => "LabelTransformer",
            Self::Annotations { .. } => "AnnotationsTransformer",
            Self::Json6902(_) => "PatchJson6902Transformer",
            Self::Replicas { .. } => "ReplicaCountTransformer",
            Self::Images { .. } => "ImageTagTransformer",
            Self::Replacements(_) => "ReplacementTransformer",
            Self::Hash => "HashTransformer",
            Self::ValueAdd(_) => "ValueAddTransformer",
        }
    }

    /// Whether it merges patches.
    fn merges(&self) -> bool {
        match self {
            Self::StrategicMerge(_) => true,
            Self::Patch(patch) => patch.merges(),
            _ => false,
        }
    }

    /// Changes the objects.
    pub(crate) fn apply(&self, target: &Target<'_>, resources: &mut Vec<Resource>) -> Result<(), Error> {
        match self {
            Self::StrategicMerge(merges) => patches::strategic_merge(target, merges, resources),
            Self::Patch(patch) | Self::Json6902(patch) => patch.apply(target, resources),
            Self::Namespace { namespace, specs, unset_only, subjects } => {
                namespace::set(resources, namespace, specs, *unset_only, *subjects)
            }
            Self::Prefix { prefix, specs } => names::prefix(resources, prefix, specs),
            Self::Suffix { suffix, specs } => names::suffix(resources, suffix, specs),
            Self::Affixes { prefix, suffix, specs } => {
                names::prefix(resources, prefix, specs)?;
                names::suffix(resources, suffix, specs)
            }
            Self::Labels { labels, specs } => labels::set(resources, labels, specs),
            Self::Annotations { annotations, specs } => labels::set(resources, annotations, specs),
            Self::Replicas { replica, specs } => replicas::set(resources, replica, specs),
            Self::Images { image, specs } => images::set(resources, image, specs),
            Self::Replacements(replacements) => replacements::run(resources, replacements),
            Self::Hash => crate::generators::add_hashes(resources),
            Self::ValueAdd(value_add) => value_add.apply(resources),
        }
    }
}

/// Runs every transformer of a kustomization, those that it configures apart last, then its validators. Tells whether
/// a patch was merged.
pub(crate) fn run(target: &Target<'_>, resources: &mut Vec<Resource>) -> Result<bool, Error> {
    let mut merged = false;
    let own = of(target)?.into_iter().map(|transformer| {
        let origin = Origin::builtin(target.origin_file(), transformer.kind());
        (transformer, origin)
    });
    let configured = plugins::transformers(target, &target.kustomization.transformers)?;
    for (transformer, origin) in own.chain(configured) {
        merged |= transformer.merges();
        transformer.apply(target, resources)?;
        if target.origin.is_some() {
            record(resources, &origin);
        }
    }
    validate(target, resources)?;
    Ok(merged)
}

/// Runs the validators, which are transformers that may not change anything but one label.
fn validate(target: &Target<'_>, resources: &mut Vec<Resource>) -> Result<(), Error> {
    for (validator, _) in plugins::transformers(target, &target.kustomization.validators)? {
        let before: Vec<Node> = resources.iter().map(|resource| resource.node.clone()).collect();
        validator.apply(target, resources)?;
        let unmarked = |resource: &Resource| {
            let mut node = resource.node.clone();
            let metadata = node.get_mut("metadata");
            if let Some(labels) = metadata.and_then(|metadata| metadata.get_mut("labels")) {
                labels.remove(VALIDATED_BY);
                if labels.is_empty() {
                    node.get_mut("metadata").and_then(|metadata| metadata.remove("labels"));
                }
            }
            node
        };
        let same = before.len() == resources.len()
            && before.iter().zip(&*resources).all(|(before, after)| *before == unmarked(after));
        if !same {
            return Err(Error::invalid(format!(
                "validator shouldn't modify the resource map: {} changed an object",
                validator.kind()
            )));
        }
    }
    Ok(())
}

/// The label by which a validator says that it saw an object.
const VALIDATED_BY: &str = "validated-by";

/// The transformers that the fields of a kustomization ask for; whatever cannot be read is told, not only the first.
fn of(target: &Target<'_>) -> Result<Vec<Transformer>, Error> {
    let Target { kustomization, config, .. } = target;
    let mut list = Vec::new();
    let merges = &kustomization.patches_strategic_merge;
    if !merges.is_empty() {
        let prepared = patches::prepare_merges(target, merges, None).map(Transformer::StrategicMerge);
        list.push(prepared.map_err(|err| trouble(err, "PatchStrategicMergeTransformer", &json!({"paths": merges}))));
    }
    list.extend(kustomization.patches.iter().map(|patch| {
        let prepared = patches::prepare(target, patch, &|| shown(&patch.write())).map(Transformer::Patch);
        prepared.map_err(|err| trouble(err, "PatchTransformer", &patch.write()))
    }));
    list.extend(of_metadata(kustomization, config)?.into_iter().map(Ok));
    list.extend(kustomization.patches_json6902.iter().map(|patch| {
        let prepared = patches::prepare_json6902(target, patch).map(Transformer::Json6902);
        prepared.map_err(|err| {
            let mut fields = patch.write();
            if let Some(text) = fields.as_object_mut().and_then(|fields| fields.remove("patch")) {
                fields["jsonOp"] = text;
            }
            trouble(err, "PatchJson6902Transformer", &fields)
        })
    }));
    let replicas = kustomization.replicas.iter().cloned();
    list.extend(replicas.map(|replica| Ok(Transformer::Replicas { replica, specs: config.replicas.to_vec() })));
    let images = kustomization.images.iter().cloned();
    list.extend(images.map(|image| Ok(Transformer::Images { image, specs: config.images.to_vec() })));
    let fields = &kustomization.replacements;
    if !fields.is_empty() {
        let prepared = replacements::read(target, fields).map(Transformer::Replacements);
        list.push(
            prepared.map_err(|err| trouble(err, "ReplacementTransformer", &json!({"replacements": fields.write()}))),
        );
    }
    crate::error::all(list)
}

/// The transformers of names, namespaces, labels and annotations.
fn of_metadata(kustomization: &Kustomization, config: &Config) -> Result<Vec<Transformer>, Error> {
    let mut list = Vec::new();
    if !kustomization.namespace.is_empty() {
        list.push(Transformer::Namespace {
            namespace: kustomization.namespace.clone(),
            specs: config.namespace.to_vec(),
            unset_only: false,
            subjects: Subjects::Default,
        });
    }
    if !kustomization.name_prefix.is_empty() {
        let (prefix, specs) = (kustomization.name_prefix.clone(), config.name_prefix.to_vec());
        list.push(Transformer::Prefix { prefix, specs });
    }
    if !kustomization.name_suffix.is_empty() {
        let (suffix, specs) = (kustomization.name_suffix.clone(), config.name_suffix.to_vec());
        list.push(Transformer::Suffix { suffix, specs });
    }
    list.extend(labels::of(kustomization, config)?);
    if !kustomization.common_annotations.is_empty() {
        let (annotations, specs) = (kustomization.common_annotations.clone(), config.common_annotations.to_vec());
        list.push(Transformer::Annotations { annotations, specs });
    }
    Ok(list)
}

/// What upstream says of a field that it cannot take, with the field as YAML.
pub(crate) fn trouble(err: Error, kind: &str, fields: &Value) -> Error {
    err.during(format!("trouble configuring builtin {kind} with config: `\n{}`", shown(fields)))
}

fn shown(value: &Value) -> String {
    flux_yaml::print_json(value).unwrap_or_default()
}
