use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use flux_runtime::{Candidate, Election, Metrics};
use flux_testkit::TestNamespace;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::toy::{SOON, namespace};

fn candidate(namespace: &TestNamespace, identity: &str) -> Arc<Candidate> {
    let election = Election {
        namespace: namespace.name.clone(),
        name: "toy-leader-election".to_owned(),
        identity: identity.to_owned(),
        lease_duration: Duration::from_secs(2),
        renew_deadline: Duration::from_secs(1),
        retry_period: Duration::from_millis(100),
        release: true,
    };
    Arc::new(Candidate::new(namespace.client.clone(), election, Metrics::new()))
}

#[expect(clippy::disallowed_methods, reason = "a test waits for its own tasks")]
fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(task)
}

async fn lease(namespace: &TestNamespace) -> Result<Lease> {
    let api: Api<Lease> = namespace.api();
    Ok(api.get("toy-leader-election").await?)
}

async fn holder(namespace: &TestNamespace) -> Result<String> {
    lease(namespace).await?.spec.and_then(|spec| spec.holder_identity).context("a holder")
}

#[tokio::test]
async fn a_released_lease_goes_to_the_next_candidate_at_once() -> Result<()> {
    let namespace = namespace("release").await?;
    let (first, second) = (candidate(&namespace, "first"), candidate(&namespace, "second"));
    first.acquire().await;
    let stop = CancellationToken::new();
    let (leading, stopping) = (Arc::clone(&first), stop.clone());
    let held = spawn(async move { leading.hold(stopping).await });
    let waiting = Arc::clone(&second);
    let next = spawn(async move { waiting.acquire().await });
    assert_eq!(holder(&namespace).await?, "first");
    assert!(!next.is_finished());
    stop.cancel();
    held.await??;
    tokio::time::timeout(SOON, next).await??;
    assert_eq!(holder(&namespace).await?, "second");
    let spec = lease(&namespace).await?.spec.context("a spec")?;
    assert_eq!((spec.lease_duration_seconds, spec.lease_transitions), (Some(2), Some(1)));
    Ok(())
}

#[tokio::test]
async fn a_lease_that_is_not_renewed_is_taken_over_after_its_duration() -> Result<()> {
    let namespace = namespace("expiry").await?;
    candidate(&namespace, "crashed").acquire().await;
    let began = Instant::now();
    tokio::time::timeout(SOON, candidate(&namespace, "second").acquire()).await?;
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(holder(&namespace).await?, "second");
    Ok(())
}

#[tokio::test]
async fn a_leader_whose_lease_was_taken_is_told() -> Result<()> {
    let namespace = namespace("stolen").await?;
    let first = candidate(&namespace, "first");
    first.acquire().await;
    let held = spawn(async move { first.hold(CancellationToken::new()).await });
    let api: Api<Lease> = namespace.api();
    let patch = Patch::Merge(json!({"spec": {"holderIdentity": "thief", "leaseDurationSeconds": 60}}));
    api.patch("toy-leader-election", &PatchParams::default(), &patch).await?;
    let lost = tokio::time::timeout(SOON, held).await??.unwrap_err();
    assert_eq!(lost.to_string(), format!("lost the lease {}/toy-leader-election", namespace.name));
    assert_eq!(holder(&namespace).await?, "thief");
    Ok(())
}
