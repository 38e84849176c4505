//! Labels and annotations.

use std::collections::BTreeMap;

use flux_yaml::Node;

use super::Transformer;
use crate::Error;
use crate::config::{Config, Spec, merged};
use crate::fields::{Leaf, visit};
use crate::kustomization::Kustomization;
use crate::resource::{Resource, plain_key};

const METADATA: Spec = Spec::fixed("", "", "", "metadata/labels", true);

/// `labels`, then `commonLabels`, which upstream runs even when they are empty.
pub(crate) fn of(kustomization: &Kustomization, config: &Config) -> Result<Vec<Transformer>, Error> {
    if kustomization.labels.is_empty() && kustomization.common_labels.is_empty() {
        return Ok(Vec::new());
    }
    let mut list = Vec::new();
    for label in &kustomization.labels {
        let mut specs = merged(&label.fields, &config.labels)?;
        if label.include_selectors {
            specs = merged(&specs, &config.common_labels)?;
        } else {
            if label.include_templates {
                specs = merged(&specs, &config.template_labels)?;
            }
            specs = merged(&specs, &[METADATA])?;
        }
        list.push(Transformer::Labels { labels: label.pairs.clone(), specs });
    }
    let (labels, specs) = (kustomization.common_labels.clone(), config.common_labels.to_vec());
    list.push(Transformer::Labels { labels, specs });
    Ok(list)
}

/// Puts the pairs into every mapping that the specs name.
pub(crate) fn set(resources: &mut [Resource], pairs: &BTreeMap<String, String>, specs: &[Spec]) -> Result<(), Error> {
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
