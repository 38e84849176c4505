//! Names that follow the objects that they mean when those are renamed.

use std::collections::HashMap;

use flux_yaml::{Content, Node};

use crate::Error;
use crate::config::{Config, References};
use crate::fields::{Leaf, visit};
use crate::id::{Gvk, Id};
use crate::resource::Resource;

const BINDINGS: [&str; 2] = ["RoleBinding", "ClusterRoleBinding"];

/// What a referrer needs to know of an object that it may mean.
struct Candidate {
    current: Id,
    earlier: Vec<Id>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

/// The object that holds the reference.
struct Referrer {
    id: Id,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
    /// The kind that a binding's roleRef names, with its group.
    role: Option<(String, String)>,
}

/// Updates every reference of every object.
pub(crate) fn update(resources: &mut [Resource], config: &Config) -> Result<(), Error> {
    let candidates: Vec<Candidate> = resources
        .iter()
        .map(|resource| Candidate {
            current: resource.id(),
            earlier: resource.earlier.clone(),
            prefixes: resource.prefixes.clone(),
            suffixes: resource.suffixes.clone(),
        })
        .collect();
    let mut by_earlier_name: HashMap<&str, Vec<&Candidate>> = HashMap::new();
    for candidate in &candidates {
        for id in &candidate.earlier {
            let known = by_earlier_name.entry(&id.name).or_default();
            if known.last().is_none_or(|last| !std::ptr::eq(*last, candidate)) {
                known.push(candidate);
            }
        }
    }
    if by_earlier_name.is_empty() {
        return Ok(());
    }
    for resource in resources {
        let referrer = Referrer::of(resource);
        let gvk = referrer.id.gvk.clone();
        for references in config.name_reference.iter() {
            for spec in references.specs.iter() {
                let search =
                    Search { by_earlier_name: &by_earlier_name, referrer: &referrer, references, path: &spec.path };
                let title = resource.title();
                visit(&mut resource.node, &gvk, spec, Leaf::Nothing, &mut |node| search.update(node)).map_err(
                    |err| err.during(format!("updating name reference in '{}' field of '{title}'", spec.path)),
                )?;
            }
        }
    }
    Ok(())
}

impl Referrer {
    fn of(resource: &Resource) -> Self {
        let role = |field: &str| resource.text(&["roleRef", field]).to_owned();
        let role = resource.node.get("roleRef").map(|_| (role("apiGroup"), role("kind")));
        Self { id: resource.id(), prefixes: resource.prefixes.clone(), suffixes: resource.suffixes.clone(), role }
    }

    fn is_binding(&self) -> bool {
        BINDINGS.contains(&self.id.gvk.kind.as_str())
    }
}

/// The search for what one field means.
struct Search<'a> {
    by_earlier_name: &'a HashMap<&'a str, Vec<&'a Candidate>>,
    referrer: &'a Referrer,
    references: &'a References,
    path: &'a str,
}

impl Search<'_> {
    fn update(&self, node: &mut Node) -> Result<(), Error> {
        match &mut node.content {
            Content::Sequence(items) => items.iter_mut().try_for_each(|item| self.update(item)),
            Content::Scalar(text) => {
                if let Some(found) = self.find(text, None)? {
                    text.clone_from(&found.current.name);
                }
                Ok(())
            }
            Content::Mapping(_) => self.update_mapping(node),
        }
    }

    /// A reference with a name and, often, a namespace.
    fn update_mapping(&self, node: &mut Node) -> Result<(), Error> {
        let Some(name) = node.get("name").and_then(Node::text).map(str::to_owned) else { return Ok(()) };
        let namespace = node.get("namespace").and_then(Node::text).map(|text| text.trim().to_owned());
        let Some(found) = self.find(&name, namespace.as_deref())? else { return Ok(()) };
        let current = &found.current;
        if current.name == name && current.namespace.is_empty() {
            return Ok(());
        }
        node.set("name", Node::string(current.name.as_str()));
        if !current.namespace.is_empty() {
            node.set("namespace", Node::string(current.namespace.as_str()));
        }
        Ok(())
    }

    fn find(&self, name: &str, namespace: Option<&str>) -> Result<Option<&Candidate>, Error> {
        let Some(named) = self.by_earlier_name.get(name) else { return Ok(None) };
        let mut candidates: Vec<&Candidate> = named
            .iter()
            .copied()
            .filter(|candidate| candidate.is_kind(self.references) && self.admits(candidate, namespace))
            .collect();
        if candidates.len() > 1 {
            candidates.retain(|candidate| {
                same_ending(&candidate.prefixes, &self.referrer.prefixes)
                    && same_ending(&candidate.suffixes, &self.referrer.suffixes)
            });
        }
        let Some(first) = candidates.first().copied() else { return Ok(None) };
        if candidates.iter().any(|candidate| candidate.current.name != first.current.name) {
            let ids: Vec<_> = candidates.iter().map(|candidate| candidate.current.to_string()).collect();
            return Err(Error::invalid(format!("found multiple possible referrals: {}", ids.join(", "))));
        }
        Ok(Some(first))
    }

    /// Whether the referrer may mean this object.
    fn admits(&self, candidate: &Candidate, namespace: Option<&str>) -> bool {
        if let Some(namespace) = namespace {
            let ids = candidate.earlier.first().into_iter().chain([&candidate.current]);
            if !ids.into_iter().any(|id| id.namespace == namespace || id.effective_namespace() == namespace) {
                return false;
            }
        }
        if self.path == "roleRef/name" {
            let gvk = &candidate.current.gvk;
            if self.referrer.role.as_ref().is_some_and(|(group, kind)| gvk.group != *group || gvk.kind != *kind) {
                return false;
            }
        }
        let account = self.references.kind == "ServiceAccount" && self.referrer.is_binding();
        let (own, other) = (&self.referrer.id, &candidate.current);
        account
            || own.gvk.is_cluster_scoped()
            || other.gvk.is_cluster_scoped()
            || own.effective_namespace() == other.effective_namespace()
    }
}

impl Candidate {
    fn is_kind(&self, references: &References) -> bool {
        let selected = |gvk: &Gvk| gvk.is_selected(&references.group, &references.version, &references.kind);
        self.earlier.iter().any(|id| selected(&id.gvk))
    }
}

/// Whether the shorter list is the end of the longer one.
fn same_ending(left: &[String], right: &[String]) -> bool {
    left.iter().rev().zip(right.iter().rev()).all(|(left, right)| left == right)
}
