use std::path::Path;
use std::time::Duration;

use flux_api::meta::Artifact;
use flux_http::{
    ClientOptions, FetchError, FetchLimits, FetchOptions, Fetched, HostOverrides, ProxySetting, RetryPolicy,
    fetch_artifact,
};
use flux_tar::{Algorithm, ArchiveWriter, Digest, Limits, Mode};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::server::{Scripted, answer};

pub(crate) fn archive() -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Vec::new(), Algorithm::Sha256).unwrap();
    writer.file("app.yaml".into(), Mode::Regular, 5, &b"kind:"[..]).unwrap();
    writer.finish().unwrap().out
}

pub(crate) fn artifact(url: &str, digest: &str) -> Artifact {
    Artifact {
        path: "gitrepository/a/b/c.tar.gz".to_owned(),
        url: url.to_owned(),
        revision: "main@sha1:0".to_owned(),
        digest: digest.to_owned(),
        last_update_time: Time(k8s_openapi::jiff::Timestamp::UNIX_EPOCH),
        size: None,
        metadata: None,
    }
}

pub(crate) fn options() -> FetchOptions {
    let instant = Duration::from_millis(1);
    FetchOptions {
        retry: RetryPolicy { retries: 2, shortest_wait: instant, longest_wait: instant },
        ..FetchOptions::default()
    }
}

async fn fetch(server: &Scripted, digest: &str, options: &FetchOptions, into: &Path) -> Result<Fetched, FetchError> {
    let client = ClientOptions { proxy: ProxySetting::Direct, ..ClientOptions::default() }.client().unwrap();
    fetch_artifact(&client, &artifact(&server.url("/a.tar.gz"), digest), options, into).await
}

pub(crate) fn digest() -> String {
    Digest::of(Algorithm::Sha256, &archive()).to_string()
}

/// A directory of its own inside another, so that what stands beside it can be looked at.
fn folder() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("into");
    std::fs::create_dir(&into).unwrap();
    (folder, into)
}

#[tokio::test]
async fn an_artifact_is_downloaded_checked_and_unpacked() {
    let (folder, into) = folder();
    let server = Scripted::start(vec![answer("200 OK", &archive())]).await;
    let fetched = fetch(&server, &digest(), &options(), &into).await.unwrap();
    assert_eq!(fetched.size, archive().len() as u64);
    assert_eq!((fetched.totals.entries, fetched.totals.bytes), (2, 5));
    assert_eq!(std::fs::read_to_string(into.join("app.yaml")).unwrap(), "kind:");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the download leaves nothing behind");
    let request = server.requests().concat().to_lowercase();
    assert!(request.starts_with("get /a.tar.gz http/1.1\r\n") && request.contains("user-agent: flux/v2\r\n"));
}

#[tokio::test]
async fn passing_troubles_are_retried() {
    let (_folder, into) = folder();
    let mut cut = answer("200 OK", &archive());
    cut.truncate(cut.len() - 10);
    let server = Scripted::start(vec![answer("503 Busy", b""), cut, answer("200 OK", &archive())]).await;
    fetch(&server, &digest(), &options(), &into).await.unwrap();
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn what_is_not_found_is_said_at_once_and_apart() {
    let (_folder, into) = folder();
    let server = Scripted::start(vec![answer("404 Not Found", b"")]).await;
    let refused = fetch(&server, &digest(), &options(), &into).await.unwrap_err();
    assert!(refused.is_not_found());
    assert_eq!(refused.to_string(), format!("artifact not found at \"{}\"", server.url("/a.tar.gz")));
}

#[tokio::test]
async fn retries_end() {
    let (_folder, into) = folder();
    let busy = || answer("500 Oops", b"");
    let server = Scripted::start(vec![busy(), busy(), busy(), busy()]).await;
    let refused = fetch(&server, &digest(), &options(), &into).await.unwrap_err();
    assert!(matches!(refused, FetchError::Status { status, .. } if status == 500));
    assert_eq!(server.requests().len(), 3);
    let forbidden = Scripted::start(vec![answer("403 No", b"")]).await;
    assert!(fetch(&forbidden, &digest(), &options(), &into).await.is_err());
    assert_eq!(forbidden.requests().len(), 1);
}

#[tokio::test]
async fn content_that_was_not_announced_is_never_unpacked() {
    let (_folder, into) = folder();
    let server = Scripted::start(vec![answer("200 OK", &archive())]).await;
    let other = Digest::of(Algorithm::Sha512, b"other").to_string();
    let refused = fetch(&server, &other, &options(), &into).await.unwrap_err();
    assert!(matches!(refused, FetchError::Mismatch { .. }));
    assert_eq!(std::fs::read_dir(&into).unwrap().count(), 0);
}

#[tokio::test]
async fn a_digest_without_algorithm_is_sha256() {
    let (_folder, into) = folder();
    let server = Scripted::start(vec![answer("200 OK", &archive())]).await;
    fetch(&server, digest().trim_start_matches("sha256:"), &options(), &into).await.unwrap();
}

#[tokio::test]
async fn downloads_and_archives_are_bounded() {
    let (_folder, into) = folder();
    let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    endless.extend_from_slice(&vec![b'x'; 100_000]);
    let server = Scripted::start(vec![answer("200 OK", &[0; 2000]), endless, answer("200 OK", &archive())]).await;
    let small = FetchOptions { limits: FetchLimits { download: 1000, ..FetchLimits::default() }, ..options() };
    for _ in 0..2 {
        let refused = fetch(&server, &digest(), &small, &into).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!("artifact at \"{}\" is larger than 1000 bytes", server.url("/a.tar.gz"))
        );
    }
    let archive = Limits { bytes: 600, ..Limits::default() };
    let bounded = FetchOptions { limits: FetchLimits { archive, ..FetchLimits::default() }, ..options() };
    let refused = fetch(&server, &digest(), &bounded, &into).await.unwrap_err();
    assert!(matches!(refused, FetchError::Unpack { .. }));
}

#[tokio::test]
async fn the_host_can_be_overridden() {
    let (_folder, into) = folder();
    let server = Scripted::start(vec![answer("200 OK", &archive())]).await;
    let client = ClientOptions { proxy: ProxySetting::Direct, ..ClientOptions::default() }.client().unwrap();
    let hosts = HostOverrides { source_controller: Some(server.address.to_string()), source_watcher: None };
    let artifact = artifact("http://source-controller.flux-system.svc.cluster.local./a.tar.gz", &digest());
    fetch_artifact(&client, &artifact, &FetchOptions { hosts, ..options() }, &into).await.unwrap();
}
