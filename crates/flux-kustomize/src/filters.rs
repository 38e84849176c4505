//! Single changes of objects, apart from a build: what kustomize calls filters.
//!
//! A build does all of this by itself. Here each change can be had alone, with the settings that kustomize's filter of
//! the same name takes.

use flux_yaml::{Limits, Node};
use serde_json::Value;

use crate::config::{Config, References, Spec};
use crate::id::Id;
use crate::kustomization::{Image, Replica};
use crate::merge::{self, Rules};
use crate::plugins::{IamPolicy, subjects};
use crate::record::{Field as _, Mode, record};
use crate::resource::Resource;
use crate::schema::Schemas;
use crate::transformers::single;
use crate::{Error, generators, json_patch, references};

type Strings = std::collections::BTreeMap<String, String>;

/// How lists of a merge are taken that no schema knows, and where new elements go.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lists {
    /// Whether lists merge by `name` where all elements have one and no schema says otherwise.
    pub infer: bool,
    /// Whether the patch's elements come before the target's, as they do in a build.
    pub patch_first: bool,
}

/// `target` with a strategic merge patch laid over it, keys in the target's order; empty where nothing is left.
pub fn merge(target: &str, patch: &str, lists: Lists) -> Result<String, Error> {
    let schemas = Schemas::default();
    let rules = Rules { schemas: &schemas, infer: lists.infer, patch_first: lists.patch_first };
    let merged = merge::merge(parse(target)?, &parse(patch)?, rules)?;
    Ok(merged.map(|node| flux_yaml::print_styled(&node)).unwrap_or_default())
}

fn parse(text: &str) -> Result<Node, Error> {
    let node = flux_yaml::parse(text, Limits::default()).map_err(|err| Error::invalid(err.to_string()))?;
    Ok(node.unwrap_or_else(Node::null))
}

record! {
    #[doc = "The settings of all filters; which of them count is the filter's to say."]
    struct Settings {
        labels: Strings = "labels",
        annotations: Strings = "annotations",
        specs: Vec<Spec> = "fsSlice",
        field_specs: Vec<Spec> = "fieldSpecs",
        field_spec: Option<Spec> = "fieldSpec",
        image_tag: Image = "imageTag",
        namespace: String = "namespace",
        unset_only: bool = "unsetOnly",
        subjects: String = "setRoleBindingSubjects",
        patch: Value = "patch",
        prefix: String = "prefix",
        suffix: String = "suffix",
        replica: Replica = "replica",
        value: String = "value",
        field_path: String = "fieldPath",
        position: i64 = "filePathPosition",
        policy: IamPolicy = "IAMPolicyGenerator",
        referrer: Value = "referrer",
        name_field: Option<Spec> = "nameFieldToUpdate",
        referral: Spec = "referralTarget",
    }
}

/// The objects of `input` as the filter changes them, and those that it makes. The filters are those of kustomize's
/// `api/filters`, by the names of their packages; the name references' candidates are the objects behind the first.
pub fn apply(filter: &str, settings: &Value, input: &str) -> Result<String, Error> {
    // As text, so that strings are quoted and stay strings.
    let settings = Settings::read(&parse(&settings.to_string())?, Mode::Lenient)
        .map_err(|problem| Error::invalid(problem.message))?;
    let nodes = flux_yaml::parse_all(input, Limits::default()).map_err(|err| Error::invalid(err.to_string()))?;
    let mut resources: Vec<Resource> = nodes.into_iter().map(|node| Resource::new(node, None)).collect();
    change(filter, &settings, &mut resources)?;
    Ok(resources.iter().map(|resource| flux_yaml::print_styled(&resource.node)).collect::<Vec<_>>().join("---\n"))
}

fn change(filter: &str, settings: &Settings, resources: &mut Vec<Resource>) -> Result<(), Error> {
    let one: Vec<Spec> = settings.field_spec.iter().chain(&settings.field_specs).cloned().collect();
    match filter {
        "annotations" => single::labels(resources, &settings.annotations, &settings.specs),
        "labels" => single::labels(resources, &settings.labels, &settings.specs),
        "imagetag" => single::images_in_fields(resources, &settings.image_tag, &settings.field_specs),
        "imagetag.Legacy" => single::images_in_containers(resources, &settings.image_tag),
        "namespace" => {
            let Settings { namespace, field_specs, unset_only, .. } = settings;
            single::namespace(resources, namespace, field_specs, *unset_only, subjects(&settings.subjects)?)
        }
        "prefix" => single::prefix(resources, &settings.prefix, &one),
        "suffix" => single::suffix(resources, &settings.suffix, &one),
        "replicacount" => single::replicas(resources, &settings.replica, &one),
        "patchjson6902" => {
            let text = settings.patch.as_str().unwrap_or_default();
            let operations = json_patch::parse(text)?;
            resources.iter_mut().try_for_each(|resource| single::operations(resource, &operations))
        }
        "patchstrategicmerge" => merge_each(resources, &flux_yaml::from_json(&settings.patch)),
        "valueadd" => {
            let Settings { field_path, position, value, .. } = settings;
            let position = usize::try_from(*position).unwrap_or_default();
            resources.iter_mut().try_for_each(|resource| single::value(&mut resource.node, field_path, position, value))
        }
        "iampolicygenerator" => {
            resources.push(generators::account(&settings.policy)?);
            Ok(())
        }
        "nameref" => follow_names(settings, resources),
        other => Err(Error::invalid(format!("there is no filter {other:?}"))),
    }
}

/// Lays a patch over all objects; what it deletes is gone.
fn merge_each(resources: &mut Vec<Resource>, patch: &Node) -> Result<(), Error> {
    let schemas = Schemas::default();
    let mut kept = Vec::with_capacity(resources.len());
    for mut resource in resources.drain(..) {
        let node = std::mem::replace(&mut resource.node, Node::null());
        if let Some(node) = merge::merge(node, patch, Rules::new(&schemas))? {
            resource.node = node;
            kept.push(resource);
        }
    }
    *resources = kept;
    Ok(())
}

/// Updates one reference of the first object; what the objects were called before is in their annotations.
fn follow_names(settings: &Settings, resources: &mut Vec<Resource>) -> Result<(), Error> {
    let specs = settings.name_field.iter().cloned().collect::<Vec<_>>();
    let Spec { group, version, kind, .. } = settings.referral.clone();
    let mut config = Config::empty();
    config.add_references(&References { group, version, kind, specs: specs.into() })?;
    for resource in resources.iter_mut() {
        recall(resource);
    }
    if let Some(first) = resources.first_mut() {
        let mut referrer = Resource::new(flux_yaml::from_json(&settings.referrer), None);
        recall(&mut referrer);
        (first.prefixes, first.suffixes) = (referrer.prefixes, referrer.suffixes);
    }
    references::update(resources, &config)?;
    resources.truncate(1);
    Ok(())
}

/// Takes the names that upstream keeps in an object's annotations into its history.
fn recall(resource: &mut Resource) {
    let list = |resource: &mut Resource, name: &str| -> Vec<String> {
        let name = format!("internal.config.kubernetes.io/{name}");
        let text = resource.annotation(&name).map(str::to_owned);
        if text.is_some() {
            resource.remove_annotation(&name);
        }
        text.iter().flat_map(|text| text.split(',')).map(str::to_owned).collect()
    };
    resource.prefixes = list(resource, "prefixes");
    resource.suffixes = list(resource, "suffixes");
    let names = list(resource, "previousNames");
    let namespaces = list(resource, "previousNamespaces");
    let kinds = list(resource, "previousKinds");
    for ((name, namespace), kind) in names.into_iter().zip(namespaces).zip(kinds) {
        let current = resource.id();
        let gvk = crate::id::Gvk { kind, ..current.gvk.clone() };
        resource.earlier.push(Id { gvk, name, namespace, cluster_scoped: current.cluster_scoped });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_merge_by_inferred_names_at_either_end() {
        let merged = |infer, patch_first| {
            merge("a: [{name: x, v: 1}]", "a: [{name: y}, {name: x, v: 2}]", Lists { infer, patch_first }).unwrap()
        };
        assert_eq!(merged(true, true), "a: [{name: y}, {name: x, v: 2}]\n");
        assert_eq!(merged(true, false), "a: [{name: x, v: 2}, {name: y}]\n");
        assert_eq!(merged(false, true), "a: [{name: y}, {name: x, v: 2}]\n");
    }

    #[test]
    fn what_is_empty_takes_the_patchs_form() {
        let merged = merge("a: {}\nb: []\n", "a:\n  d: 1\n  c: 2\nb:\n- x\n", Lists::default()).unwrap();
        assert_eq!(merged, "a:\n  c: 2\n  d: 1\nb:\n- x\n");
    }

    #[test]
    fn filters_are_known_by_name() {
        let object = "kind: A\nmetadata: {name: a}\n";
        let applied = apply("prefix", &json!({"prefix": "p-", "fieldSpec": {"path": "metadata/name"}}), object);
        assert_eq!(applied.unwrap(), "kind: A\nmetadata: {name: p-a}\n");
        assert!(apply("nothing", &json!({}), object).is_err());
    }

    #[test]
    fn descriptions_of_kinds_hold_no_images() {
        let settings = json!({"imageTag": {"name": "a", "newName": "b"}, "fieldSpecs": [{"path": "spec/image"}]});
        for (kind, image) in [("CustomResourceDefinition", "a"), ("Thing", "b")] {
            let changed = apply("imagetag", &settings, &format!("kind: {kind}\nspec: {{image: a}}\n")).unwrap();
            assert_eq!(changed, format!("kind: {kind}\nspec: {{image: {image}}}\n"));
        }
    }

    #[test]
    fn names_are_followed_to_objects_that_had_them() {
        let input = "kind: A\nmetadata: {name: a}\nref: old\n---\nkind: B\nmetadata:\n  name: new\n  annotations:\n    \
                     internal.config.kubernetes.io/previousNames: old\n    \
                     internal.config.kubernetes.io/previousNamespaces: default\n    \
                     internal.config.kubernetes.io/previousKinds: B\n";
        let settings = json!({"NameFieldToUpdate": {"path": "ref"}, "ReferralTarget": {"kind": "B"}});
        assert_eq!(apply("nameref", &settings, input).unwrap(), "kind: A\nmetadata: {name: a}\nref: new\n");
    }
}
