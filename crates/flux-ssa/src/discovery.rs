//! Which resource a kind is served under.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use flux_tasks::Tasks;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::Client;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::ApiFailure;
use crate::definitions::{self, Definitions, Edition};

/// How long an answer is used where no watch tells of changes; kinds seldom change their scope or plural.
const KEPT: Duration = Duration::from_secs(600);
/// How long after a CustomResourceDefinition became established its kind may be missing from discovery.
const SETTLING: Duration = Duration::from_secs(10);
/// How often discovery is read while a new kind is awaited.
const RETRY: Duration = Duration::from_millis(50);

/// A kind as it is served.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resolved {
    /// `group/version`, or `version` for the core group.
    pub api_version: String,
    /// For example `Deployment`.
    pub kind: String,
    /// The last part of the URL, for example `deployments`.
    pub plural: String,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
}

/// Why a kind cannot be looked up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// The API server does not serve the kind.
    #[error("no matches for kind {kind:?} in version {api_version:?}")]
    NoMatch {
        /// What was asked for.
        api_version: String,
        /// What was asked for.
        kind: String,
    },
    /// The API server did not say.
    #[error("failed to discover the kinds of {api_version}")]
    Api {
        /// What was asked for.
        api_version: String,
        /// Its answer.
        #[source]
        source: ApiFailure,
    },
}

/// What a cluster serves, read when it is needed; one for each cluster, shared by all identities.
#[derive(Debug, Default)]
pub struct Discovery {
    versions: Mutex<HashMap<String, Kinds>>,
    /// One reader at a time, so that many objects of an unknown kind cost one request.
    reading: tokio::sync::Mutex<()>,
    /// Until when kinds may appear that were just defined.
    expecting: Mutex<Option<Instant>>,
    pub(crate) definitions: Definitions,
}

#[derive(Clone, Debug)]
struct Kinds {
    by_kind: Arc<HashMap<String, Arc<Resolved>>>,
    read: Instant,
}

impl Discovery {
    /// Knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows nothing yet, and learns of changes from watches with `client`, which are tasks of `tasks`: what is known is used until one
    /// comes.
    pub fn watched(client: &Client, tasks: &Tasks) -> Arc<Self> {
        let discovery = Arc::new(Self::default());
        definitions::watch(&discovery, client, tasks);
        discovery
    }

    /// How the kind is served. A kind that is not known is asked for; right after definitions were applied it is
    /// awaited for a few seconds.
    pub async fn resolve(
        &self,
        client: &Client,
        api_version: &str,
        kind: &str,
    ) -> Result<Arc<Resolved>, DiscoveryError> {
        let asked = Instant::now();
        loop {
            if let Some(resolved) = self.known(api_version, kind) {
                return Ok(resolved);
            }
            if self.read_since(client, api_version, asked).await?
                && let Some(resolved) = self.known(api_version, kind)
            {
                return Ok(resolved);
            }
            if !self.is_expecting() {
                return Err(DiscoveryError::NoMatch { api_version: api_version.to_owned(), kind: kind.to_owned() });
            }
            self.forget(api_version);
            tokio::time::sleep(RETRY).await;
        }
    }

    /// How a kind of `group` is served in any version; none when it is not.
    pub(crate) async fn served(
        &self,
        client: &Client,
        group: &str,
        kind: &str,
    ) -> Result<Option<Arc<Resolved>>, ApiFailure> {
        let groups = client.list_api_groups().await?.groups;
        let versions = groups.into_iter().find(|found| found.name == group).map(|found| found.versions);
        for version in versions.unwrap_or_default() {
            match self.resolve(client, &version.group_version, kind).await {
                Ok(resolved) => return Ok(Some(resolved)),
                Err(DiscoveryError::NoMatch { .. }) => {}
                Err(DiscoveryError::Api { source, .. }) => return Err(source),
            }
        }
        Ok(None)
    }

    /// Says that kinds were just defined, so that one that is not served yet is awaited.
    pub(crate) fn expect_new_kinds(&self) {
        *self.expecting.lock() = Some(Instant::now() + SETTLING);
    }

    /// No longer trusts what is known of a group's version.
    pub(crate) fn forget(&self, api_version: &str) {
        self.versions.lock().remove(api_version);
    }

    /// How the kinds of `group` are defined; none when that is not known.
    pub(crate) fn edition_of(&self, group: &str) -> Option<Edition> {
        self.definitions.edition_of(group)
    }

    /// No longer trusts what is known of a group.
    pub(crate) fn defined_anew(&self, group: &str) {
        self.definitions.changed(group);
        let is_of = |api_version: &str| api_version.split_once('/').map_or("", |(group, _)| group) == group;
        self.versions.lock().retain(|api_version, _| !is_of(api_version));
    }

    fn is_expecting(&self) -> bool {
        self.expecting.lock().is_some_and(|until| Instant::now() < until)
    }

    fn known(&self, api_version: &str, kind: &str) -> Option<Arc<Resolved>> {
        let versions = self.versions.lock();
        let kinds =
            versions.get(api_version).filter(|kinds| self.definitions.is_current() || kinds.read.elapsed() < KEPT)?;
        kinds.by_kind.get(kind).cloned()
    }

    /// Reads a group's version unless that was done after `asked`; false when it is not served.
    async fn read_since(&self, client: &Client, api_version: &str, asked: Instant) -> Result<bool, DiscoveryError> {
        let _one = self.reading.lock().await;
        if self.versions.lock().get(api_version).is_some_and(|kinds| kinds.read >= asked) {
            return Ok(true);
        }
        let answer = match api_version.split_once('/') {
            Some(_) => client.list_api_group_resources(api_version).await,
            None => client.list_core_api_resources(api_version).await,
        };
        match answer.map_err(ApiFailure::from) {
            Ok(list) => {
                let kinds = Kinds { by_kind: Arc::new(kinds(api_version, list)), read: Instant::now() };
                self.versions.lock().insert(api_version.to_owned(), kinds);
                Ok(true)
            }
            Err(failure) if failure.is_not_found() => Ok(false),
            Err(source) => Err(DiscoveryError::Api { api_version: api_version.to_owned(), source }),
        }
    }
}

/// Resources by kind; subresources are no kinds of their own.
fn kinds(api_version: &str, list: APIResourceList) -> HashMap<String, Arc<Resolved>> {
    let resources = list.resources.into_iter().filter(|resource| !resource.name.contains('/'));
    resources
        .map(|resource| {
            let resolved = Resolved {
                api_version: api_version.to_owned(),
                kind: resource.kind.clone(),
                plural: resource.name,
                namespaced: resource.namespaced,
            };
            (resource.kind, Arc::new(resolved))
        })
        .collect()
}

impl Resolved {
    /// The URL path of all objects of a namespace, or of the cluster where `namespace` is empty or the kind has none.
    pub(crate) fn path(&self, namespace: &str) -> String {
        let root = if self.api_version.contains('/') { "/apis" } else { "/api" };
        let (version, plural) = (&self.api_version, &self.plural);
        if self.namespaced && !namespace.is_empty() {
            format!("{root}/{version}/namespaces/{namespace}/{plural}")
        } else {
            format!("{root}/{version}/{plural}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_group_and_scope() {
        let resolved = |api_version: &str, plural: &str, namespaced| Resolved {
            api_version: api_version.into(),
            kind: "Kind".into(),
            plural: plural.into(),
            namespaced,
        };
        assert_eq!(resolved("v1", "secrets", true).path("a"), "/api/v1/namespaces/a/secrets");
        assert_eq!(resolved("v1", "namespaces", false).path("a"), "/api/v1/namespaces");
        assert_eq!(resolved("apps/v1", "deployments", true).path("a"), "/apis/apps/v1/namespaces/a/deployments");
        assert_eq!(resolved("apps/v1", "deployments", true).path(""), "/apis/apps/v1/deployments");
    }
}
