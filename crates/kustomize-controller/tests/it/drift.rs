//! Drift that is only reported.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::bench::{Bench, condition, conditions, config_map, inventory};

async fn edit(bench: &Bench, name: &str, patch: Value) {
    bench.ns.api::<ConfigMap>().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
}

#[tokio::test]
async fn drift_is_reported_and_left_until_something_new_is_to_be_applied() {
    let bench = Bench::start("drift-warn", &[]).await;
    let one = |value: &str| [("app/one.yaml", config_map("one", value)), ("app/two.yaml", config_map("two", "a"))];
    let publish = async |revision: &str, value: &str| {
        let files = one(value);
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        bench.publish(revision, &files).await;
    };
    publish("1", "a").await;
    bench.kustomization("app", json!({})).await;
    let annotations = json!({"kustomize.toolkit.fluxcd.io/drift": "warn"});
    bench.patch("app", json!({"metadata": {"annotations": annotations}})).await;
    bench.ready("app", "1").await;

    let objects: Api<ConfigMap> = bench.ns.api();
    edit(&bench, "one", json!({"data": {"key": "edited", "other": "x"}})).await;
    objects.delete("two", &DeleteParams::default()).await.unwrap();
    let object = bench.reconcile("app", "first").await;

    let namespace = &bench.ns.name;
    let text = format!(
        "drift detected and left as it is: ConfigMap/{namespace}/one differs in /data/key; ConfigMap/{namespace}/two is missing"
    );
    let drifted = condition(&object, "Drifted").unwrap();
    assert_eq!((drifted.reason.as_str(), &drifted.message), ("DriftDetected", &text));
    assert_eq!(conditions(&object), ["Ready=True ReconciliationSucceeded"]);
    assert_eq!(inventory(&object), ["_one__ConfigMap", "_two__ConfigMap"]);
    assert_eq!(bench.event("app", &text).await, ("Warning".to_owned(), "DriftDetected".to_owned()));
    assert_eq!(bench.config_value("one", "key").await.as_deref(), Some("edited"));
    assert!(bench.config_map("two").await.is_none());

    // What was undone by hand is no drift any more.
    bench.ns.apply(&config_map("two", "a")).await.unwrap();
    edit(
        &bench,
        "two",
        json!({"metadata": {"labels": {
            "kustomize.toolkit.fluxcd.io/name": "app", "kustomize.toolkit.fluxcd.io/namespace": namespace,
        }}}),
    )
    .await;
    let object = bench.reconcile("app", "second").await;
    let drifted = condition(&object, "Drifted").unwrap();
    assert!(drifted.message.ends_with("/one differs in /data/key"), "{}", drifted.message);

    // A new state is applied as a whole.
    publish("2", "b").await;
    let object = bench.ready("app", "2").await;
    assert!(condition(&object, "Drifted").is_none());
    assert_eq!(bench.config_value("one", "key").await.as_deref(), Some("b"));

    // Without the annotation drift is undone again.
    edit(&bench, "one", json!({"data": {"key": "edited"}})).await;
    bench.reconcile("app", "third").await;
    assert_eq!(bench.config_value("one", "key").await.as_deref(), Some("edited"));
    bench.patch("app", json!({"metadata": {"annotations": {"kustomize.toolkit.fluxcd.io/drift": null}}})).await;
    let object = bench.reconcile("app", "fourth").await;
    assert!(condition(&object, "Drifted").is_none());
    assert_eq!(bench.config_value("one", "key").await.as_deref(), Some("b"));
}
