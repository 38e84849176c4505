use std::path::Path;
use std::sync::Arc;

use flux_http::{Artifacts, ClientOptions, ProxySetting, Unpacked};
use futures::future::join_all;

use crate::fetch::{archive, artifact, digest, options};
use crate::server::{Scripted, answer};

fn store(within: &Path, idle_bytes: u64) -> Artifacts {
    let client = ClientOptions { proxy: ProxySetting::Direct, ..ClientOptions::default() }.client().unwrap();
    Artifacts::new(client, options(), within, idle_bytes).unwrap()
}

async fn get(store: &Artifacts, server: &Scripted, path: &str) -> Result<Arc<Unpacked>, String> {
    store.get(&artifact(&server.url(path), &digest())).await.map_err(|err| err.to_string())
}

fn good() -> Vec<u8> {
    answer("200 OK", &archive())
}

#[tokio::test]
async fn those_who_ask_together_or_later_share_one_fetch() {
    let within = tempfile::tempdir().unwrap();
    let store = store(within.path(), 0);
    let server = Scripted::start(vec![good()]).await;

    let together = join_all((0..20).map(|_| get(&store, &server, "/a"))).await;
    let later = get(&store, &server, "/a").await.unwrap();

    assert_eq!(server.requests().len(), 1);
    for unpacked in together {
        assert_eq!(unpacked.unwrap().path(), later.path());
    }
    assert_eq!(std::fs::read_to_string(later.path().join("app.yaml")).unwrap(), "kind:");
}

#[tokio::test]
async fn what_nobody_reads_is_kept_up_to_a_bound() {
    let within = tempfile::tempdir().unwrap();
    for (idle_bytes, requests) in [(0, 2), (1 << 20, 1)] {
        let store = store(within.path(), idle_bytes);
        let server = Scripted::start(vec![good(), good()]).await;
        for _ in 0..2 {
            drop(get(&store, &server, "/a").await.unwrap());
        }
        assert_eq!(server.requests().len(), requests, "{idle_bytes}");
    }
    // One of them fits, the one asked for last.
    let store = store(within.path(), 3 * 4096);
    let server = Scripted::start(vec![good(), good(), good()]).await;
    for path in ["/a", "/b", "/b", "/a"] {
        drop(get(&store, &server, path).await.unwrap());
    }
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn another_address_is_not_given_what_was_fetched_from_this_one() {
    let within = tempfile::tempdir().unwrap();
    let store = store(within.path(), 1 << 20);
    let server = Scripted::start(vec![good(), answer("404 Not Found", b"")]).await;
    let _ours = get(&store, &server, "/ours").await.unwrap();

    let theirs = get(&store, &server, "/theirs").await.unwrap_err();

    assert!(theirs.starts_with("artifact not found at "), "{theirs}");
}

#[tokio::test]
async fn a_failure_is_shared_by_those_who_waited_and_tried_again_by_the_next() {
    let within = tempfile::tempdir().unwrap();
    let store = store(within.path(), 0);
    let server = Scripted::start(vec![answer("404 Not Found", b""), good()]).await;

    let together = join_all((0..5).map(|_| get(&store, &server, "/a"))).await;
    assert!(together.iter().all(Result::is_err));
    assert_eq!(server.requests().len(), 1);

    assert!(get(&store, &server, "/a").await.is_ok());
}

#[tokio::test]
async fn a_fetch_that_nobody_waits_for_any_more_is_begun_anew() {
    let within = tempfile::tempdir().unwrap();
    let store = store(within.path(), 0);
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a", silent.local_addr().unwrap());
    for _ in 0..2 {
        let wanted = artifact(&url, &digest());
        let mut fetch = Box::pin(store.get(&wanted));
        tokio::select! {
            _ = &mut fetch => panic!("nobody answers"),
            connection = silent.accept() => drop(connection.unwrap().1),
        }
    }
}
