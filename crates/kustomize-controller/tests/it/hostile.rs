//! Artifacts and manifests that are broken or meant to do harm: refused with a word, nothing applied, and the controller goes on.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::json;

use crate::artifacts::{append, compress, pack};
use crate::bench::{Bench, config_map, inventory};

/// A world with one applied object.
async fn world(test: &str) -> Bench {
    let bench = Bench::start(test, &["--http-retry=0"]).await;
    bench.publish("1", &[("app/one.yaml", &config_map("one", "a"))]).await;
    bench.kustomization("app", json!({})).await;
    bench.ready("app", "1").await;
    bench
}

/// The last good state is there, and a good revision is applied.
async fn goes_on(bench: &Bench) {
    assert_eq!(bench.config_value("one", "key").await.as_deref(), Some("a"));
    assert!(bench.config_map("evil").await.is_none());
    let object = bench.until("app", |object| Ok(object.clone())).await;
    assert_eq!(inventory(&object), ["_one__ConfigMap"]);
    bench.publish("good", &[("app/one.yaml", &config_map("one", "b"))]).await;
    bench.ready("app", "good").await;
}

#[tokio::test]
async fn archives_that_are_cut_or_not_archives_are_refused() {
    let bench = world("hostile-archives").await;
    let whole = pack(&[("app/evil.yaml", &config_map("evil", "x"))]);
    let mut torn = whole.clone();
    let middle = torn.len() / 2;
    torn[middle..middle + 8].fill(0xff);
    let cut = whole[..whole.len() / 2].to_vec();
    let attempts = [
        ("cut", cut, "ArtifactFailed", "cut.tar.gz"),
        // It unpacks, to what is no manifest.
        ("torn", torn, "BuildFailed", "app/evil.yaml"),
        ("none", b"no archive".to_vec(), "ArtifactFailed", "none.tar.gz"),
    ];
    for (revision, bytes, reason, place) in attempts {
        bench.announce("repo", revision, bytes, &BTreeMap::new()).await;
        bench
            .until("app", |object| {
                let ready = crate::bench::condition(object, "Ready").unwrap();
                anyhow::ensure!(ready.reason == reason && ready.message.contains(place), "{}", ready.message);
                Ok(())
            })
            .await;
    }
    goes_on(&bench).await;
}

#[tokio::test]
async fn links_and_paths_that_lead_out_of_an_archive_reach_nothing() {
    let bench = world("hostile-paths").await;
    let mut archive = tar::Builder::new(Vec::new());
    append(&mut archive, "app/kustomization.yaml", "resources: [link.yaml, up.yaml]\n");
    for (path, target) in [("app/link.yaml", "/etc/hostname"), ("app/up.yaml", "../../../../etc/hostname")] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        header.set_mode(0o777);
        archive.append_link(&mut header, path, target).unwrap();
    }
    bench.announce("repo", "links", compress(archive), &BTreeMap::new()).await;
    let message = bench.fails("app", "BuildFailed").await;
    assert!(message.contains("link.yaml"), "{message}");

    let escaping = "resources: [../../../../../../etc/hostname]\n";
    bench.publish("escape", &[("app/kustomization.yaml", escaping)]).await;
    bench
        .until("app", |object| {
            let ready = crate::bench::condition(object, "Ready").unwrap();
            anyhow::ensure!(
                ready.reason == "BuildFailed" && ready.message.contains("etc/hostname"),
                "{}",
                ready.message
            );
            Ok(())
        })
        .await;

    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    let evil = config_map("evil", "x");
    header.set_size(evil.len() as u64);
    header.set_mode(0o644);
    let name = b"../../app/evil.yaml";
    header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name);
    header.set_cksum();
    archive.append(&header, evil.as_bytes()).unwrap();
    bench.announce("repo", "dots", compress(archive), &BTreeMap::new()).await;
    bench.fails("app", "ArtifactFailed").await;
    goes_on(&bench).await;
}

#[tokio::test]
async fn bombs_are_refused_before_they_burst() {
    let bench = world("hostile-bombs").await;
    // 8 levels of 20 aliases each: billions of items if all were written out.
    let mut bomb = String::from("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: evil}\na0: &a0 [x, x]\n");
    for level in 1..9 {
        let items = vec![format!("*a{}", level - 1); 20].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{items}]").unwrap();
    }
    bench.publish("aliases", &[("app/evil.yaml", &bomb)]).await;
    let message = bench.fails("app", "BuildFailed").await;
    assert!(message.contains("evil.yaml") && message.len() < 4_096, "{message}");

    // A file that claims to be larger than any disk.
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_path("app/evil.yaml").unwrap();
    header.set_size(1 << 42);
    header.set_mode(0o644);
    header.set_cksum();
    archive.append(&header, std::io::empty()).unwrap();
    bench.announce("repo", "bomb", compress(archive), &BTreeMap::new()).await;
    let message = bench.fails("app", "ArtifactFailed").await;
    assert!(message.len() < 4_096, "{message}");
    goes_on(&bench).await;
}

#[tokio::test]
async fn an_object_that_is_too_large_is_named() {
    let bench = world("hostile-large").await;
    let large = config_map("evil", &"x".repeat(1_500_000));
    let files = [("app/evil.yaml", large), ("app/one.yaml", config_map("one", "b"))];
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    bench.publish("large", &files).await;

    let message = bench.fails("app", "ReconciliationFailed").await;

    assert!(message.starts_with(&format!("ConfigMap/{}/evil dry-run failed", bench.ns.name)), "{message}");
    assert!(message.ends_with(r#"(in "app/evil.yaml")"#) && message.len() < 8_192, "{message}");
    goes_on(&bench).await;
}
