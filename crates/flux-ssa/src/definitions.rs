//! Which kinds were defined anew: the watches of CustomResourceDefinitions and APIServices of one cluster.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use flux_tasks::Tasks;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{self, Event};
use kube::{Client, Resource as _};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::Discovery;
use crate::known::Sight;
use crate::metadata::{News, follow};

/// For how long a watch that was refused is not tried again.
const REFUSED: Duration = Duration::from_secs(600);

/// The groups that API servers serve themselves, whose kinds no object defines.
const BUILT_IN: [&str; 21] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// How many counts there have been in this process.
static COUNTS: AtomicU64 = AtomicU64::new(0);

/// Stands for how the kinds of a group are defined: the same as long as they are not defined anew. Those of two counts are never the
/// same, as what happened between them is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edition {
    /// Which count this is of; none for kinds that nobody can define.
    count: Option<u64>,
    changes: u64,
}

/// Whether and how often kinds were defined anew.
#[derive(Debug)]
pub(crate) struct Definitions {
    /// Tells this count from all others.
    count: u64,
    /// Whether the watches of both kinds tell of every change.
    current: [AtomicBool; 2],
    /// How often the kinds of a group were defined anew.
    changes: Mutex<HashMap<String, u64>>,
    abandoned: CancellationToken,
}

impl Default for Definitions {
    fn default() -> Self {
        Self {
            count: COUNTS.fetch_add(1, Ordering::Relaxed),
            current: Default::default(),
            changes: Mutex::default(),
            abandoned: CancellationToken::new(),
        }
    }
}

impl Drop for Definitions {
    fn drop(&mut self) {
        self.abandoned.cancel();
    }
}

impl Definitions {
    /// Whether every change is told.
    pub(crate) fn is_current(&self) -> bool {
        self.current.iter().all(|current| current.load(Ordering::Acquire))
    }

    /// Counts that kinds of `group` were defined anew.
    pub(crate) fn changed(&self, group: &str) {
        *self.changes.lock().entry(group.to_owned()).or_default() += 1;
    }

    /// How the kinds of `group` are defined; none when that is not known.
    pub(crate) fn edition_of(&self, group: &str) -> Option<Edition> {
        if BUILT_IN.contains(&group) {
            return Some(Edition { count: None, changes: 0 });
        }
        self.is_current().then(|| {
            let changes = self.changes.lock().get(group).copied().unwrap_or_default();
            Edition { count: Some(self.count), changes }
        })
    }
}

/// The kinds that define others.
fn kinds() -> [ApiResource; 2] {
    let resource = |group: &str, kind: &str, plural: &str| ApiResource {
        group: group.to_owned(),
        version: "v1".to_owned(),
        api_version: format!("{group}/v1"),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    };
    [
        resource("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions"),
        resource("apiregistration.k8s.io", "APIService", "apiservices"),
    ]
}

/// Lets `discovery` forget the kinds of a group whenever an object that defines one changes, for as long as it is used.
pub(crate) fn watch(discovery: &Arc<Discovery>, client: &Client, tasks: &Tasks) {
    for (number, resource) in kinds().into_iter().enumerate() {
        let (abandoned, stopping) = (discovery.definitions.abandoned.clone(), tasks.token());
        let (discovery, client) = (Arc::downgrade(discovery), client.clone());
        tasks.spawn("definitions-watch", async move {
            let api = Api::all_with(client, &resource);
            tokio::select! {
                () = stopping.cancelled() => {}
                () = abandoned.cancelled() => {}
                () = keep_following(&api, number, &discovery) => {}
            }
        });
    }
}

async fn keep_following(api: &Api<PartialObjectMeta<DynamicObject>>, number: usize, discovery: &Weak<Discovery>) {
    let mut seen = Seen::default();
    loop {
        follow(api, watcher::Config::default(), |news| {
            let Some(discovery) = discovery.upgrade() else { return ControlFlow::Break(()) };
            seen.note(news, &discovery, number);
            ControlFlow::Continue(())
        })
        .await;
        if discovery.strong_count() == 0 {
            return;
        }
        tokio::time::sleep(REFUSED).await;
    }
}

/// The definitions as they were seen last.
#[derive(Default)]
struct Seen {
    by_name: HashMap<String, Sight>,
    listing: HashMap<String, Sight>,
    /// Whether the first list is in: what it holds was there before.
    began: bool,
}

impl Seen {
    fn note(&mut self, news: News, discovery: &Discovery, number: usize) {
        let current = discovery.definitions.current.get(number);
        let tell = |is: bool| current.iter().for_each(|current| current.store(is, Ordering::Release));
        let sight = |object: &PartialObjectMeta<DynamicObject>| {
            (object.meta().name.clone().unwrap_or_default(), Sight::of_metadata(object.meta()))
        };
        match news {
            None => tell(false),
            Some(Event::Init) => self.listing.clear(),
            Some(Event::InitApply(object)) => {
                let (name, sight) = sight(&object);
                self.listing.extend(sight.map(|sight| (name, sight)));
            }
            Some(Event::InitDone) => {
                self.listed(discovery);
                tell(true);
            }
            Some(Event::Apply(object)) => {
                let (name, sight) = sight(&object);
                let before = sight.and_then(|sight| self.by_name.insert(name.clone(), sight));
                if !is_same(before.as_ref(), sight.as_ref()) {
                    discovery.defined_anew(group(&name));
                }
            }
            Some(Event::Delete(object)) => {
                let (name, _) = sight(&object);
                self.by_name.remove(&name);
                discovery.defined_anew(group(&name));
            }
        }
    }

    /// Takes a whole list, and tells what differs from what was known.
    fn listed(&mut self, discovery: &Discovery) {
        let before = std::mem::replace(&mut self.by_name, std::mem::take(&mut self.listing));
        if std::mem::replace(&mut self.began, true) {
            let names = before.keys().chain(self.by_name.keys());
            for name in names.filter(|name| !is_same(before.get(*name), self.by_name.get(*name))) {
                discovery.defined_anew(group(name));
            }
        }
    }
}

fn is_same(before: Option<&Sight>, now: Option<&Sight>) -> bool {
    before.zip(now).is_some_and(|(before, now)| now.is_still(before))
}

/// The group in the name of a definition: `widgets.example.com`, `v1.example.com`.
fn group(name: &str) -> &str {
    name.split_once('.').map_or(name, |(_, group)| group)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Definitions whose watches tell of every change.
    fn watched() -> Definitions {
        let definitions = Definitions::default();
        definitions.current.iter().for_each(|current| current.store(true, Ordering::Release));
        definitions
    }

    #[test]
    fn an_edition_lasts_until_a_kind_of_its_group_is_defined_anew() {
        let definitions = watched();
        let before = definitions.edition_of("example.com");
        definitions.changed("other.example.com");
        assert!(before.is_some() && definitions.edition_of("example.com") == before);
        definitions.changed("example.com");
        assert_ne!(definitions.edition_of("example.com"), before);
        assert_eq!(Definitions::default().edition_of("example.com"), None);
    }

    #[test]
    fn editions_of_two_connections_are_the_same_only_for_kinds_that_nobody_defines() {
        let (one, other) = (watched(), watched());
        assert_ne!(one.edition_of("example.com"), other.edition_of("example.com"));
        assert_eq!(one.edition_of("apps"), other.edition_of("apps"));
    }
}
