//! Labels and annotations.

use std::collections::BTreeMap;

use flux_yaml::Node;

use crate::Error;
use crate::config::{Config, Spec, merged};
use crate::fields::{Leaf, visit};
use crate::kustomization::Kustomization;
use crate::resource::{Resource, plain_key};

const METADATA: Spec = Spec::fixed("", "", "", "metadata/labels", true);

/// `labels`, then `commonLabels`.
pub(crate) fn labels(resources: &mut [Resource], kustomization: &Kustomization, config: &Config) -> Result<(), Error> {
    for label in &kustomization.labels {
        let mut specs = label.fields.clone();
        if label.include_selectors {
            specs = merged(&specs, &config.common_labels)?;
        } else {
            if label.include_templates {
                specs = merged(&specs, &config.template_labels)?;
            }
            specs = merged(&specs, &[METADATA])?;
            specs = merged(&specs, &config.labels)?;
        }
        set(resources, &label.pairs, &specs)?;
    }
    set(resources, &kustomization.common_labels, &config.common_labels)
}

pub(crate) fn annotations(
    resources: &mut [Resource],
    annotations: &BTreeMap<String, String>,
    config: &Config,
) -> Result<(), Error> {
    set(resources, annotations, &config.common_annotations)
}

fn set(resources: &mut [Resource], pairs: &BTreeMap<String, String>, specs: &[Spec]) -> Result<(), Error> {
    if pairs.is_empty() {
        return Ok(());
    }
    for resource in resources {
        let gvk = resource.gvk();
        for spec in specs {
            visit(&mut resource.node, &gvk, spec, Leaf::Mapping, &mut |node| put(node, pairs))?;
        }
    }
    Ok(())
}

fn put(node: &mut Node, pairs: &BTreeMap<String, String>) -> Result<(), Error> {
    if !node.is_mapping() {
        return Err(Error::invalid("expected a mapping of labels or annotations"));
    }
    for (key, value) in pairs {
        match node.get_mut(key) {
            Some(old) => *old = Node::string(value.as_str()),
            None => {
                if let Some(entries) = node.entries_mut() {
                    entries.push((plain_key(key), Node::string(value.as_str())));
                }
            }
        }
    }
    Ok(())
}
