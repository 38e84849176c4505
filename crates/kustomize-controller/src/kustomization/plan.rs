//! What a run decides before it acts: pure functions of the object, its inventory and what was applied.

use std::sync::Arc;
use std::time::Duration;

use flux_api::kustomize::v1::Kustomization;
use flux_api::kustomize::v1::kustomization::{DeletionPolicy, HealthCheckReference, KustomizationSpec};
use flux_api::meta::ResourceInventory;
use flux_objects::{Action, ChangeSet, Entry, IgnoreRules, Inventory, ObjectId, ParseIdError};
use flux_runtime::ObjectKey;
use flux_ssa::{Rules, Target};
use flux_status::HealthRules;
use kube::ResourceExt;

use super::error::ConfigurationError;
use super::{Settings, build};
use crate::features::OBJECT_LEVEL_WORKLOAD_IDENTITY;
use crate::watches::Referent;

/// What health checks leave of the interval.
const TIMEOUT_MARGIN: Duration = Duration::from_secs(30);
/// No timeout is shorter.
const TIMEOUT_FLOOR: Duration = Duration::from_secs(30);

/// What finalising an object does to what it applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deletion {
    /// Everything stays.
    Keep,
    /// Everything is deleted.
    Delete,
    /// Everything is deleted and waited for.
    DeleteAndWait,
}

/// The bound of health checks: the spec's, or the interval less a margin; never below 30 seconds.
pub(super) fn timeout(spec: &KustomizationSpec) -> Duration {
    let default = || spec.interval.as_std().saturating_sub(TIMEOUT_MARGIN);
    spec.timeout.map_or_else(default, flux_api::meta::Duration::as_std).max(TIMEOUT_FLOOR)
}

/// When a failed run is repeated.
pub(super) fn retry_interval(spec: &KustomizationSpec) -> Duration {
    spec.retry_interval.unwrap_or(spec.interval).as_std()
}

/// How the object's manifests are applied, and what health is for them.
pub(super) fn rules(object: &Kustomization, settings: &Settings) -> Result<Rules, ConfigurationError> {
    let spec = &object.spec;
    let health = HealthRules::compile(&spec.health_check_exprs)
        .map_err(|err| ConfigurationError::HealthExpression(err.into()))?;
    let by_account = spec.decryption.iter().any(|decryption| decryption.service_account_name.is_some());
    if by_account && !settings.object_level_identity {
        return Err(ConfigurationError::DecryptionGate { gate: OBJECT_LEVEL_WORKLOAD_IDENTITY });
    }
    let ignore = IgnoreRules::compile(&spec.ignore).map_err(|err| ConfigurationError::IgnoreRule(err.into()))?;
    Ok(Rules {
        owner: build::owner_of(&ObjectKey::of(object)),
        force: spec.force,
        ignore,
        health: Arc::new(health),
        recreate_timeout: timeout(spec),
    })
}

/// The source that the object is built from.
pub(super) fn source(object: &Kustomization) -> Referent {
    let reference = &object.spec.source_ref;
    let namespace = reference.namespace.clone().or_else(|| object.namespace()).unwrap_or_default();
    Referent::new(reference.kind.as_str(), ObjectKey::new(namespace, reference.name.clone()))
}

/// The inventory as `status` lists it.
pub(super) fn listed(inventory: Option<&ResourceInventory>) -> Result<Inventory, ParseIdError> {
    inventory.map_or(Ok(Inventory::default()), Inventory::from_status)
}

/// What was applied before and is not any more.
pub(super) fn stale(old: &Inventory, applied: &Inventory) -> Vec<Entry> {
    old.difference(applied)
}

/// What is waited for: what `spec.healthChecks` names or, with `spec.wait`, what was applied, not skipped, and not seen to be
/// ready then. An object never waits for itself. None when the object checks no health, or applied nothing.
pub(super) fn health_targets(object: &Kustomization, applied: &ChangeSet) -> Option<Vec<Target>> {
    let own = ObjectKey::of(object);
    let is_self = |id: &ObjectId| id.kind == "Kustomization" && id.name == own.name && id.namespace == own.namespace;
    let targets: Vec<Target> = if object.spec.wait {
        applied.changes.iter().find(|change| change.action != Action::Skipped)?;
        applied.changes.iter().filter_map(Target::of).collect()
    } else if object.spec.health_checks.is_empty() {
        return None;
    } else {
        object.spec.health_checks.iter().map(named_target).collect()
    };
    Some(targets.into_iter().filter(|target| !is_self(&target.entry.id)).collect())
}

fn named_target(check: &HealthCheckReference) -> Target {
    let api_version = check.api_version.as_deref().unwrap_or("apps/v1");
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let id = ObjectId {
        namespace: check.namespace.clone().unwrap_or_default(),
        name: check.name.clone(),
        group: group.to_owned(),
        kind: check.kind.clone(),
    };
    Target { entry: Entry { id, version: version.to_owned() }, vanishes: false }
}

/// What finalising the object does. A suspended one, or one that applied nothing, deletes nothing.
pub(super) fn deletion(object: &Kustomization, inventory: &Inventory) -> Deletion {
    if object.spec.suspend || inventory.is_empty() {
        return Deletion::Keep;
    }
    match object.spec.deletion_policy.unwrap_or_default() {
        DeletionPolicy::MirrorPrune if object.spec.prune => Deletion::Delete,
        DeletionPolicy::Delete => Deletion::Delete,
        DeletionPolicy::WaitForTermination => Deletion::DeleteAndWait,
        DeletionPolicy::MirrorPrune | DeletionPolicy::Orphan => Deletion::Keep,
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
