//! Transformers and generators that a kustomization configures by objects of their own, in place or in files.
//!
//! Only those that are part of kustomize are known; programs are never started.

use std::collections::BTreeMap;

use flux_yaml::{Limits, Node};

use crate::Error;
use crate::accumulate::{Build, Target};
use crate::config::Spec;
use crate::kustomization::{Generator, Image, Patch, ReplacementField, Replica, Selector};
use crate::load::{check, read_objects};
use crate::origin::{BUILTIN, Origin, join};
use crate::record::{Field, Mode, record};
use crate::resource::Resource;
use crate::transformers::{Subjects, Transformer, read_replacements};

type Strings = BTreeMap<String, String>;

record! {
    #[doc = "The name and namespace of a configuration."]
    struct Metadata {
        name: String = "name",
        namespace: String = "namespace",
    }
    #[doc = "Everything that a transformer's configuration may hold; which of it counts is its kind's."]
    struct Settings {
        metadata: Metadata = "metadata",
        field_specs: Option<Vec<Spec>> = "fieldSpecs",
        unset_only: bool = "unsetOnly",
        set_role_binding_subjects: String = "setRoleBindingSubjects",
        prefix: String = "prefix",
        suffix: String = "suffix",
        labels: Strings = "labels",
        annotations: Strings = "annotations",
        image_tag: Image = "imageTag",
        replica: Replica = "replica",
        paths: Vec<String> = "paths",
        patches: String = "patches",
        path: String = "path",
        patch: String = "patch",
        json_op: String = "jsonOp",
        target: Option<Selector> = "target",
        options: Option<crate::kustomization::PatchOptions> = "options",
        replacements: Vec<ReplacementField> = "replacements",
    }
    #[doc = "The part of a generator's configuration that names it."]
    struct Named {
        metadata: Metadata = "metadata",
    }
}

/// Which of the two kinds of objects a generator makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    ConfigMap,
    Secret,
}

impl Made {
    /// The kind by which upstream knows the generator.
    pub(crate) fn generator(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMapGenerator",
            Self::Secret => "SecretGenerator",
        }
    }
}

/// The transformers that the entries of a field configure.
pub(crate) fn transformers(
    target: &Target<'_>,
    entries: &[String],
    field: &str,
) -> Result<Vec<(Transformer, Origin)>, Error> {
    let mut list = Vec::new();
    for (resource, origin) in configurations(target, entries, field)? {
        let failed = |err: Error| err.during(format!("plugin {} fails configuration", resource.id()));
        let settings = settings::<Settings>(&resource).map_err(failed)?;
        let made = transformer(target, resource.kind(), settings).map_err(failed)?;
        list.extend(made.into_iter().map(|transformer| (transformer, origin.clone())));
    }
    Ok(list)
}

/// The generators that the entries of `generators` configure.
pub(crate) fn generators(target: &Target<'_>, entries: &[String]) -> Result<Vec<(Made, Generator, Origin)>, Error> {
    let mut list = Vec::new();
    for (resource, origin) in configurations(target, entries, "generators")? {
        let made = match resource.kind() {
            "ConfigMapGenerator" => Made::ConfigMap,
            "SecretGenerator" => Made::Secret,
            kind => return Err(Error::invalid(format!("failed to load generator: unable to load builtin {kind}"))),
        };
        let failed = |err: Error| err.during(format!("plugin {} fails configuration", resource.id()));
        let mut generator = settings::<Generator>(&resource).map_err(failed)?;
        let Metadata { name, namespace } = settings::<Named>(&resource)?.metadata;
        if generator.name.is_empty() {
            generator.name = name;
        }
        if generator.namespace.is_empty() {
            generator.namespace = namespace;
        }
        list.push((made, generator, origin));
    }
    Ok(list)
}

fn settings<T: Field>(resource: &Resource) -> Result<T, Error> {
    T::read(&resource.node, Mode::Lenient)
        .map_err(|problem| Error::invalid(format!("line {}: {}", problem.line, problem.message)))
}

/// The objects that the entries hold or name.
fn configurations(target: &Target<'_>, entries: &[String], field: &str) -> Result<Vec<(Resource, Origin)>, Error> {
    let base = target.origin.as_deref().unwrap_or_default();
    let mut list: Vec<(Resource, Origin)> = Vec::new();
    let mut paths = Vec::new();
    for entry in entries {
        match in_place(entry) {
            Some(resources) => {
                let file = target.origin_file();
                list.extend(resources.into_iter().map(|resource| {
                    let origin = Origin::configured(&file, &resource);
                    (resource, origin)
                }));
            }
            None => paths.push(entry),
        }
    }
    for path in paths {
        let step = |err: Error| err.during(format!("{field}: accumulating resources from '{path}'"));
        let place = target.place(path).map_err(step)?;
        let resources = match target.files.kind(&place).map_err(|err| step(err.into()))? {
            flux_files::Kind::File => read_objects(target.files, &place).map_err(step)?,
            flux_files::Kind::Directory => Build::within(target, path).resources(&place).map_err(step)?,
        };
        for resource in resources {
            let file = match &resource.recorded {
                Some(Origin::File(file)) => file.clone(),
                _ => join(base, path),
            };
            let origin = Origin::configured(&file, &resource);
            list.push((resource, origin));
        }
    }
    match list.iter().find(|(resource, _)| resource.api_version() != BUILTIN) {
        Some((resource, _)) => Err(Error::invalid(format!(
            "{field}: external plugins disabled; unable to load external plugin '{}'",
            resource.kind()
        ))),
        None => Ok(list),
    }
}

/// The objects of an entry that is no path.
fn in_place(entry: &str) -> Option<Vec<Resource>> {
    let nodes = flux_yaml::parse_all(entry, Limits::default()).ok()?;
    let objects = nodes.iter().all(|node| check(node).is_ok());
    (objects && !nodes.is_empty()).then(|| nodes.into_iter().map(|node: Node| Resource::new(node, None)).collect())
}

fn transformer(target: &Target<'_>, kind: &str, settings: Settings) -> Result<Vec<Transformer>, Error> {
    let given = settings.field_specs.is_some();
    let specs = settings.field_specs.unwrap_or_default();
    let needs_specs = || {
        if given { Ok(()) } else { Err(Error::invalid("fieldSpecs is not expected to be nil")) }
    };
    let patch = |text: String| Patch {
        path: settings.path.clone(),
        text,
        target: settings.target.clone(),
        options: settings.options.clone(),
    };
    Ok(vec![match kind {
        "AnnotationsTransformer" => Transformer::Annotations { annotations: settings.annotations, specs },
        "LabelTransformer" => Transformer::Labels { labels: settings.labels, specs },
        "HashTransformer" => Transformer::Hash,
        "ImageTagTransformer" => Transformer::Images { image: settings.image_tag, specs },
        "ReplicaCountTransformer" => Transformer::Replicas { replica: settings.replica, specs },
        "NamespaceTransformer" => Transformer::Namespace {
            namespace: settings.metadata.namespace,
            specs,
            unset_only: settings.unset_only,
            subjects: subjects(&settings.set_role_binding_subjects)?,
        },
        "PrefixTransformer" => {
            needs_specs()?;
            Transformer::Prefix { prefix: settings.prefix, specs }
        }
        "SuffixTransformer" => {
            needs_specs()?;
            Transformer::Suffix { suffix: settings.suffix, specs }
        }
        "PrefixSuffixTransformer" => {
            needs_specs()?;
            let prefix = Transformer::Prefix { prefix: settings.prefix, specs: specs.clone() };
            return Ok(vec![prefix, Transformer::Suffix { suffix: settings.suffix, specs }]);
        }
        "PatchTransformer" => Transformer::Patch(patch(settings.patch.clone())),
        "PatchJson6902Transformer" => Transformer::Json6902(patch(settings.json_op.clone())),
        "PatchStrategicMergeTransformer" => {
            let in_place = Some(settings.patches).filter(|patches| !patches.is_empty());
            let entries: Vec<String> = settings.paths.into_iter().chain(in_place).collect();
            if entries.is_empty() {
                return Err(Error::invalid("empty file path and empty patch content"));
            }
            Transformer::StrategicMerge(entries)
        }
        "ReplacementTransformer" => Transformer::Replacements(read_replacements(target, &settings.replacements)?),
        kind => return Err(Error::invalid(format!("unable to load builtin {kind}"))),
    }])
}

fn subjects(mode: &str) -> Result<Subjects, Error> {
    match mode {
        "" | "defaultOnly" => Ok(Subjects::Default),
        "allServiceAccounts" => Ok(Subjects::ServiceAccounts),
        "none" => Ok(Subjects::None),
        other => Err(Error::invalid(format!(
            "invalid value {other:?} for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or \"allServiceAccounts\""
        ))),
    }
}
