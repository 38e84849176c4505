//! What is left of a Kustomization's objects when it is deleted.

use std::time::Duration;

use flux_api::kustomize::v1::Kustomization;
use flux_api::meta::{FluxObject as _, READY, reason};
use flux_objects::{Entry, Inventory, ObjectId};
use flux_runtime::client::ApiError;
use flux_runtime::{Facts, Failure, Fault, Notice, ObjectKey, Retry, Run, Severity};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;

use super::cluster::Clusters;
use super::delete::{self, Wait};
use super::dependents::{self, Dependents, Order};
use super::error::{FinalizeError, PruneError};
use super::plan::Deletion;
use super::{Status, build, plan, report};
use crate::step::{Step, reached};

/// How often dependents are looked at although the watch tells when they are gone.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Deletes what the object applied, as its policy says. What could not be deleted is tried again, and the object stays;
/// but where the ServiceAccount that applied it is gone, nobody may delete it any more, and the object goes.
pub(super) async fn finalize(
    object: &Kustomization,
    clusters: &Clusters,
    dependents: &Dependents<'_>,
    facts: &mut Facts<Status>,
    run: &Run<Kustomization>,
) -> Result<(), Fault> {
    let inventory = listed(facts);
    let deletion = plan::deletion(object, &inventory);
    if deletion == Deletion::Keep {
        return Ok(());
    }
    give_way(object, dependents, facts, run)?;
    let entries: Vec<Entry> = inventory.iter().collect();
    if let Some(account) = clusters.service_account(object)
        && !exists(&account, run).await?
    {
        let ids: Vec<String> = entries.iter().map(|entry| entry.id.to_string()).collect();
        tell(object, facts, Severity::Error, format!("unable to prune objects: \n{}", ids.join("\n")));
        return Ok(());
    }
    let cluster = clusters.of(object, run).await.map_err(|err| failed(FinalizeError::Cluster(err)))?;
    reached(Step::Finalizing).await;
    let (owner, patience) = (build::owner_of(&ObjectKey::of(object)), plan::timeout(&object.spec));
    // Nothing cuts this short: there is no newer state to go for.
    let (deleted, _) = delete::delete(entries, &cluster, &owner, patience, Wait::ToTheEnd, run).await;
    let text = deleted.changes.text();
    if !text.is_empty() {
        tell(object, facts, Severity::Info, text);
    }
    if let Some(text) = deleted.overdue_text() {
        tell(object, facts, Severity::Error, text);
    }
    if !deleted.survivors.is_empty() {
        facts.status.inventory = Some(deleted.survivors.into_iter().collect::<Inventory>().to_status());
        return Err(failed(FinalizeError::Prune(PruneError(deleted.failures))));
    }
    if deletion == Deletion::DeleteAndWait || dependents::is_reverse(object) {
        let awaited: Vec<Entry> = deleted.awaited().cloned().collect();
        let waited = cluster.applier.wait_terminated(&awaited, patience);
        if let Err(err) = run.wait_uninterrupted(waited).await {
            tracing::error!(error = err.to_string(), "failed to wait for resources termination");
            tell(object, facts, Severity::Error, "failed to wait for resources termination".to_owned());
        }
    }
    reached(Step::Finalized).await;
    Ok(())
}

/// Lets dependents that are deleted too go first, where both sides ask for that.
fn give_way(
    object: &Kustomization,
    dependents: &Dependents<'_>,
    facts: &mut Facts<Status>,
    run: &Run<Kustomization>,
) -> Result<(), Fault> {
    let waiting = |err: FinalizeError, retry_after| {
        Err(Fault::Waiting { on: Failure::new(reason::PROGRESSING, err), retry_after })
    };
    match dependents.order(object, run.now()) {
        Order::Go => Ok(()),
        Order::LookAgain(retry_after) => waiting(FinalizeError::Undecided, retry_after),
        Order::WaitFor(keys) => waiting(FinalizeError::Dependents(names(&keys)), LOOK_AGAIN),
        Order::GoWithout(keys) => {
            let text = format!("deleted before its dependents, which did not go in time: {}", names(&keys));
            tell(object, facts, Severity::Error, text);
            Ok(())
        }
    }
}

fn names(keys: &[ObjectKey]) -> String {
    keys.iter().map(|key| format!("Kustomization/{key}")).collect::<Vec<_>>().join(", ")
}

/// What the status lists. An entry that names no object cannot be deleted, and must not keep the rest from it.
fn listed(facts: &Facts<Status>) -> Inventory {
    let entries = facts.status.inventory.iter().flat_map(|inventory| &inventory.entries);
    let parsed = entries.filter_map(|entry| {
        let id = ObjectId::parse(&entry.id).ok()?;
        Some(Entry { id, version: entry.version.clone() })
    });
    parsed.collect()
}

async fn exists(account: &ObjectKey, run: &Run<Kustomization>) -> Result<bool, Fault> {
    let api: Api<ServiceAccount> = Api::namespaced(run.client.clone(), &account.namespace);
    let found = api.get_metadata_opt(&account.name).await;
    let found = found.map_err(|err| FinalizeError::Account { account: account.clone(), cause: ApiError::from(err) });
    found.map(|found| found.is_some()).map_err(failed)
}

fn failed(err: FinalizeError) -> Fault {
    Fault::Transient { failure: Failure::new(reason::PRUNE_FAILED, err), retry: Retry::Backoff }
}

/// An event under the reason that Ready has, as upstream sends it.
fn tell(object: &Kustomization, facts: &mut Facts<Status>, severity: Severity, text: String) {
    let ready = object.conditions().iter().find(|condition| condition.type_ == READY);
    let reason = ready.map_or(reason::PROGRESSING, |ready| ready.reason.as_str()).to_owned();
    let status = &facts.status;
    let metadata = report::revision_metadata(
        status.last_applied_revision.as_deref(),
        status.last_applied_origin_revision.as_deref(),
    );
    facts.notices.push(Notice { severity, reason, message: text, metadata });
}
