//! Servers that mean harm, or are broken.

use std::time::{Duration, Instant};

use flux_git::{Failure, FetchOptions, Limits, Reference, Remote, resolve};
use flux_testkit::GitFault;

use crate::fixture::{Fixture, branch, listing, noise};

#[tokio::test]
async fn a_listing_without_end_is_cut_by_size() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut remote = Remote::new(&format!("http://{}/app.git", listener.local_addr().unwrap())).unwrap();
    remote.limits.listing_bytes = 1 << 20;
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 8192]).unwrap();
        let kind = "application/x-git-upload-pack-advertisement";
        stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n\r\n").as_bytes()).unwrap();
        let line = "0043aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa refs/heads/endless-00\n";
        while stream.write_all(line.as_bytes()).is_ok() {}
    });
    let err = resolve(&remote, &branch("main")).await.unwrap_err();
    assert_eq!(err.failure.to_string(), "the reference listing is larger than the limit of 1048576");
    // The server ends because the connection does, which takes the runtime's help.
    tokio::task::spawn_blocking(move || server.join().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_pack_without_end_is_cut_by_size() {
    let fixture = Fixture::new();
    fixture.repository.commit_files("main", "first", &[("a", &noise(100_000))]).unwrap();
    let resolved = fixture.resolve(branch("main")).await.unwrap();
    fixture.server.set_fault(GitFault::EndlessPack);
    for limits in [
        Limits { pack_bytes: 1 << 20, ..Limits::default() },
        Limits { pack_bytes: 1 << 20, pack_objects: u32::MAX, ..Limits::default() },
    ] {
        let remote = fixture.remote_with(|remote| remote.limits = limits);
        let err = fixture.store.fetch(&remote, &resolved, &FetchOptions::default()).await.unwrap_err();
        assert!(matches!(err.failure, Failure::LimitExceeded { .. } | Failure::CorruptPack(_)), "{err:?}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_cut_by_time() {
    let fixture = Fixture::new();
    fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    fixture.server.set_fault(GitFault::Silent);
    let remote = fixture.remote_with(|remote| remote.timeout = Duration::from_millis(300));
    let started = Instant::now();
    let err = resolve(&remote, &branch("main")).await.unwrap_err();
    assert!(matches!(err.failure, Failure::TimedOut("listing references")), "{err:?}");
    let commit = fixture.repository.resolve("main").unwrap();
    let resolved = resolve(&remote, &Reference::Commit { id: commit, branch: None }).await.unwrap();
    let err = fixture.store.fetch(&remote, &resolved, &FetchOptions::default()).await.unwrap_err();
    assert!(matches!(err.failure, Failure::TimedOut("fetching")), "{err:?}");
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn damaged_and_cut_packs_are_refused_and_leave_nothing_behind() {
    let fixture = Fixture::new();
    fixture.repository.commit_files("main", "first", &[("a", &noise(100_000))]).unwrap();
    for fault in [GitFault::CorruptPack, GitFault::CutPack] {
        fixture.server.set_fault(GitFault::None);
        let resolved = fixture.resolve(branch("main")).await.unwrap();
        fixture.server.set_fault(fault);
        let err = fixture.store.fetch(&fixture.remote(), &resolved, &FetchOptions::default()).await.unwrap_err();
        let expected =
            matches!(err.failure, Failure::CorruptPack(_) | Failure::Protocol(_) | Failure::Unreachable { .. });
        assert!(expected, "{fault:?}: {err:?}");
        for store in fixture.store_folders() {
            assert_eq!(std::fs::read_dir(store.join("objects/pack")).unwrap().count(), 0, "{fault:?}");
        }
    }
    fixture.server.set_fault(GitFault::None);
    assert_eq!(listing(&fixture.main().await).len(), 1);
}

#[tokio::test]
async fn objects_files_and_directories_are_limited() {
    let fixture = Fixture::new();
    let text = noise(1 << 20);
    fixture.repository.commit_files("main", "first", &[("a/b/c/d", &text), ("e", "1"), ("f", "2")]).unwrap();
    let resolved = fixture.resolve(branch("main")).await.unwrap();
    let all = Limits::default();
    for (limits, expected) in [
        (Limits { pack_objects: 3, ..all }, "the number of objects in the pack is larger than the limit of 3"),
        (Limits { pack_bytes: 10_000, ..all }, "the pack is larger than the limit of 10000"),
        (Limits { entries: 4, ..all }, "the number of files is larger than the limit of 4"),
        (Limits { depth: 2, ..all }, "the depth of directories is larger than the limit of 2"),
    ] {
        let remote = fixture.remote_with(|remote| remote.limits = limits);
        let err = fixture.store.fetch(&remote, &resolved, &FetchOptions::default()).await.unwrap_err();
        assert_eq!(err.failure.to_string(), expected);
        fixture.store.release("").await.unwrap();
    }
    let limits = Limits { object_bytes: 100_000, ..all };
    let remote = fixture.remote_with(|remote| remote.limits = limits);
    let err = fixture.store.fetch(&remote, &resolved, &FetchOptions::default()).await.unwrap_err();
    assert!(matches!(err.failure, Failure::LimitExceeded { .. } | Failure::CorruptPack(_)), "{err:?}");
}

#[tokio::test]
async fn one_file_in_many_places_counts_in_each_of_them() {
    let fixture = Fixture::new();
    let text = noise(1 << 20);
    let files = ["a", "b", "c", "d"].map(|path| (path, text.as_str()));
    fixture.repository.commit_files("main", "first", &files).unwrap();
    let resolved = fixture.resolve(branch("main")).await.unwrap();
    let content_bytes = 3 * text.len() as u64;
    let remote = fixture.remote_with(|remote| remote.limits = Limits { content_bytes, ..Limits::default() });
    let checkout = fixture.store.fetch(&remote, &resolved, &FetchOptions::default()).await.unwrap();
    let mut walk = checkout.walk().unwrap();
    let (mut read, mut buffer) = (Vec::new(), Vec::new());
    while let Some(entry) = walk.next() {
        read.push(walk.read(&entry.unwrap(), &mut buffer).map_err(|err| err.failure.to_string()));
    }
    let refused = format!("the content of all files is larger than the limit of {content_bytes}");
    assert_eq!(read, [Ok(()), Ok(()), Ok(()), Err(refused)]);
}

#[tokio::test]
async fn paths_and_commits_are_limited() {
    let fixture = Fixture::new();
    let directory = "d".repeat(200);
    let deep = vec![directory.as_str(); 21].join("/");
    fixture.repository.commit_files("main", "first", &[(&deep, "1")]).unwrap();
    let err = fixture.fetch(branch("main"), &FetchOptions::default()).await.unwrap_err();
    assert_eq!(err.failure.to_string(), "the length of a path is larger than the limit of 4096");
    fixture.repository.commit_files("long", &"m".repeat(9 << 20), &[("a", "1")]).unwrap();
    let err = fixture.fetch(branch("long"), &FetchOptions::default()).await.unwrap_err();
    assert!(err.failure.to_string().ends_with("is larger than the limit of 8388608"), "{err:?}");
}

#[tokio::test]
async fn redirects_are_followed_but_take_no_credentials_to_another_host() {
    use std::io::{Read, Write};
    let target = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target_url = format!("http://{}/moved.git/info/refs?service=git-upload-pack", target.local_addr().unwrap());
    let origin = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://user:hidden@{}/app.git", origin.local_addr().unwrap());
    let servers = std::thread::spawn(move || {
        let answer = |listener: &std::net::TcpListener, text: String| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = vec![0; 8192];
            let count = stream.read(&mut request).unwrap();
            stream.write_all(text.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..count]).to_lowercase()
        };
        let close = "content-length: 0\r\nconnection: close\r\n\r\n";
        let first = answer(&origin, format!("HTTP/1.1 302 Found\r\nlocation: {target_url}\r\n{close}"));
        let second = answer(&target, format!("HTTP/1.1 401 Unauthorized\r\n{close}"));
        (first, second)
    });
    resolve(&Remote::new(&url).unwrap(), &branch("main")).await.unwrap_err();
    let (first, second) = servers.join().unwrap();
    assert!(first.contains("authorization: basic"), "{first}");
    assert!(second.starts_with("get /moved.git/info/refs") && !second.contains("authorization"), "{second}");
}
