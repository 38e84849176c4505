//! What applying does to objects, and to which.

use anyhow::Result;
use flux_objects::{StageKind, stages};
use flux_ssa::ApplyError;
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::cluster::{Cluster, MANAGER};

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: env}\ndata: {a: '1', b: '2'}\n";

fn managers(object: &Value) -> Vec<String> {
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| format!("{} {}", entry["manager"].as_str().unwrap(), entry["operation"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn objects_are_created_then_left_then_configured() -> Result<()> {
    let cluster = Cluster::new("created").await?;
    let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n";
    let both = format!("{service}---\n{CONFIG}");
    assert_eq!(cluster.apply(&both).await?, ["ConfigMap/NS/env created", "Service/NS/web created"]);
    let version = cluster.get("v1", "Service", "web").await?["metadata"]["resourceVersion"].clone();
    assert_eq!(cluster.apply(&both).await?, ["ConfigMap/NS/env unchanged", "Service/NS/web unchanged"]);
    let service = cluster.get("v1", "Service", "web").await?;
    assert_eq!(service["metadata"]["resourceVersion"], version);
    assert_eq!(managers(&service), [format!("{MANAGER} Apply")]);
    assert_eq!(service["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"], "apps");

    let changed = both.replace("a: '1'", "a: '3'");
    assert_eq!(cluster.apply(&changed).await?, ["ConfigMap/NS/env configured", "Service/NS/web unchanged"]);
    assert_eq!(cluster.get("v1", "ConfigMap", "env").await?["data"], json!({"a": "3", "b": "2"}));
    Ok(())
}

#[tokio::test]
async fn fields_that_left_the_manifest_are_removed_and_drift_is_undone() -> Result<()> {
    let cluster = Cluster::new("drift").await?;
    cluster.apply(CONFIG).await?;
    cluster.edit("v1", "ConfigMap", "env", json!({"data": {"a": "hand", "b": null, "c": "theirs"}})).await?;
    assert_eq!(cluster.apply(CONFIG).await?, ["ConfigMap/NS/env configured"]);
    assert_eq!(cluster.get("v1", "ConfigMap", "env").await?["data"], json!({"a": "1", "b": "2", "c": "theirs"}));
    assert_eq!(cluster.apply(&CONFIG.replace(", b: '2'", "")).await?, ["ConfigMap/NS/env configured"]);
    assert_eq!(cluster.get("v1", "ConfigMap", "env").await?["data"], json!({"a": "1", "c": "theirs"}));
    Ok(())
}

#[tokio::test]
async fn a_failing_dry_run_applies_nothing_of_its_stage_and_lists_every_failure() -> Result<()> {
    let cluster = Cluster::new("dry-run").await?;
    let broken = "---\napiVersion: v1\nkind: Service\nmetadata: {name: NAME}\nspec: {ports: [{port: 0}], type: Odd}\n";
    let lost = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: lost, namespace: nowhere-at-all}\n";
    let unknown = "---\napiVersion: example.com/v9\nkind: Riddle\nmetadata: {name: x}\n";
    let all = format!("{CONFIG}{lost}{unknown}{}{}", broken.replace("NAME", "one"), broken.replace("NAME", "two"));
    let text = cluster.refusal(&all).await?;
    let parts: Vec<&str> = text.split("; ").collect();
    assert_eq!(parts[0], r#"ConfigMap/nowhere-at-all/lost not found: namespaces "nowhere-at-all" not found"#);
    for (part, name) in [(parts[1], "one"), (parts[2], "two")] {
        let start = format!(r#"Service/NS/{name} dry-run failed (Invalid): Service "{name}" is invalid: "#);
        assert!(part.starts_with(&start), "{part}");
        assert!(part.contains("spec.ports[0].port") && part.contains("spec.type"), "{part}");
    }
    assert_eq!(parts[3], r#"Riddle/NS/x dry-run failed: no matches for kind "Riddle" in version "example.com/v9""#);
    assert_eq!(parts.len(), 4);
    assert!(!cluster.exists("v1", "ConfigMap", "env").await?);
    Ok(())
}

#[tokio::test]
async fn a_plan_names_its_objects_before_anything_is_written() -> Result<()> {
    let cluster = Cluster::new("plan").await?;
    let stage = stages(cluster.manifests(CONFIG)?, &[]).remove(0);
    let plan = cluster.applier.plan(stage.clone(), &cluster.rules).await?;
    assert_eq!(plan.entries(), [cluster.entry("env", "", "ConfigMap")]);
    assert!(!plan.is_noop());
    assert!(!cluster.exists("v1", "ConfigMap", "env").await?);
    cluster.applier.apply(plan, &cluster.rules).await?;
    assert!(cluster.applier.plan(stage, &cluster.rules).await?.is_noop());
    Ok(())
}

#[tokio::test]
async fn namespaces_follow_the_scope_of_the_kind() -> Result<()> {
    let cluster = Cluster::new("scope").await?;
    let mut manifests = cluster.manifests(&format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {}}}\nrules: []\n---\n{CONFIG}",
        cluster.namespace.name
    ))?;
    manifests[0].set_namespace("wrong");
    let changes = cluster.apply_manifests(vec![manifests[0].clone()]).await?;
    assert_eq!(changes[0].entry.id.namespace, "");
    manifests[1].clear_namespace();
    let err = cluster.apply_manifests(vec![manifests[1].clone()]).await.unwrap_err();
    assert_eq!(err.to_string(), "ConfigMap/env namespace not specified");
    Ok(())
}

#[tokio::test]
async fn what_kubectl_left_becomes_ours() -> Result<()> {
    let cluster = Cluster::new("kubectl").await?;
    let made: DynamicObject = serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "0", "old": "x"},
        "metadata": {"name": "env", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "note": "kept"}},
    }))?;
    let kubectl = PostParams { field_manager: Some("kubectl-client-side-apply".to_owned()), ..PostParams::default() };
    cluster.api("v1", "ConfigMap").create(&kubectl, &made).await?;
    cluster.edit("v1", "ConfigMap", "env", json!({"data": {"by-hand": "y"}})).await?;

    assert_eq!(cluster.apply(CONFIG).await?, ["ConfigMap/NS/env configured"]);
    let object = cluster.get("v1", "ConfigMap", "env").await?;
    assert_eq!(object["data"], json!({"a": "1", "b": "2", "by-hand": "y"}));
    assert_eq!(object["metadata"]["annotations"], Value::Null);
    let mut found = managers(&object);
    found.sort();
    assert_eq!(found, ["hand Update".to_owned(), format!("{MANAGER} Apply")]);
    assert_eq!(cluster.apply(CONFIG).await?, ["ConfigMap/NS/env unchanged"]);
    Ok(())
}

#[tokio::test]
async fn what_kubectl_applied_server_side_becomes_ours() -> Result<()> {
    let cluster = Cluster::new("kubectl-ssa").await?;
    let theirs =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "env"}, "data": {"a": "0", "old": "x"}});
    cluster.api("v1", "ConfigMap").patch("env", &PatchParams::apply("kubectl"), &Patch::Apply(theirs)).await?;
    assert_eq!(cluster.apply(CONFIG).await?, ["ConfigMap/NS/env configured"]);
    let object = cluster.get("v1", "ConfigMap", "env").await?;
    assert_eq!(object["data"], json!({"a": "1", "b": "2"}));
    assert_eq!(managers(&object), [format!("{MANAGER} Apply")]);
    Ok(())
}

#[tokio::test]
async fn an_immutable_change_is_refused_unless_it_is_forced() -> Result<()> {
    let mut cluster = Cluster::new("immutable").await?;
    let frozen = format!("{CONFIG}immutable: true\n");
    let changed = frozen.replace("a: '1'", "a: '9'");
    cluster.apply(&frozen).await?;
    let uid = cluster.get("v1", "ConfigMap", "env").await?["metadata"]["uid"].clone();
    let text = cluster.refusal(&changed).await?;
    assert!(text.starts_with("ConfigMap/NS/env dry-run failed (Invalid): ConfigMap \"env\" is invalid: "), "{text}");

    // A finalizer keeps the object there until somebody lets it go.
    cluster.edit("v1", "ConfigMap", "env", json!({"metadata": {"finalizers": ["example.com/hold"]}})).await?;
    cluster.rules.force = true;
    let (applied, released) = tokio::join!(cluster.apply(&changed), cluster.let_go("env"));
    released?;
    assert_eq!(applied?, ["ConfigMap/NS/env created"]);
    let object = cluster.get("v1", "ConfigMap", "env").await?;
    assert_ne!(object["metadata"]["uid"], uid);
    assert_eq!(object["data"]["a"], "9");
    Ok(())
}

#[tokio::test]
async fn an_object_that_is_recreated_is_there_again_although_its_neighbour_fails() -> Result<()> {
    let mut cluster = Cluster::new("neighbour").await?;
    let frozen = format!("{CONFIG}immutable: true\n");
    let other = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: {a: '1'}\n";
    cluster.apply(&frozen).await?;
    cluster.edit("v1", "ConfigMap", "env", json!({"metadata": {"finalizers": ["example.com/hold"]}})).await?;
    cluster.rules.force = true;
    let both = format!("{}{other}", frozen.replace("a: '1'", "a: '9'"));
    let stage = stages(cluster.manifests(&both)?, &[]).remove(0);
    let plan = cluster.applier.plan(stage, &cluster.rules).await?;
    // What was to be created is there by now, and cannot be changed.
    let there = format!("{}immutable: true\n", other.replace("a: '1'", "a: '2'"));
    cluster.namespace.apply(there.trim_start_matches("---\n")).await?;

    let (applied, released) = tokio::join!(cluster.applier.apply(plan, &cluster.rules), cluster.let_go("env"));
    released?;
    let text = applied.expect_err("the neighbour was applied").to_string();
    assert!(cluster.shown(&text).starts_with("ConfigMap/NS/other "), "{text}");
    assert_eq!(cluster.get("v1", "ConfigMap", "env").await?["data"]["a"], "9");
    Ok(())
}

#[tokio::test]
async fn marks_decide_whether_and_how_an_object_is_applied() -> Result<()> {
    let cluster = Cluster::new("marks").await?;
    let marked = |mark: &str, value: &str| {
        let annotation = format!("{{name: env, annotations: {{kustomize.toolkit.fluxcd.io/{mark}}}}}");
        CONFIG.replace("{name: env}", &annotation).replace("a: '1'", &format!("a: '{value}'"))
    };
    let value = async || anyhow::Ok(cluster.get("v1", "ConfigMap", "env").await?["data"]["a"].clone());

    assert_eq!(cluster.apply(&marked("reconcile: disabled", "1")).await?, ["ConfigMap/NS/env skipped"]);
    assert!(!cluster.exists("v1", "ConfigMap", "env").await?);
    assert_eq!(cluster.apply(&marked("ssa: IfNotPresent", "1")).await?, ["ConfigMap/NS/env created"]);
    assert_eq!(cluster.apply(&marked("ssa: ifnotpresent", "2")).await?, ["ConfigMap/NS/env skipped"]);
    assert_eq!(value().await?, "1");

    let kubectl = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
    let edit = Patch::Merge(json!({"data": {"extra": "kept"}}));
    cluster.api("v1", "ConfigMap").patch("env", &kubectl, &edit).await?;
    assert_eq!(cluster.apply(&marked("ssa: Merge", "3")).await?, ["ConfigMap/NS/env configured"]);
    let object = cluster.get("v1", "ConfigMap", "env").await?;
    assert_eq!(object["data"], json!({"a": "3", "b": "2", "extra": "kept"}));
    assert!(managers(&object).contains(&"kubectl-edit Update".to_owned()));

    // On the live object alone.
    let ignore = json!({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/ssa": "Ignore"}}});
    cluster.edit("v1", "ConfigMap", "env", ignore).await?;
    assert_eq!(cluster.apply(&CONFIG.replace("a: '1'", "a: '4'")).await?, ["ConfigMap/NS/env skipped"]);
    assert_eq!(value().await?, "3");
    Ok(())
}

#[tokio::test]
async fn ignored_fields_keep_what_others_set() -> Result<()> {
    let mut cluster = Cluster::new("ignored").await?;
    let rule = json!({"paths": ["/data/a"], "target": {"kind": "ConfigMap"}});
    cluster.rules.ignore = flux_objects::IgnoreRules::compile(&[serde_json::from_value(rule)?])?;
    assert_eq!(cluster.apply(CONFIG).await?, ["ConfigMap/NS/env created"]);
    cluster.edit("v1", "ConfigMap", "env", json!({"data": {"a": "hand"}})).await?;
    assert_eq!(cluster.apply(CONFIG).await?, ["ConfigMap/NS/env unchanged"]);
    assert_eq!(cluster.apply(&CONFIG.replace("b: '2'", "b: '3'")).await?, ["ConfigMap/NS/env configured"]);
    assert_eq!(cluster.get("v1", "ConfigMap", "env").await?["data"], json!({"a": "hand", "b": "3"}));
    Ok(())
}

#[tokio::test]
async fn definitions_and_their_objects_are_applied_in_one_go() -> Result<()> {
    let cluster = Cluster::new("definitions").await?;
    let group = format!("{}.example.com", cluster.namespace.name);
    let yaml = format!(
        "apiVersion: {group}/v1\nkind: Gadget\nmetadata: {{name: one, namespace: {group}}}\nspec: {{size: 3}}\n---\n\
         apiVersion: v1\nkind: Namespace\nmetadata: {{name: {group}}}\n---\n\
         apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: gadgets.{group}}}\n\
         spec:\n  group: {group}\n  scope: Namespaced\n  names: {{kind: Gadget, plural: gadgets, singular: gadget}}\n  \
         versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {{openAPIV3Schema: {{type: object, \
         x-kubernetes-preserve-unknown-fields: true}}}}\n"
    );
    let yaml = yaml.replace(&format!("name: {group}}}"), &format!("name: {0}-more}}", cluster.namespace.name));
    let yaml = yaml.replace(&format!("namespace: {group}"), &format!("namespace: {}-more", cluster.namespace.name));
    let stages = stages(cluster.manifests(&yaml)?, &[]);
    assert_eq!(stages.iter().map(|stage| stage.kind).collect::<Vec<_>>(), [StageKind::Definitions, StageKind::Rest]);
    let lines = cluster.apply(&yaml).await?;
    assert_eq!(
        lines,
        [
            "CustomResourceDefinition/gadgets.NS.example.com created",
            "Namespace/NS-more created",
            "Gadget/NS-more/one created"
        ]
    );
    assert!(cluster.apply(&yaml).await?.iter().all(|line| line.ends_with(" unchanged")));
    Ok(())
}

#[tokio::test]
async fn a_refused_secret_shows_none_of_its_data() -> Result<()> {
    let cluster = Cluster::new("secret").await?;
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\ndata: {password: [aHVudGVyMjI=, 7365746]}\n";
    let text = cluster.refusal(secret).await?;
    assert!(text.starts_with("Secret/NS/login dry-run failed"), "{text}");
    assert!(!text.contains("aHVudGVyMjI=") && !text.contains("7365746"), "{text}");
    Ok(())
}

#[tokio::test]
async fn an_unreachable_api_server_is_named_once() -> Result<()> {
    let cluster = Cluster::new("unreachable").await?;
    let mut config = kube::Config::new("http://127.0.0.1:1".parse()?);
    config.connect_timeout = Some(std::time::Duration::from_secs(1));
    let client = Client::try_from(config)?;
    // What is served is known; only the objects cannot be read.
    cluster.apply(CONFIG).await?;
    let options = std::sync::Arc::new(flux_ssa::Options::new(MANAGER, crate::cluster::GROUP));
    let applier = flux_ssa::Applier::new(client, std::sync::Arc::clone(cluster.applier.discovery()), options);
    let both = format!("{CONFIG}---\n{}", CONFIG.replace("name: env", "name: other"));
    let stage = stages(cluster.manifests(&both)?, &[]).remove(0);
    let Err(ApplyError::DryRun(failures)) = applier.plan(stage, &cluster.rules).await else { panic!("planned") };
    assert_eq!(failures.all().len(), 1);
    assert!(failures.all()[0].text.contains("API server cannot be reached"), "{failures}");
    Ok(())
}

impl Cluster {
    fn api_of_config_maps(&self) -> Api<k8s_openapi::api::core::v1::ConfigMap> {
        self.namespace.api()
    }

    /// Takes the finalizers off a ConfigMap as soon as it is deleted.
    async fn let_go(&self, name: &str) -> Result<()> {
        flux_testkit::wait_object(&self.api_of_config_maps(), name, crate::cluster::LONG, |object| {
            let deleted = object.is_some_and(|object| object.metadata.deletion_timestamp.is_some());
            deleted.then_some(()).ok_or_else(|| anyhow::anyhow!("it was not deleted"))
        })
        .await?;
        self.edit("v1", "ConfigMap", name, json!({"metadata": {"finalizers": null}})).await
    }
}
