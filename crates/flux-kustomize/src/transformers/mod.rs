//! What a kustomization changes in the objects that it gathered, in kustomize's order.

pub(crate) mod field_path;
mod images;
mod labels;
mod names;
mod namespace;
mod patches;
mod replacements;
mod replicas;

use std::collections::BTreeMap;

use crate::Error;
use crate::accumulate::Target;
use crate::config::{Config, Spec};
use crate::kustomization::{Image, Kustomization, Patch, ReplacementField, Replica};
use crate::origin::{Origin, record};
use crate::resource::Resource;

pub(crate) use namespace::Subjects;

type Strings = BTreeMap<String, String>;

/// One change of all objects, from a field of a kustomization or from a configuration of its own.
pub(crate) enum Transformer {
    /// Entries are files or patches in place.
    StrategicMerge(Vec<String>),
    Patch(Patch),
    Namespace {
        namespace: String,
        specs: Vec<Spec>,
        unset_only: bool,
        subjects: Subjects,
    },
    Prefix {
        prefix: String,
        specs: Vec<Spec>,
    },
    Suffix {
        suffix: String,
        specs: Vec<Spec>,
    },
    Labels {
        labels: Strings,
        specs: Vec<Spec>,
    },
    Annotations {
        annotations: Strings,
        specs: Vec<Spec>,
    },
    Json6902(Patch),
    Replicas {
        replica: Replica,
        specs: Vec<Spec>,
    },
    Images {
        image: Image,
        specs: Vec<Spec>,
    },
    Replacements(Vec<ReplacementField>),
    Hash,
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
            Self::Labels { .. } => "LabelTransformer",
            Self::Annotations { .. } => "AnnotationsTransformer",
            Self::Json6902(_) => "PatchJson6902Transformer",
            Self::Replicas { .. } => "ReplicaCountTransformer",
            Self::Images { .. } => "ImageTagTransformer",
            Self::Replacements(_) => "ReplacementTransformer",
            Self::Hash => "HashTransformer",
        }
    }

    /// Changes the objects.
    pub(crate) fn apply(&self, target: &Target<'_>, resources: &mut Vec<Resource>) -> Result<(), Error> {
        match self {
            Self::StrategicMerge(entries) => patches::strategic_merge(target, entries, resources),
            Self::Patch(patch) => patches::patch(target, patch, resources),
            Self::Namespace { namespace, specs, unset_only, subjects } => {
                namespace::set(resources, namespace, specs, *unset_only, *subjects)
            }
            Self::Prefix { prefix, specs } => names::prefix(resources, prefix, specs),
            Self::Suffix { suffix, specs } => names::suffix(resources, suffix, specs),
            Self::Labels { labels, specs } => labels::set(resources, labels, specs),
            Self::Annotations { annotations, specs } => labels::set(resources, annotations, specs),
            Self::Json6902(patch) => patches::json6902(target, patch, resources),
            Self::Replicas { replica, specs } => replicas::set(resources, replica, specs),
            Self::Images { image, specs } => images::set(resources, image, specs),
            Self::Replacements(replacements) => replacements::run(resources, replacements),
            Self::Hash => crate::generators::add_hashes(resources),
        }
    }
}

/// Runs every transformer of a kustomization, those that it configures apart last.
pub(crate) fn run(target: &Target<'_>, resources: &mut Vec<Resource>) -> Result<(), Error> {
    let Target { kustomization, config, .. } = target;
    // Patches that cannot be read are all named at once.
    crate::error::all(kustomization.patches.iter().map(|patch| patches::check(target, patch)))?;
    for transformer in of(target, kustomization, config)? {
        let origin = Origin::builtin(&target.origin_file(), transformer.kind());
        step(target, &transformer, &origin, resources)?;
    }
    for (transformer, origin) in crate::plugins::transformers(target, &kustomization.transformers, "transformers")? {
        step(target, &transformer, &origin, resources)?;
    }
    Ok(())
}

fn step(
    target: &Target<'_>,
    transformer: &Transformer,
    origin: &Origin,
    resources: &mut Vec<Resource>,
) -> Result<(), Error> {
    transformer.apply(target, resources)?;
    if target.origin.is_some() {
        record(resources, origin);
    }
    Ok(())
}

fn of(target: &Target<'_>, kustomization: &Kustomization, config: &Config) -> Result<Vec<Transformer>, Error> {
    let mut list = Vec::new();
    if !kustomization.patches_strategic_merge.is_empty() {
        list.push(Transformer::StrategicMerge(kustomization.patches_strategic_merge.clone()));
    }
    list.extend(kustomization.patches.iter().cloned().map(Transformer::Patch));
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
    list.extend(kustomization.patches_json6902.iter().cloned().map(Transformer::Json6902));
    let replicas = kustomization.replicas.iter().cloned();
    list.extend(replicas.map(|replica| Transformer::Replicas { replica, specs: config.replicas.to_vec() }));
    let images = kustomization.images.iter().cloned();
    list.extend(images.map(|image| Transformer::Images { image, specs: config.images.to_vec() }));
    if !kustomization.replacements.is_empty() {
        list.push(Transformer::Replacements(read_replacements(target, &kustomization.replacements)?));
    }
    Ok(list)
}

/// The replacements in place and those of files.
pub(crate) fn read_replacements(
    target: &Target<'_>,
    fields: &[ReplacementField],
) -> Result<Vec<ReplacementField>, Error> {
    replacements::read(target, fields)
}
