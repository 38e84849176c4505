//! Transformers and generators that a kustomization configures by objects of their own, in place or in files.
//!
//! Only those that are part of kustomize are known; programs are never started.

use std::collections::BTreeMap;

use crate::Error;
use crate::accumulate::{Build, Gathered};
use crate::config::Spec;
use crate::kustomization::{Generator, Image, Patch, ReplacementField, Replica, Selector};
use crate::load::objects;
use crate::origin::{BUILTIN, Origin};
use crate::record::{Field, Mode, record};
use crate::resource::Resource;
use crate::target::Target;
use crate::transformers::{
    Subjects, Transformer, ValueAdd, ValueTarget, prepare, prepare_json6902, prepare_merges, read_replacements,
};

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
        value: String = "value",
        targets: Vec<ValueTarget> = "targets",
        target_file: String = "targetFilePath",
    }
    #[doc = "A ServiceAccount that stands for one of a cloud's."]
    struct IamPolicy {
        cloud: String = "cloud",
        account: IamAccount = "kubernetesService",
        cloud_account: IamCloudAccount = "serviceAccount",
    }
    #[doc = "The ServiceAccount in the cluster."]
    struct IamAccount {
        name: String = "name",
        namespace: String = "namespace",
    }
    #[doc = "The service account of the cloud."]
    struct IamCloudAccount {
        name: String = "name",
        project: String = "projectId",
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

/// A generator that has been configured.
#[derive(Clone, Debug)]
pub(crate) enum Generating {
    /// A ConfigMap or a Secret.
    Data(Made, Box<Generator>),
    /// A ServiceAccount bound to one of a cloud's.
    Account(IamPolicy),
}

/// The transformers that the entries of a field configure.
pub(crate) fn transformers(target: &Target<'_>, entries: &[String]) -> Result<Vec<(Transformer, Origin)>, Error> {
    let mut list = Vec::new();
    for (resource, origin) in configurations(target, entries)? {
        builtin(&resource)?;
        let failed = |err: Error| err.during(format!("plugin {} fails configuration", resource.id()));
        let made = settings::<Settings>(&resource).and_then(|settings| transformer(target, &resource, settings));
        list.push((made.map_err(failed)?, origin));
    }
    Ok(list)
}

/// The generators that the entries of `generators` configure.
pub(crate) fn generators(target: &Target<'_>, entries: &[String]) -> Result<Vec<(Generating, Origin)>, Error> {
    let configured = configurations(target, entries)?;
    let load = |(resource, origin): &(Resource, Origin)| {
        builtin(resource)?;
        let failed = |err: Error| err.during(format!("plugin {} fails configuration", resource.id()));
        let made = match resource.kind() {
            "ConfigMapGenerator" => Made::ConfigMap,
            "SecretGenerator" => Made::Secret,
            "IAMPolicyGenerator" => {
                return Ok((Generating::Account(settings(resource).map_err(failed)?), origin.clone()));
            }
            HELM => return Err(failed(Error::invalid(NO_HELM))),
            _ => return Err(Error::invalid(format!("plugin {} not a generator", resource.id()))),
        };
        let mut generator = settings::<Generator>(resource).map_err(failed)?;
        let Metadata { name, namespace } = settings::<Named>(resource)?.metadata;
        if generator.name.is_empty() {
            generator.name = name;
        }
        if generator.namespace.is_empty() {
            generator.namespace = namespace;
        }
        Ok((Generating::Data(made, Box::new(generator)), origin.clone()))
    };
    configured.iter().map(load).map(|made| made.map_err(|err: Error| err.during("failed to load generator"))).collect()
}

/// The generator that would need Helm.
pub(crate) const HELM: &str = "HelmChartInflationGenerator";
/// How upstream refuses it while Helm is switched off.
pub(crate) const NO_HELM: &str = "must specify --enable-helm";

/// Refuses what is not part of kustomize itself.
fn builtin(resource: &Resource) -> Result<(), Error> {
    if resource.api_version() != BUILTIN {
        let kind = resource.kind();
        return Err(Error::invalid(format!("external plugins disabled; unable to load external plugin '{kind}'")));
    }
    if KINDS.contains(&resource.kind()) {
        return Ok(());
    }
    Err(Error::invalid(format!("unable to load builtin {}", resource.gvk().to_owned())))
}

/// The generators and transformers of kustomize.
const KINDS: [&str; 18] = [
    "AnnotationsTransformer",
    "ConfigMapGenerator",
    "HashTransformer",
    HELM,
    "IAMPolicyGenerator",
    "ImageTagTransformer",
    "LabelTransformer",
    "NamespaceTransformer",
    "PatchJson6902Transformer",
    "PatchStrategicMergeTransformer",
    "PatchTransformer",
    "PrefixSuffixTransformer",
    "PrefixTransformer",
    "ReplacementTransformer",
    "ReplicaCountTransformer",
    "SecretGenerator",
    "SuffixTransformer",
    "ValueAddTransformer",
];

fn settings<T: Field>(resource: &Resource) -> Result<T, Error> {
    // As it is printed, so that keys that the older YAML takes for something else are quoted.
    let text = resource.to_yaml()?;
    let node = flux_yaml::parse(&text, flux_yaml::Limits::default()).map_err(|err| Error::invalid(err.to_string()))?;
    T::read(node.as_ref().unwrap_or(&resource.node), Mode::Lenient).map_err(|problem| {
        Error::invalid(format!("error unmarshaling JSON: {}: line {}", problem.message, problem.line))
    })
}

/// The objects that the entries hold or name.
fn configurations(target: &Target<'_>, entries: &[String]) -> Result<Vec<(Resource, Origin)>, Error> {
    let mut list: Vec<(Resource, Origin)> = Vec::new();
    let mut paths = Vec::new();
    for entry in entries {
        match objects(entry, &target.directory.join(&target.file), &target.file) {
            Ok(resources) => {
                list.extend(resources.into_iter().map(|resource| {
                    let origin = Origin::configured(target.origin_file(), &resource);
                    (resource, origin)
                }));
            }
            Err(_) => paths.push(entry.clone()),
        }
    }
    let mut gathered = Gathered::default();
    Build::within(target).add_resources(target, &paths, &mut gathered)?;
    list.extend(gathered.resources.into_iter().map(|resource| {
        let file = match &resource.recorded {
            Some(Origin::File(file)) => file.clone(),
            Some(Origin::Configured { .. }) | None => target.origin.clone().unwrap_or_default(),
        };
        let origin = Origin::configured(file, &resource);
        (resource, origin)
    }));
    Ok(list)
}

fn transformer(target: &Target<'_>, resource: &Resource, settings: Settings) -> Result<Transformer, Error> {
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
    let config = || resource.to_yaml().unwrap_or_default();
    Ok(match resource.kind() {
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
            Transformer::Affixes { prefix: settings.prefix, suffix: settings.suffix, specs }
        }
        "PatchTransformer" => Transformer::Patch(prepare(target, &patch(settings.patch.clone()), &config)?),
        "PatchJson6902Transformer" => {
            Transformer::Json6902(prepare_json6902(target, &patch(settings.json_op.clone()))?)
        }
        "PatchStrategicMergeTransformer" => {
            let in_place = Some(settings.patches.as_str()).filter(|patches| !patches.is_empty());
            if settings.paths.is_empty() && in_place.is_none() {
                return Err(Error::invalid("empty file path and empty patch content"));
            }
            Transformer::StrategicMerge(prepare_merges(target, &settings.paths, in_place)?)
        }
        "ReplacementTransformer" => Transformer::Replacements(read_replacements(target, &settings.replacements)?),
        "ValueAddTransformer" => {
            let Settings { value, targets, target_file, .. } = settings;
            Transformer::ValueAdd(ValueAdd::prepare(target, &value, targets, &target_file)?)
        }
        _ => return Err(Error::invalid(format!("plugin {} not a transformer", resource.id()))),
    })
}

pub(crate) fn subjects(mode: &str) -> Result<Subjects, Error> {
    match mode {
        "" | "defaultOnly" => Ok(Subjects::Default),
        "allServiceAccounts" => Ok(Subjects::ServiceAccounts),
        "none" => Ok(Subjects::None),
        other => Err(Error::invalid(format!(
            "invalid value {other:?} for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or \"allServiceAccounts\""
        ))),
    }
}
