use futures::{FutureExt, StreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::json;

use super::*;

fn object(name: &str, uid: &str, version: &str) -> ConfigMap {
    let meta = json!({"namespace": "ns", "name": name, "uid": uid, "resourceVersion": version});
    serde_json::from_value(json!({"metadata": meta})).unwrap()
}

fn version(store: &Store<ConfigMap>, name: &str) -> Option<String> {
    store.get(&ObjectKey::new("ns", name)).and_then(|object| object.metadata.resource_version.clone())
}

async fn filled(objects: &[(&str, &str)]) -> (Store<ConfigMap>, Writer<ConfigMap>) {
    let (store, mut writer) = store();
    writer.begin();
    for (name, version) in objects {
        writer.listed(object(name, "u", version));
    }
    writer.complete().await;
    (store, writer)
}

#[tokio::test]
async fn a_store_is_ready_after_its_first_list() {
    let (store, mut writer) = store::<ConfigMap>();
    assert!(!store.is_ready());
    writer.begin();
    writer.complete().await;
    store.ready().now_or_never().unwrap();
}

#[tokio::test]
async fn an_own_write_is_seen_until_the_watch_has_caught_up() {
    let (store, mut writer) = filled(&[("a", "5")]).await;
    store.wrote(&Arc::new(object("a", "u", "8")));
    assert_eq!(version(&store, "a").as_deref(), Some("8"));
    writer.applied(object("a", "u", "7")).await;
    assert_eq!(version(&store, "a").as_deref(), Some("8"));
    writer.applied(object("a", "u", "9")).await;
    assert_eq!(version(&store, "a").as_deref(), Some("9"));
}

#[tokio::test]
async fn an_own_write_hides_no_change_from_listeners() {
    let (store, mut writer) = filled(&[("a", "5")]).await;
    let mut changes = Box::pin(store.changes().skip(1));
    store.wrote(&Arc::new(object("a", "u", "8")));
    writer.applied(object("a", "u", "7")).await;
    let change = changes.next().await.unwrap();
    let versions = [change.old, change.new].map(|object| object.unwrap().metadata.resource_version.clone().unwrap());
    assert_eq!(versions, ["5", "7"]);
}

#[tokio::test]
async fn an_own_write_revives_no_deleted_object() {
    let (store, mut writer) = filled(&[("a", "5")]).await;
    writer.removed(ObjectKey::of(&object("a", "u", "6"))).await;
    store.wrote(&Arc::new(object("a", "u", "8")));
    assert_eq!(version(&store, "a"), None);
}

#[tokio::test]
async fn an_own_write_does_not_touch_an_object_that_was_created_anew() {
    let (store, mut writer) = filled(&[("a", "5")]).await;
    writer.removed(ObjectKey::of(&object("a", "u", "6"))).await;
    writer.applied(object("a", "other", "7")).await;
    store.wrote(&Arc::new(object("a", "u", "8")));
    assert_eq!(version(&store, "a").as_deref(), Some("7"));
}

#[tokio::test]
async fn a_new_list_tells_only_what_differs() {
    let (store, mut writer) = filled(&[("gone", "1"), ("same", "2"), ("new", "3")]).await;
    let changes = store.changes().skip(3);
    writer.begin();
    writer.listed(object("same", "u", "2"));
    writer.listed(object("new", "u", "4"));
    writer.complete().await;
    let mut told: Vec<_> = changes.take(2).map(|change| (change.key.name, change.new.is_some())).collect().await;
    told.sort();
    assert_eq!(told, [("gone".to_owned(), false), ("new".to_owned(), true)]);
}
