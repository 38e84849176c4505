//! Waiting for health by watch, and what happens where watching is not allowed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use flux_ssa::{HealthWatcher, NetPoll, Target};
use flux_status::HealthRules;
use flux_tasks::Tasks;
use flux_testkit::wait_for;
use kube::Client;
use serde_json::json;

use crate::cluster::{Cluster, LONG};

fn deployment(name: &str, outcome: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  replicas: 2\n  \
         selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata:\n      labels: {{app: {name}}}\n      \
         annotations: {{controlplane.test/outcome: {outcome}}}\n    spec:\n      containers:\n      - {{name: main, image: example.com/main}}\n"
    )
}

fn job(name: &str, outcome: &str) -> String {
    format!(
        "---\napiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}}}\nspec:\n  backoffLimit: 0\n  template:\n    metadata:\n      \
         annotations: {{controlplane.test/outcome: {outcome}}}\n    spec:\n      restartPolicy: Never\n      \
         containers:\n      - {{name: main, image: example.com/main}}\n"
    )
}

/// Applies as the administrator; what is returned is to be waited for.
async fn targets(cluster: &Cluster, yaml: &str) -> Result<Vec<Target>> {
    let changes = cluster.apply_manifests(cluster.manifests(yaml)?).await?;
    Ok(changes.iter().filter_map(Target::of).collect())
}

#[tokio::test]
async fn a_deployment_and_a_job_are_waited_for_by_shared_watches() -> Result<()> {
    let cluster = Cluster::new("ready").await?;
    let yaml = format!("{}{}{}", deployment("web", "run"), deployment("api", "run"), job("init", "succeed"));
    let targets = targets(&cluster, &yaml).await?;
    assert_eq!(targets.len(), 3);
    let client = cluster.applier.client();
    let terms = cluster.terms(LONG);
    let wait = || cluster.health.wait(client, targets.clone(), terms);
    let (first, second) = tokio::join!(wait(), wait());
    first?;
    second?;
    assert!(cluster.health.running() <= 2, "one watch for each kind");
    wait_for("watches end with their waits", LONG, async || match cluster.health.running() {
        0 => Ok(()),
        running => Err(anyhow!("{running} watches run")),
    })
    .await
}

#[tokio::test]
async fn objects_that_are_ready_when_applied_are_not_waited_for() -> Result<()> {
    let cluster = Cluster::new("settled").await?;
    let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: env}\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n";
    assert_eq!(targets(&cluster, yaml).await?, []);
    let web = deployment("web", "run");
    let waited = targets(&cluster, &web).await?;
    cluster.health.wait(cluster.applier.client(), waited, cluster.terms(LONG)).await?;
    assert_eq!(targets(&cluster, &web).await?, [], "it was ready when it was found unchanged");
    Ok(())
}

#[tokio::test]
async fn a_failed_job_ends_the_wait_early() -> Result<()> {
    let cluster = Cluster::new("failed").await?;
    let yaml = format!("{}{}", deployment("web", "unready"), job("init", "fail"));
    let targets = targets(&cluster, &yaml).await?;
    let wait = cluster.health.wait(cluster.applier.client(), targets, cluster.terms(LONG));
    let text = cluster.shown(&wait.await.unwrap_err().to_string());
    let start =
        "failed early due to stalled resources: [Job/NS/init status: 'Failed': Job Failed. failed: 1/1: Pod init-";
    assert!(text.starts_with(start) && text.ends_with(r#": container "main" ended in Error: exit code 1]"#), "{text}");
    Ok(())
}

#[tokio::test]
async fn what_is_not_ready_in_time_is_listed_with_its_reason() -> Result<()> {
    let cluster = Cluster::new("timeout").await?;
    let mut waited = targets(&cluster, &deployment("web", "unready")).await?;
    waited.push(Target { entry: cluster.entry("absent", "apps", "Deployment"), vanishes: false });
    waited.push(Target { entry: cluster.entry("riddle", "example.com", "Riddle"), vanishes: false });
    let timeout = Duration::from_secs(2);
    let wait = cluster.health.wait(cluster.applier.client(), waited, cluster.terms(timeout));
    let text = cluster.shown(&wait.await.unwrap_err().to_string());
    let start = "timeout waiting for: [Deployment/NS/absent status: 'NotFound', Deployment/NS/web status: 'InProgress': \
                 Available: 0/2: Pod web-";
    let end = r#": container "main" is not ready, Riddle/NS/riddle status: 'NotFound']"#;
    assert!(text.starts_with(start) && text.ends_with(end), "{text}");
    Ok(())
}

#[tokio::test]
async fn an_object_that_appears_and_becomes_ready_later_ends_the_wait() -> Result<()> {
    let cluster = Cluster::new("later").await?;
    let waited = vec![Target { entry: cluster.entry("web", "apps", "Deployment"), vanishes: false }];
    let wait = cluster.health.wait(cluster.applier.client(), waited, cluster.terms(LONG));
    let late = async {
        wait_for("the watch runs", LONG, async || match cluster.health.running() {
            0 => Err(anyhow!("it does not")),
            _ => Ok(()),
        })
        .await?;
        cluster.apply(&deployment("web", "run")).await
    };
    let began = Instant::now();
    let (waited, applied) = tokio::join!(wait, late);
    applied?;
    waited?;
    assert!(began.elapsed() < Duration::from_secs(20), "the watch told");
    Ok(())
}

#[tokio::test]
async fn a_job_that_deletes_itself_is_done_when_it_is_gone() -> Result<()> {
    let cluster = Cluster::new("vanishes").await?;
    let yaml = job("init", "succeed").replace("backoffLimit: 0", "backoffLimit: 0\n  ttlSecondsAfterFinished: 0");
    let waited = targets(&cluster, &yaml).await?;
    assert!(waited[0].vanishes);
    wait_for("the job is gone", LONG, async || {
        if cluster.exists("batch/v1", "Job", "init").await? { Err(anyhow!("it is there")) } else { Ok(()) }
    })
    .await?;
    cluster.health.wait(cluster.applier.client(), waited, cluster.terms(LONG)).await?;
    Ok(())
}

#[tokio::test]
async fn expressions_decide_over_the_kinds_that_they_are_for() -> Result<()> {
    let mut cluster = Cluster::new("expressions").await?;
    let check = json!({"apiVersion": "v1", "kind": "ConfigMap", "current": "data.?phase.orValue('') == 'done'",
        "failed": "data.?phase.orValue('') == 'lost'"});
    cluster.rules.health = Arc::new(HealthRules::compile(&[serde_json::from_value(check)?])?);
    let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: state}\n";
    let waited = targets(&cluster, yaml).await?;
    assert_eq!(waited.len(), 1);
    let wait = |targets| cluster.health.wait(cluster.applier.client(), targets, cluster.terms(LONG));
    let done = async {
        wait_for("the watch runs", LONG, async || match cluster.health.running() {
            0 => Err(anyhow!("it does not")),
            _ => Ok(()),
        })
        .await?;
        cluster.edit("v1", "ConfigMap", "state", json!({"data": {"phase": "done"}})).await
    };
    let (ended, edited) = tokio::join!(wait(waited.clone()), done);
    edited?;
    ended?;
    cluster.edit("v1", "ConfigMap", "state", json!({"data": {"phase": "lost"}})).await?;
    let text = cluster.shown(&wait(waited).await.unwrap_err().to_string());
    assert_eq!(text, "failed early due to stalled resources: [ConfigMap/NS/state status: 'Failed']");
    Ok(())
}

/// Waits with a watcher of the identity's own, and returns how many slow reads there were and how many caught something.
async fn wait_as(cluster: &Cluster, client: &Client, net: Duration) -> Result<(usize, usize)> {
    let (polls, caught) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, told) = (Arc::clone(&polls), Arc::clone(&caught));
    let discovery = Arc::clone(cluster.applier.discovery());
    let watcher = HealthWatcher::new(client.clone(), discovery, Tasks::new(), move |poll| {
        counted.fetch_add(1, Ordering::Relaxed);
        if poll == NetPoll::Caught {
            told.fetch_add(1, Ordering::Relaxed);
        }
    })
    .with_net(net);
    let waited = targets(cluster, &deployment("web", "run")).await?;
    assert_eq!(waited.len(), 1);
    watcher.wait(client, waited, cluster.terms(LONG)).await?;
    Ok((polls.load(Ordering::Relaxed), caught.load(Ordering::Relaxed)))
}

#[tokio::test]
async fn an_identity_that_may_watch_its_namespace_only_watches_that() -> Result<()> {
    let cluster = Cluster::new("namespaced").await?;
    let rules = json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "watch"]}]);
    let client = cluster.identity("tenant", rules).await?;
    let began = Instant::now();
    wait_as(&cluster, &client, LONG * 10).await?;
    assert!(began.elapsed() < Duration::from_secs(5), "it was told before the first poll");
    Ok(())
}

#[tokio::test]
async fn an_identity_that_may_only_read_is_served_by_polling() -> Result<()> {
    let cluster = Cluster::new("polled").await?;
    let rules = json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}]);
    let client = cluster.identity("reader", rules).await?;
    let (_, caught) = wait_as(&cluster, &client, LONG * 10).await?;
    assert_eq!(caught, 0, "polling is no slow read beside a watch");
    Ok(())
}

#[tokio::test]
async fn an_identity_that_may_not_read_learns_why() -> Result<()> {
    let cluster = Cluster::new("forbidden").await?;
    let client = cluster.identity("stranger", json!([])).await?;
    let waited = targets(&cluster, &deployment("web", "run")).await?;
    let timeout = Duration::from_secs(2);
    let wait = cluster.health.wait(&client, waited, cluster.terms(timeout));
    let text = cluster.shown(&wait.await.unwrap_err().to_string());
    let start = "timeout waiting for: [Deployment/NS/web status: 'Unknown': deployments.apps \"web\" is forbidden: ";
    assert!(text.starts_with(start), "{text}");
    Ok(())
}
