//! Labels and annotations.

use std::collections::{BTreeMap, BTreeSet};

use flux_yaml::{Content, Node};

use super::Transformer;
use crate::Error;
use crate::config::{Config, Spec, merged};
use crate::fields::{Leaf, Places};
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
    let mut places = Places::new(specs);
    for resource in resources {
        for (key, value) in pairs {
            resource.links += 1;
            let mut put = Put { key, value, link: resource.links, linked: BTreeSet::new() };
            for place in places.of(resource.gvk()) {
                place.visit(&mut resource.node, Leaf::Mapping, &mut |node| put.set_in(node))?;
            }
            if !put.linked.is_empty() {
                put.follow(&mut resource.node);
            }
        }
    }
    Ok(())
}

/// One label or annotation on its way into an object.
///
/// Where one run adds it in several places, upstream puts one and the same node there. A later run that sets it in
/// one of them thereby sets it in all, selectors and templates included.
struct Put<'p> {
    key: &'p str,
    value: &'p str,
    link: u32,
    linked: BTreeSet<u32>,
}

impl Put<'_> {
    fn set_in(&mut self, node: &mut Node) -> Result<(), Error> {
        if !node.is_mapping() {
            return Err(Error::invalid("expected a mapping of labels or annotations"));
        }
        match node.get_mut(self.key) {
            Some(old) => {
                if old.link != 0 {
                    self.linked.insert(old.link);
                }
                *old = Node { link: old.link, ..Node::string(self.value) };
            }
            None => {
                if let Some(entries) = node.entries_mut() {
                    entries.push((plain_key(self.key), Node { link: self.link, ..Node::string(self.value) }));
                }
            }
        }
        Ok(())
    }

    /// Sets the value wherever a node that was set is linked to.
    fn follow(&self, node: &mut Node) {
        match &mut node.content {
            Content::Scalar(_) if self.linked.contains(&node.link) => {
                *node = Node { link: node.link, ..Node::string(self.value) };
            }
            Content::Scalar(_) => {}
            Content::Sequence(items) => items.iter_mut().for_each(|item| self.follow(item)),
            Content::Mapping(entries) => entries.iter_mut().for_each(|(_, value)| self.follow(value)),
        }
    }
}
