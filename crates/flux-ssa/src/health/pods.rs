//! The Pods of workloads whose own status does not tell that they fail: ReplicaSets and StatefulSets.

use std::collections::{BTreeMap, HashMap};

use flux_objects::{GroupKind, Manifest};
use flux_status::{State, Status, kstatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::Selector;

use super::watches::{api_resource, manifest};
use crate::{ApiFailure, Resolved};

/// How many failing Pods a text names.
const NAMED: usize = 3;
/// How many Pods of one workload are read.
const READ: u32 = 500;

/// The Pods of one workload.
pub(super) struct Pods {
    /// The workload's selector, as requests take it.
    pub(super) selector: String,
    /// What is known of the identity's right to see them.
    pub(super) access: Access,
    /// Those that fail, with the reason.
    failing: BTreeMap<String, String>,
}

/// Whether the identity may see the Pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// It did not ask yet, or got no answer.
    Unknown,
    /// It listed them.
    Granted,
    /// It may not; the workload is judged by its own status.
    Denied,
}

/// What a watch tells of the Pods of one workload.
#[derive(Clone, Debug, Default)]
pub(super) struct News {
    /// Whether the watch began anew, so that Pods it does not tell of are gone.
    pub(super) afresh: bool,
    /// By name, why it fails; none for one that does not, or is gone.
    pub(super) pods: HashMap<String, Option<String>>,
}

impl Pods {
    /// The Pods of `workload`, or none when it tells by itself; `known` is what was known of them.
    pub(super) fn of(workload: &Manifest, known: Option<Self>) -> Option<Self> {
        let group_kind = workload.group_kind();
        let GroupKind { group, kind } = &group_kind;
        if group != "apps" || !matches!(kind.as_str(), "ReplicaSet" | "StatefulSet") {
            return None;
        }
        let selector = selector(workload)?;
        let known = known.filter(|known| known.selector == selector);
        known.or(Some(Self { selector, access: Access::Unknown, failing: BTreeMap::new() }))
    }

    /// What failing Pods mean for their workload.
    pub(super) fn failure(&self) -> Option<Status> {
        if self.failing.is_empty() {
            return None;
        }
        let mut texts: Vec<String> =
            self.failing.iter().take(NAMED).map(|(name, reason)| format!("{name}: {reason}")).collect();
        if self.failing.len() > NAMED {
            texts.push(format!("and {} more", self.failing.len() - NAMED));
        }
        let text = format!("{} pods have failed: {}", self.failing.len(), texts.join("; "));
        Some(Status::new(State::Failed, text))
    }

    /// Takes what a watch tells, if the identity may see it.
    pub(super) fn note(&mut self, news: News) {
        if self.access != Access::Granted {
            return;
        }
        if news.afresh {
            self.failing.clear();
        }
        for (name, failure) in news.pods {
            match failure {
                Some(reason) => drop(self.failing.insert(name, reason)),
                None => drop(self.failing.remove(&name)),
            }
        }
    }

    /// Takes the answer to a list, and says whether it brought something new.
    pub(super) fn update(&mut self, listed: Result<BTreeMap<String, String>, ApiFailure>) -> bool {
        match listed {
            Ok(failing) => {
                self.access = Access::Granted;
                let news = failing.keys().ne(self.failing.keys());
                self.failing = failing;
                news
            }
            Err(failure) if matches!(failure.code, 401 | 403 | 404 | 405) => {
                self.access = Access::Denied;
                self.failing.clear();
                false
            }
            // No answer says nothing; what was known holds until there is one.
            Err(_) => false,
        }
    }
}

/// Why a Pod counts against its workload. One that is being deleted or waits for a node does not.
pub(super) fn failure(pod: &Manifest) -> Option<String> {
    let status = kstatus(pod.as_map());
    (status.state == State::Failed).then_some(status.message)
}

/// The failing Pods that `selector` selects, as the identity sees them.
pub(super) async fn list(
    client: &Client,
    pods: &Resolved,
    namespace: &str,
    selector: &str,
) -> Result<BTreeMap<String, String>, ApiFailure> {
    let resource = api_resource(pods);
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    let listed = api.list(&ListParams::default().labels(selector).limit(READ)).await?;
    let pods = listed.items.into_iter().filter_map(|pod| manifest(pod, &resource));
    Ok(pods.filter_map(|pod| Some((pod.name().to_owned(), failure(&pod)?))).collect())
}

/// The selector as requests take it; none for one that selects nothing in particular.
pub(super) fn selector(workload: &Manifest) -> Option<String> {
    let selector = workload.as_map().get("spec")?.get("selector")?;
    let selector: LabelSelector = serde_json::from_value(selector.clone()).ok()?;
    let selector = Selector::try_from(selector).ok()?;
    (!selector.selects_all()).then(|| selector.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn workload(kind: &str, selector: &Value) -> Manifest {
        let spec = json!({"selector": selector});
        let value =
            json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web", "namespace": "a"}, "spec": spec});
        Manifest::new(value).unwrap()
    }

    fn granted() -> Pods {
        let mut pods = Pods::of(&workload("StatefulSet", &json!({"matchLabels": {"app": "web"}})), None).unwrap();
        assert!(!pods.update(Ok(BTreeMap::new())));
        pods
    }

    fn news(afresh: bool, pods: &[(&str, Option<&str>)]) -> News {
        let pods = pods.iter().map(|(name, reason)| ((*name).to_owned(), reason.map(ToOwned::to_owned)));
        News { afresh, pods: pods.collect() }
    }

    fn text(pods: &Pods) -> String {
        pods.failure().map(|status| status.message).unwrap_or_default()
    }

    #[test]
    fn replica_sets_and_stateful_sets_have_their_pods_looked_at() {
        let check = |kind: &str, selector: Value, expected: Option<&str>| {
            let pods = Pods::of(&workload(kind, &selector), None);
            assert_eq!(pods.map(|pods| pods.selector).as_deref(), expected);
        };
        check("StatefulSet", json!({"matchLabels": {"app": "web"}}), Some("app=web"));
        let expression = json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["a"]}]});
        check("ReplicaSet", expression, Some("app in (a)"));
        check("Deployment", json!({"matchLabels": {"app": "web"}}), None);
        check("StatefulSet", json!({}), None);
        check("StatefulSet", json!("app=web"), None);
    }

    #[test]
    fn failing_pods_are_named() {
        let mut pods = granted();
        assert_eq!(text(&pods), "");
        pods.note(news(false, &[("web-1", Some("crash")), ("web-0", Some("crash")), ("web-2", None)]));
        assert_eq!(text(&pods), "2 pods have failed: web-0: crash; web-1: crash");
        pods.note(news(false, &[("web-1", None), ("web-0", None)]));
        assert_eq!(text(&pods), "");
        let many: Vec<_> = ["a", "b", "c", "d", "e"].into_iter().map(|name| (name, Some("crash"))).collect();
        pods.note(news(false, &many));
        assert_eq!(text(&pods), "5 pods have failed: a: crash; b: crash; c: crash; and 2 more");
    }

    #[test]
    fn a_watch_that_began_anew_forgets_the_pods_that_are_gone() {
        let mut pods = granted();
        pods.note(news(false, &[("web-0", Some("crash"))]));
        pods.note(news(true, &[("web-1", Some("crash"))]));
        assert_eq!(text(&pods), "1 pods have failed: web-1: crash");
    }

    #[test]
    fn what_the_identity_may_not_see_does_not_count() {
        let mut pods = Pods::of(&workload("ReplicaSet", &json!({"matchLabels": {"app": "web"}})), None).unwrap();
        pods.note(news(false, &[("web-0", Some("crash"))]));
        assert_eq!(text(&pods), "");
        let failure =
            |code| ApiFailure { code, reason: String::new(), message: String::new(), manager_conflict: false };
        pods.update(Err(failure(500)));
        assert_eq!(pods.access, Access::Unknown);
        pods.update(Err(failure(403)));
        pods.note(news(false, &[("web-0", Some("crash"))]));
        assert_eq!((pods.access, text(&pods).as_str()), (Access::Denied, ""));
    }
}
