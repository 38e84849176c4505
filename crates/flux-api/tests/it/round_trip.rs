//! Objects with every field set go through the API server and our types and lose nothing.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::kinds::{documents, through_type};
use crate::schema;
use crate::server;

const SOURCES: &str = include_str!("maximal/sources.yaml");
const APPLIERS: &str = include_str!("maximal/appliers.yaml");
const NOTIFICATIONS: &str = include_str!("maximal/notifications.yaml");
const IMAGES: &str = include_str!("maximal/images.yaml");

fn objects() -> Vec<Value> {
    [SOURCES, APPLIERS, NOTIFICATIONS, IMAGES].into_iter().flat_map(documents).collect()
}

#[tokio::test]
async fn no_field_is_lost_between_the_api_server_and_a_type() -> Result<()> {
    let namespace = server::namespace("round-trip").await?;
    for object in objects() {
        let described = || format!("{} {}", object["kind"], object["metadata"]["name"]);
        let api = server::api(&namespace, &object)?;
        let name = object["metadata"]["name"].as_str().context("an object has no name")?;
        let created = api.create(&PostParams::default(), &serde_json::from_value(object.clone())?).await;
        created.with_context(described)?;
        if !object["status"].is_null() {
            let patch = Patch::Merge(json!({ "status": object["status"] }));
            api.patch_status(name, &PatchParams::default(), &patch).await.with_context(described)?;
        }
        let found = serde_json::to_value(api.get(name).await?)?;
        assert_eq!(found["spec"], object["spec"], "{}, as the API server kept it", described());
        if !object["status"].is_null() {
            assert_eq!(found["status"], object["status"], "{}, as the API server kept it", described());
        }
        let typed = through_type(&found).map_err(anyhow::Error::msg).with_context(described)?;
        assert_eq!(typed, found, "{}, as its type read it", described());
        // A second object from what the type wrote is the same again.
        let mut copy = typed;
        copy["metadata"] = json!({ "name": format!("{name}-copy") });
        let copied =
            api.create(&PostParams::default(), &serde_json::from_value(copy)?).await.with_context(described)?;
        assert_eq!(serde_json::to_value(copied)?["spec"], object["spec"], "{}, written by its type", described());
    }
    Ok(())
}

#[test]
fn the_objects_have_every_field_of_their_kinds() {
    let mut set: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for object in objects() {
        let name = format!("{}/{}", object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
        let schema = schema::schema_of(&object).unwrap();
        let paths = set.entry(name).or_default();
        for part in ["spec", "status"] {
            if !object[part].is_null() {
                schema::paths_in(&schema["properties"][part], &object[part], part, paths);
            }
        }
    }
    for (name, schema) in schema::schemas() {
        let set = set.get(&name).unwrap_or_else(|| panic!("no {name}"));
        let declared = schema::paths(&schema);
        let missing: Vec<_> = declared.difference(set).collect();
        let unknown: Vec<_> = set.difference(&declared).collect();
        assert!(missing.is_empty() && unknown.is_empty(), "{name}: missing {missing:?}, unknown {unknown:?}");
    }
}
