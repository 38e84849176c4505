//! Names that follow the objects that they mean when those are renamed.

use std::collections::{HashMap, HashSet};

use flux_yaml::{Content, Node};

use crate::Error;
use crate::config::{Config, References};
use crate::fields::{Leaf, Places};
use crate::id::Id;
use crate::resource::Resource;

const ROLE_BINDING: &str = "RoleBinding";

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
    /// The namespaces of the ServiceAccounts that a RoleBinding names.
    accounts: Vec<String>,
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
    let origins: HashSet<String> = candidates
        .iter()
        .map(|candidate| candidate.earlier.first().unwrap_or(&candidate.current))
        .filter(|id| !id.cluster_scoped)
        .map(|id| id.effective_namespace().to_owned())
        .collect();
    let meant: Vec<&References> =
        config.name_reference.iter().flat_map(|references| references.specs.iter().map(move |_| references)).collect();
    let mut places = Places::new(config.name_reference.iter().flat_map(|references| references.specs.iter()));
    let update = |resource: &mut Resource| {
        let referrer = Referrer::of(resource)?;
        for place in places.of(resource.original_gvk()) {
            let (references, path) = (meant[place.index], &*place.spec.path);
            let search =
                Search { by_earlier_name: &by_earlier_name, referrer: &referrer, references, path, origins: &origins };
            place.visit(&mut resource.node, Leaf::Nothing, &mut |node| search.update(node)).map_err(|err| {
                err.during(format!("updating name reference in '{path}' field of '{}'", resource.id()))
            })?;
        }
        Ok(())
    };
    crate::error::all(resources.iter_mut().map(update)).map(drop)
}

/// Upstream keeps an object's former names, namespaces and kinds in three lists whose parts are parted by commas, and
/// gives up where commas in them make the lists differ in length.
fn check_history(resource: &Resource) -> Result<(), Error> {
    let count = |text: fn(&Id) -> &str| resource.earlier.iter().map(|id| text(id).split(',').count()).sum::<usize>();
    let names = count(|id| &id.name);
    if names == count(Id::effective_namespace) && names == count(|id| &id.gvk.kind) {
        return Ok(());
    }
    let message = "number of previous names, number of previous namespaces, number of previous kinds not equal";
    Err(Error::invalid(message).about(&resource.title()))
}

impl Referrer {
    fn of(resource: &Resource) -> Result<Self, Error> {
        check_history(resource)?;
        let role = |field: &str| resource.text(&["roleRef", field]).to_owned();
        let role = resource.node.get("roleRef").map(|_| (role("apiGroup"), role("kind")));
        let mut accounts = Vec::new();
        let subjects = resource.node.get("subjects").filter(|_| resource.kind() == ROLE_BINDING);
        for subject in subjects.and_then(Node::items).unwrap_or_default() {
            let account = subject.get("kind").and_then(Node::text) == Some("ServiceAccount");
            if let Some(namespace) = subject.get("namespace").filter(|_| account) {
                let namespace = namespace.text().filter(|_| !namespace.is_null()).ok_or_else(|| {
                    Error::invalid(format!(
                        "Invalid Input: namespace is blank for resource {:?}",
                        resource.id().to_string()
                    ))
                })?;
                accounts.push(namespace.to_owned());
            }
        }
        let (prefixes, suffixes) = (resource.prefixes.clone(), resource.suffixes.clone());
        Ok(Self { id: resource.id(), prefixes, suffixes, role, accounts })
    }
}

/// The search for what one field means.
struct Search<'a> {
    by_earlier_name: &'a HashMap<&'a str, Vec<&'a Candidate>>,
    referrer: &'a Referrer,
    references: &'a References,
    path: &'a str,
    /// The namespaces that objects had at first.
    origins: &'a HashSet<String>,
}

impl Search<'_> {
    fn update(&self, node: &mut Node) -> Result<(), Error> {
        match &mut node.content {
            Content::Sequence(items) => items.iter_mut().try_for_each(|item| self.update(item)),
            Content::Scalar(_) if node.tag == flux_yaml::Tag::Null => Ok(()),
            Content::Scalar(text) => {
                if let Some(found) = self.find(text, None, |left, right| left.name == right.name)? {
                    text.clone_from(&found.current.name);
                }
                Ok(())
            }
            Content::Mapping(_) => self.update_mapping(node),
        }
    }

    /// A reference with a name and, often, a namespace.
    fn update_mapping(&self, node: &mut Node) -> Result<(), Error> {
        let name = node.get("name").and_then(Node::text).map(str::to_owned);
        let name = name.ok_or_else(|| Error::invalid("path config error; no 'name' field in node"))?;
        let namespace = node.get("namespace").and_then(Node::text).map(str::to_owned);
        let same = |left: &Id, right: &Id| left.name == right.name && left.namespace == right.namespace;
        let Some(found) = self.find(&name, namespace.as_deref(), same)? else { return Ok(()) };
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

    fn find(
        &self,
        name: &str,
        namespace: Option<&str>,
        same: impl Fn(&Id, &Id) -> bool,
    ) -> Result<Option<&Candidate>, Error> {
        let Some(named) = self.by_earlier_name.get(name) else { return Ok(None) };
        let mut candidates: Vec<&Candidate> = named
            .iter()
            .copied()
            .filter(|candidate| candidate.is_kind(self.references) && self.admits(candidate))
            .collect();
        if let Some(namespace) = namespace {
            // Objects that were in the namespace at first come before those that are in it now.
            let first =
                |candidate: &&Candidate| candidate.earlier.first().unwrap_or(&candidate.current).is_in(namespace);
            if self.origins.contains(namespace) {
                candidates.retain(first);
            } else {
                candidates.retain(|candidate| candidate.current.is_in(namespace));
            }
        }
        if candidates.len() > 1 {
            candidates.retain(|candidate| self.same_context(candidate, true));
        }
        if candidates.len() > 1 {
            candidates.retain(|candidate| self.same_context(candidate, false));
        }
        let Some(first) = candidates.first().copied() else { return Ok(None) };
        if candidates.iter().any(|candidate| !same(&candidate.current, &first.current)) {
            let ids: Vec<_> = candidates.iter().map(|candidate| candidate.current.to_string()).collect();
            return Err(Error::invalid(format!("found multiple possible referrals: {}", ids.join(", "))));
        }
        Ok(Some(first))
    }

    /// Whether both got the same prefixes and suffixes; with `or_none` also when one got none.
    fn same_context(&self, candidate: &Candidate, or_none: bool) -> bool {
        let same = |left: &[String], right: &[String]| {
            (or_none && (left.is_empty() || right.is_empty())) || same_ending(left, right)
        };
        same(&candidate.prefixes, &self.referrer.prefixes) && same(&candidate.suffixes, &self.referrer.suffixes)
    }

    /// Whether the referrer may mean this object.
    fn admits(&self, candidate: &Candidate) -> bool {
        if self.path.ends_with("roleRef/name")
            && let Some((group, kind)) = &self.referrer.role
            && !candidate.earlier.iter().any(|id| id.gvk.is_selected(group, "", kind))
        {
            return false;
        }
        let (own, other) = (&self.referrer.id, &candidate.current);
        let listed = other.gvk.kind == "ServiceAccount" && self.referrer.accounts.contains(&other.namespace);
        listed || own.cluster_scoped || other.cluster_scoped || own.effective_namespace() == other.effective_namespace()
    }
}

impl Candidate {
    fn is_kind(&self, references: &References) -> bool {
        let References { group, version, kind, specs: _ } = references;
        self.earlier.iter().any(|id| id.gvk.is_selected(group, version, kind))
    }
}

/// Whether the shorter list is the end of the longer one; an empty one is only that of an empty one.
fn same_ending(left: &[String], right: &[String]) -> bool {
    left.is_empty() == right.is_empty() && left.iter().rev().zip(right.iter().rev()).all(|(left, right)| left == right)
}
