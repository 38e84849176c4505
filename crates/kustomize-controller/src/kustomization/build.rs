//! From a directory of an artifact and a spec to the objects to apply: engines only, nothing is awaited.

use std::collections::HashMap;
use std::sync::Arc;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use flux_api::kustomize::v1::kustomization::{BuildMetadata, KustomizationSpec, PostBuild, SubstituteStrategy};
use flux_api::kustomize::v1::{GROUP, annotation};
use flux_api::kustomize::{Image, Patch, Selector};
use flux_files::Files;
use flux_kustomize::flux::{self, Prepared};
use flux_kustomize::{Options, Remote};
use flux_objects::{Manifest, Owner, manifests, prepare as prepare_manifests};
use flux_runtime::ObjectKey;
use sha2::{Digest as _, Sha256};

use super::error::BuildError;
use super::observe::Tree;
use super::variables::Variables;

/// What a build depends on beside the files.
#[derive(Clone, Debug)]
pub(super) struct Inputs {
    /// The object's place; it owns what is built.
    pub owner: ObjectKey,
    /// What the object says about its build.
    pub spec: KustomizationSpec,
    /// The variables of `spec.postBuild`.
    pub variables: Variables,
    /// Whether a variable that is neither set nor has a default is an error.
    pub strict: bool,
    /// Fetches what is elsewhere; none where that is not allowed.
    pub remote: Option<Arc<dyn Remote>>,
}

/// The objects of one build.
#[derive(Clone, Debug)]
pub(super) struct Built {
    /// Ready to be applied, in the order of the build.
    pub manifests: Vec<Manifest>,
    /// `sha256:…` of what the build printed.
    pub digest: String,
    /// What the author of the manifests should know.
    pub warnings: Vec<String>,
}

/// The directory that `spec.path` names, from the root of the artifact. It cannot leave the root.
pub(super) fn directory(path: Option<&str>) -> Utf8PathBuf {
    let mut directory = Utf8PathBuf::new();
    for component in Utf8Path::new(path.unwrap_or_default()).components() {
        match component {
            Utf8Component::Normal(name) => directory.push(name),
            Utf8Component::ParentDir => {
                directory.pop();
            }
            Utf8Component::CurDir | Utf8Component::RootDir | Utf8Component::Prefix(_) => {}
        }
    }
    directory
}

/// Builds the object's directory of an artifact that holds nothing encrypted.
pub(super) fn build(tree: &Tree, inputs: &Inputs) -> Result<Built, BuildError> {
    let files = tree.files().map_err(BuildError::Files)?;
    let prepared = prepare(&files, &tree.directory, inputs)?;
    finish(kustomize(&files, &tree.directory, &prepared, inputs)?, inputs)
}

/// The kustomization file of `directory`, with what the object says merged into it.
pub(super) fn prepare(files: &dyn Files, directory: &Utf8Path, inputs: &Inputs) -> Result<Prepared, BuildError> {
    flux::prepare(files, directory, &flux_spec(&inputs.spec)).map_err(BuildError::Kustomize)
}

/// Builds `directory` of `files` with that kustomization file.
pub(super) fn kustomize(
    files: &dyn Files,
    directory: &Utf8Path,
    prepared: &Prepared,
    inputs: &Inputs,
) -> Result<flux_kustomize::Built, BuildError> {
    let options = Options { remote: inputs.remote.clone(), ..Options::default() };
    flux::build_prepared(files, directory, prepared, &options).map_err(BuildError::Kustomize)
}

/// Makes what was built what is to be in the cluster: variables substituted, owner labels and common metadata set, fields
/// normalised.
pub(super) fn finish(mut built: flux_kustomize::Built, inputs: &Inputs) -> Result<Built, BuildError> {
    let Inputs { owner, spec, variables, strict, remote: _ } = inputs;
    if let Some(post_build) = &spec.post_build {
        flux::substitute(&mut built, &substitution(post_build, variables, *strict)).map_err(BuildError::PostBuild)?;
    }
    let (mut manifests, digest) = documents(&built)?;
    refuse_encrypted(&manifests)?;
    let dropped = prepare_manifests(&mut manifests, &owner_of(owner), spec.common_metadata.as_ref());
    let dropped = dropped.into_iter().map(|field| format!("{} has no field {}", field.object, field.path));
    let warnings = built.warnings.into_iter().chain(dropped).collect();
    Ok(Built { manifests, digest, warnings })
}

/// The objects with the files that they came from, and the digest of their YAML as `kustomize build` prints it.
fn documents(built: &flux_kustomize::Built) -> Result<(Vec<Manifest>, String), BuildError> {
    let mut documents = Vec::with_capacity(built.resources.len());
    let mut hasher = Sha256::new();
    let mut files: HashMap<&Utf8Path, Arc<str>> = HashMap::new();
    for (index, resource) in built.resources.iter().enumerate() {
        if resource.name().is_empty() || resource.kind().is_empty() || resource.api_version().is_empty() {
            return Err(BuildError::Unidentified { origin: resource.origin().map(Utf8Path::to_owned) });
        }
        if index > 0 {
            hasher.update("---\n");
        }
        hasher.update(resource.to_yaml().map_err(BuildError::Kustomize)?);
        let json = resource.to_json().map_err(BuildError::Kustomize)?;
        let origin = resource.origin();
        let file = origin.map(|path| Arc::clone(files.entry(path).or_insert_with(|| path.as_str().into())));
        let found = manifests([json]).map_err(BuildError::Object)?;
        documents.extend(found.into_iter().map(|manifest| manifest.from_file(file.clone())));
    }
    Ok((documents, format!("sha256:{}", hex::encode(hasher.finalize()))))
}

/// Ciphertext in the cluster would be taken for the secret itself.
fn refuse_encrypted(manifests: &[Manifest]) -> Result<(), BuildError> {
    let encrypted = |manifest: &&Manifest| {
        manifest.is_secret()
            && manifest.as_map().contains_key("sops")
            && !manifest
                .annotation(annotation::DECRYPT)
                .is_some_and(|value| value.eq_ignore_ascii_case(annotation::DISABLED))
    };
    match manifests.iter().find(encrypted) {
        Some(manifest) => Err(BuildError::Encrypted { object: manifest.id() }),
        None => Ok(()),
    }
}

/// The owner that the object at `key` is to what it applies.
pub(super) fn owner_of(key: &ObjectKey) -> Owner {
    Owner { group: GROUP.to_owned(), name: key.name.clone(), namespace: key.namespace.clone() }
}

fn substitution(post_build: &PostBuild, variables: &Variables, strict: bool) -> flux::Substitution {
    let strategy = match post_build.substitute_strategy.unwrap_or_default() {
        SubstituteStrategy::WithVariables => flux::Strategy::WithVariables,
        SubstituteStrategy::Always => flux::Strategy::Always,
    };
    flux::Substitution { variables: variables.as_map().clone(), strict, strategy }
}

fn flux_spec(spec: &KustomizationSpec) -> flux::Spec {
    let metadata = |metadata: &BuildMetadata| match metadata {
        BuildMetadata::OriginAnnotations => "originAnnotations".to_owned(),
        BuildMetadata::TransformerAnnotations => "transformerAnnotations".to_owned(),
    };
    flux::Spec {
        target_namespace: spec.target_namespace.clone(),
        name_prefix: spec.name_prefix.clone(),
        name_suffix: spec.name_suffix.clone(),
        patches: spec.patches.iter().map(flux_patch).collect(),
        components: spec.components.clone(),
        ignore_missing_components: spec.ignore_missing_components,
        images: spec.images.iter().map(flux_image).collect(),
        build_metadata: spec.build_metadata.iter().map(metadata).collect(),
    }
}

fn flux_patch(patch: &Patch) -> flux::Patch {
    flux::Patch { patch: patch.patch.clone(), target: patch.target.as_ref().map(flux_selector) }
}

fn flux_selector(selector: &Selector) -> flux::Selector {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    flux::Selector {
        group: text(&selector.group),
        version: text(&selector.version),
        kind: text(&selector.kind),
        name: text(&selector.name),
        namespace: text(&selector.namespace),
        label_selector: text(&selector.label_selector),
        annotation_selector: text(&selector.annotation_selector),
    }
}

fn flux_image(image: &Image) -> flux::Image {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    flux::Image {
        name: image.name.clone(),
        new_name: text(&image.new_name),
        new_tag: text(&image.new_tag),
        digest: text(&image.digest),
    }
}
