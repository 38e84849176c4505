//! Many objects, many errors, and texts and statuses that stay within what the API server stores.

use std::fmt::Write as _;

use flux_api::meta::FluxObject as _;
use k8s_openapi::api::core::v1::{ConfigMap, Event};
use kube::Api;
use kube::api::ListParams;
use serde_json::json;

use crate::bench::{Bench, condition, conditions, config_map, inventory};

#[tokio::test]
async fn an_inventory_that_no_status_has_room_for_stalls_before_the_first_write() {
    let bench = Bench::start("too-large", &[]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("app", json!({})).await;
    bench.ready("app", "1").await;

    let many = |folder: &str, count: usize| {
        (0..count).fold(String::new(), |mut text, number| {
            write!(text, "---\n{}", config_map(&format!("{folder}-{number:0>240}"), "a")).unwrap();
            text
        })
    };
    let (a, b) = (many("a", 3_000), many("b", 1_000));
    bench.publish("2", &[("app/a/all.yaml", &a), ("app/b/all.yaml", &b)]).await;
    let message = bench.fails("app", "ReconciliationFailed").await;

    let end = r#" bytes of status, and at most 1048576 can be stored: split "./app" into several Kustomizations (3000 come from "app/a", 1000 come from "app/b"); 1 of the objects are no longer built and stay listed until they are pruned"#;
    assert!(message.starts_with("inventory of 4001 objects takes ") && message.ends_with(end), "{message}");
    let object = bench.until("app", |object| Ok(object.clone())).await;
    assert_eq!(conditions(&object), ["Ready=False ReconciliationFailed", "Stalled=True ReconciliationFailed"]);
    assert_eq!(object.observed_generation(), object.metadata.generation.unwrap());
    assert_eq!(inventory(&object), ["_one__ConfigMap"]);
    let applied = bench.ns.api::<ConfigMap>().list(&ListParams::default()).await.unwrap();
    let applied: Vec<_> = applied.items.into_iter().filter_map(|object| object.metadata.name).collect();
    assert!(applied.contains(&"one".to_owned()), "{applied:?}");
    assert!(!applied.iter().any(|name| name.len() > 100), "{}", applied.len());

    bench.publish("3", &[("app/two.yaml", &config_map("two", "a"))]).await;
    bench.ready("app", "3").await;
}

#[tokio::test]
async fn hundreds_of_refused_objects_are_named_in_texts_that_fit() {
    let bench = Bench::start("many-errors", &[]).await;
    let invalid = |number: usize| {
        format!(
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: bad-{number:03}}}\nspec: {{ports: [{{port: 99999}}]}}\n"
        )
    };
    let all: String = (0..300).map(invalid).collect();
    bench.publish("1", &[("app/all.yaml", &all), ("app/good.yaml", &config_map("good", "a"))]).await;
    bench.kustomization("app", json!({})).await;

    let message = bench.fails("app", "ReconciliationFailed").await;

    assert!(message.len() < 32_768, "{}", message.len());
    assert!(message.starts_with(&format!("Service/{}/bad-000 dry-run failed (Invalid): ", bench.ns.name)), "{message}");
    let (_, named) = message.split_once("; also ").unwrap();
    assert!(named.contains(&format!(r#"Service/{}/bad-200 (in "app/all.yaml")"#, bench.ns.name)), "{message}");
    assert!(bench.config_map("good").await.is_none());
    bench.event("app", &message[..60]).await;
    let events: Api<Event> = bench.ns.api();
    for event in events.list(&ListParams::default()).await.unwrap() {
        assert!(event.message.unwrap_or_default().len() < 1_024);
    }
    let object = bench.until("app", |object| Ok(object.clone())).await;
    assert!(condition(&object, "Ready").is_some());
}
