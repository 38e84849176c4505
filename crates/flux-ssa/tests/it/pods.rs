//! Pods that fail, alone and under workloads whose own status does not tell.

use std::time::Duration;

use anyhow::{Result, anyhow};
use flux_ssa::{Target, Terms};
use flux_testkit::wait_for;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::cluster::{Cluster, LONG};

/// A workload whose Pods no scheduler takes, so that their status is the test's.
fn workload(kind: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: web}}\nspec:\n  replicas: 1\n  selector: {{matchLabels: {{app: web}}}}\n  \
         template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n      schedulerName: nobody\n      \
         containers:\n      - {{name: main, image: example.com/main}}\n"
    )
}

/// A Pod that no node fits.
const MISFIT: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: misfit}\nspec:\n  nodeSelector: {size: none}\n  containers:\n  \
                      - {name: main, image: example.com/main}\n";

async fn target(cluster: &Cluster, yaml: &str) -> Result<Vec<Target>> {
    let changes = cluster.apply_manifests(cluster.manifests(yaml)?).await?;
    Ok(changes.iter().filter_map(Target::of).collect())
}

/// Waits until the workload has its Pod, and returns its name.
async fn pod(cluster: &Cluster) -> Result<String> {
    wait_for("there is a Pod", LONG, async || {
        let pods = cluster.api("v1", "Pod").list(&kube::api::ListParams::default()).await?;
        let first = pods.items.into_iter().next().and_then(|pod| pod.metadata.name);
        first.ok_or_else(|| anyhow!("there is none"))
    })
    .await
}

/// Makes the Pod's container crash again and again.
async fn crash(cluster: &Cluster, pod: &str) -> Result<()> {
    let waiting = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    let container =
        json!({"name": "main", "image": "", "imageID": "", "ready": false, "restartCount": 3, "state": waiting});
    let status = json!({"status": {"phase": "Running", "containerStatuses": [container]}});
    cluster.api("v1", "Pod").patch_status(pod, &PatchParams::default(), &Patch::Merge(status)).await?;
    Ok(())
}

#[tokio::test]
async fn workloads_whose_pods_crash_fail_at_once() -> Result<()> {
    for kind in ["StatefulSet", "ReplicaSet"] {
        let cluster = Cluster::new("crashed").await?;
        let waited = target(&cluster, &workload(kind)).await?;
        let pod = pod(&cluster).await?;
        crash(&cluster, &pod).await?;
        let wait = cluster.health.wait(cluster.applier.client(), waited, cluster.terms(LONG));
        let text = cluster.shown(&wait.await.unwrap_err().to_string());
        assert_eq!(
            text,
            format!(
                "failed early due to stalled resources: [{kind}/NS/web status: 'Failed': 1 pods have failed: {pod}: \
                 Containers in CrashLoop state: main]"
            )
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_pod_that_begins_to_crash_ends_the_wait_for_its_workload() -> Result<()> {
    let cluster = Cluster::new("crashing").await?;
    let waited = target(&cluster, &workload("StatefulSet")).await?;
    let wait = cluster.health.wait(cluster.applier.client(), waited, cluster.terms(LONG));
    let later = async {
        wait_for("the workload and its Pods are watched", LONG, async || match cluster.health.running() {
            2 => Ok(()),
            running => Err(anyhow!("{running} watches run")),
        })
        .await?;
        crash(&cluster, &pod(&cluster).await?).await
    };
    let (ended, crashed) = tokio::join!(wait, later);
    crashed?;
    let text = cluster.shown(&ended.unwrap_err().to_string());
    assert!(text.starts_with("failed early due to stalled resources: [StatefulSet/NS/web status: 'Failed'"), "{text}");
    wait_for("watches end with their waits", LONG, async || match cluster.health.running() {
        0 => Ok(()),
        running => Err(anyhow!("{running} watches run")),
    })
    .await
}

#[tokio::test]
async fn an_identity_that_may_not_list_pods_waits_for_the_workload_alone() -> Result<()> {
    let cluster = Cluster::new("blind").await?;
    let rules = json!([{"apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": ["get", "list", "watch"]}]);
    let client = cluster.identity("tenant", rules).await?;
    let waited = target(&cluster, &workload("StatefulSet")).await?;
    crash(&cluster, &pod(&cluster).await?).await?;
    let wait = cluster.health.wait(&client, waited, cluster.terms(Duration::from_secs(2)));
    let text = cluster.shown(&wait.await.unwrap_err().to_string());
    assert_eq!(text, "timeout waiting for: [StatefulSet/NS/web status: 'InProgress': Ready: 0/1]");
    Ok(())
}

#[tokio::test]
async fn a_pod_that_no_node_fits_fails_when_its_time_to_be_scheduled_is_over() -> Result<()> {
    let cluster = Cluster::new("misfit").await?;
    let waited = target(&cluster, MISFIT).await?;
    let terms = cluster.terms(LONG);
    let later = Terms { now: terms.now.checked_add(Duration::from_secs(15))?, ..terms };
    let wait = cluster.health.wait(cluster.applier.client(), waited.clone(), later);
    let text = cluster.shown(&wait.await.unwrap_err().to_string());
    assert_eq!(
        text,
        "failed early due to stalled resources: [Pod/NS/misfit status: 'Failed': Pod could not be scheduled]"
    );
    Ok(())
}

#[tokio::test]
async fn a_workload_whose_pods_no_node_fits_stays_in_progress() -> Result<()> {
    let cluster = Cluster::new("unfit").await?;
    let yaml = workload("StatefulSet").replace("schedulerName: nobody", "nodeSelector: {size: none}");
    let waited = target(&cluster, &yaml).await?;
    let name = pod(&cluster).await?;
    wait_for("the scheduler has given up", LONG, async || {
        let pod = cluster.get("v1", "Pod", &name).await?;
        let reason = &pod["status"]["conditions"][0]["reason"];
        if reason == "Unschedulable" { Ok(()) } else { Err(anyhow!("{reason}")) }
    })
    .await?;
    let terms = cluster.terms(Duration::from_secs(2));
    let later = Terms { now: terms.now.checked_add(LONG)?, ..terms };
    let wait = cluster.health.wait(cluster.applier.client(), waited, later);
    let text = cluster.shown(&wait.await.unwrap_err().to_string());
    let start = "timeout waiting for: [StatefulSet/NS/web status: 'InProgress': Ready: 0/1: Pod web-0: Unschedulable: ";
    assert!(text.starts_with(start), "{text}");
    Ok(())
}
