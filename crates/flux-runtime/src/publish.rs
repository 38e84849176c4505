//! The one place that writes an object's status.

use std::sync::Arc;

use flux_api::meta::{Condition, FluxObject, RECONCILE_REQUEST_ANNOTATION};
use flux_status::rebase;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use crate::client::ApiError;
use crate::store::{ObjectKey, Store};

/// How often a write is repeated because the object changed in between.
const CONFLICTS: usize = 8;

/// A status that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The object is gone, or another of its name has taken its place.
    #[error("the object is gone")]
    Gone,
    /// The API server did not take it.
    #[error("failed to write the object")]
    Api(#[source] ApiError),
    /// The kind's status has no JSON form.
    #[error("the status cannot be serialised")]
    Serialise(#[source] serde_json::Error),
}

/// A status as a whole: the kind's fields and those that all kinds share.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Written {
    pub(crate) fields: Map<String, Value>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) observed_generation: i64,
    pub(crate) handled: Option<String>,
}

impl Written {
    /// The kind's own fields as they are written: without nulls.
    pub(crate) fn fields<S: Serialize>(status: &S) -> Result<Map<String, Value>, WriteError> {
        match serde_json::to_value(status).map_err(WriteError::Serialise)? {
            Value::Object(mut fields) => {
                fields.retain(|_, value| !value.is_null());
                Ok(fields)
            }
            _ => Ok(Map::new()),
        }
    }
}

/// Writes one object's status during one run.
pub(crate) struct Publisher<K> {
    api: Api<K>,
    store: Store<K>,
    key: ObjectKey,
    uid: Option<String>,
    manager: &'static str,
    /// What this run knows to be written.
    base: Mutex<Written>,
}

impl<K: FluxObject> Publisher<K> {
    /// For `object`, whose kind's own fields are `fields`.
    pub(crate) fn new(
        client: kube::Client,
        store: Store<K>,
        object: &K,
        fields: Map<String, Value>,
        manager: &'static str,
    ) -> Self {
        let key = ObjectKey::of(object);
        let base = Written {
            fields,
            conditions: object.conditions().to_vec(),
            observed_generation: object.observed_generation(),
            handled: object.last_handled_reconcile_at().map(str::to_owned),
        };
        let uid = object.meta().uid.clone();
        Self { api: Api::namespaced(client, &key.namespace), store, key, uid, manager, base: Mutex::new(base) }
    }

    /// What is written so far.
    pub(crate) async fn base(&self) -> Written {
        self.base.lock().await.clone()
    }

    /// Writes what differs between `wanted` and what is written; nothing when nothing does. Conditions of other owners
    /// stay. An object that is gone stays gone.
    pub(crate) async fn write(&self, wanted: Written) -> Result<(), WriteError> {
        let mut base = self.base.lock().await;
        let mut latest = self.store.get(&self.key).ok_or(WriteError::Gone)?;
        let mut conflicts = 0;
        loop {
            if latest.meta().uid != self.uid {
                return Err(WriteError::Gone);
            }
            let Some(status) = status_patch(&base, &wanted, latest.conditions()) else { break };
            match self.send(&latest, &status).await {
                Ok(()) => break,
                Err(WriteError::Api(err)) if err.is_conflict() && conflicts < CONFLICTS => {
                    conflicts += 1;
                    let read = self.api.get_opt(&self.key.name).await;
                    let read = read.map_err(|err| WriteError::Api(err.into()))?.ok_or(WriteError::Gone)?;
                    latest = Arc::new(read);
                }
                Err(err) => return Err(err),
            }
        }
        *base = wanted;
        Ok(())
    }

    async fn send(&self, latest: &K, status: &Value) -> Result<(), WriteError> {
        // The version makes the write one of this very object: it neither revives nor mixes up anything, and conditions
        // that somebody added in between come back as a conflict rather than getting lost.
        let body = json!({"metadata": {"resourceVersion": latest.meta().resource_version}, "status": status});
        let params = PatchParams { field_manager: Some(self.manager.to_owned()), ..PatchParams::default() };
        match self.api.patch_status(&self.key.name, &params, &Patch::Merge(body)).await {
            Ok(mut written) => {
                written.meta_mut().managed_fields = None;
                self.store.wrote(&Arc::new(written));
                Ok(())
            }
            Err(kube::Error::Api(status)) if status.is_not_found() => Err(WriteError::Gone),
            Err(err) => Err(WriteError::Api(err.into())),
        }
    }

    /// Gives the object another list of finalizers. A conflict is an error: the run starts over.
    pub(crate) async fn write_finalizers(&self, object: &K, finalizers: &[String]) -> Result<(), WriteError> {
        let meta = json!({"resourceVersion": object.meta().resource_version, "finalizers": finalizers});
        let params = PatchParams { field_manager: Some(self.manager.to_owned()), ..PatchParams::default() };
        match self.api.patch(&self.key.name, &params, &Patch::Merge(json!({ "metadata": meta }))).await {
            Ok(mut written) => {
                written.meta_mut().managed_fields = None;
                self.store.wrote(&Arc::new(written));
                Ok(())
            }
            Err(kube::Error::Api(status)) if status.is_not_found() => Err(WriteError::Gone),
            Err(err) => Err(WriteError::Api(err.into())),
        }
    }
}

/// The value of the object's reconcile request.
pub(crate) fn requested_at<K: kube::Resource>(object: &K) -> Option<&str> {
    object.meta().annotations.as_ref().and_then(|all| all.get(RECONCILE_REQUEST_ANNOTATION)).map(String::as_str)
}

/// The merge patch that leads from `base` to `wanted`, on an object whose conditions are `latest`.
fn status_patch(base: &Written, wanted: &Written, latest: &[Condition]) -> Option<Value> {
    let mut patch = difference(&base.fields, &wanted.fields);
    if base.observed_generation != wanted.observed_generation {
        patch.insert("observedGeneration".to_owned(), wanted.observed_generation.into());
    }
    if base.handled != wanted.handled {
        patch.insert("lastHandledReconcileAt".to_owned(), json!(wanted.handled));
    }
    let conditions = rebase(&base.conditions, &wanted.conditions, latest);
    if conditions != latest && base.conditions != wanted.conditions {
        patch.insert("conditions".to_owned(), json!(conditions));
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

/// The merge patch between two objects.
fn difference(from: &Map<String, Value>, to: &Map<String, Value>) -> Map<String, Value> {
    let mut patch = Map::new();
    for name in from.keys().filter(|name| !to.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    for (name, new) in to {
        match (from.get(name), new) {
            (Some(old), new) if old == new => {}
            (Some(Value::Object(old)), Value::Object(new)) => {
                patch.insert(name.clone(), Value::Object(difference(old, new)));
            }
            _ => {
                patch.insert(name.clone(), new.clone());
            }
        }
    }
    patch
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(type_: &str, message: &str) -> Condition {
        let value = json!({"type": type_, "status": "True", "reason": "R", "message": message,
            "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1});
        serde_json::from_value(value).unwrap()
    }

    fn written(fields: &Value, conditions: &[Condition], observed: i64, handled: Option<&str>) -> Written {
        Written {
            fields: fields.as_object().unwrap().clone(),
            conditions: conditions.to_vec(),
            observed_generation: observed,
            handled: handled.map(str::to_owned),
        }
    }

    #[test]
    fn nothing_is_written_when_nothing_changed() {
        let state = written(&json!({"a": 1}), &[condition("Ready", "m")], 1, Some("x"));
        assert_eq!(status_patch(&state, &state, &[]), None);
    }

    #[test]
    fn only_what_changed_is_written() {
        let base = written(&json!({"same": 1, "gone": 2, "map": {"a": 1, "b": 2}, "list": [1]}), &[], -1, None);
        let wanted = written(&json!({"same": 1, "map": {"b": 3}, "list": [2], "new": "x"}), &[], 4, Some("now"));
        let patch = json!({"gone": null, "map": {"a": null, "b": 3}, "list": [2], "new": "x",
            "observedGeneration": 4, "lastHandledReconcileAt": "now"});
        assert_eq!(status_patch(&base, &wanted, &[]), Some(patch));
    }

    #[test]
    fn conditions_of_others_survive() {
        let (ready, foreign) = (condition("Ready", "new"), condition("Foreign", "theirs"));
        let base = written(&json!({}), &[condition("Ready", "old")], 1, None);
        let wanted = written(&json!({}), std::slice::from_ref(&ready), 1, None);
        let patch = status_patch(&base, &wanted, &[condition("Ready", "old"), foreign.clone()]);
        assert_eq!(patch, Some(json!({"conditions": [ready, foreign]})));
    }
}
