//! What a checkout shows, and how little is fetched for it.

use flux_git::{FetchOptions, resolve};
use flux_testkit::Change;

use crate::fixture::{Fixture, branch, listing, message, noise, sparse};

#[tokio::test]
async fn files_come_in_lexical_order_with_their_kind() {
    let fixture = Fixture::new();
    let changes = [
        Change::File("foo.yaml", b"1"),
        Change::File("foo/b", b"2"),
        Change::Executable("foo-bar", b"3"),
        Change::Link("link", "foo/b"),
        Change::Submodule("module", "1234567890123456789012345678901234567890"),
    ];
    fixture.repository.commit("main", "subject\n\nbody", &changes).unwrap();
    let checkout = fixture.main().await;
    assert_eq!(listing(&checkout), ["foo/", "foo/b=2", "foo-bar*=3", "foo.yaml=1", "link->foo/b", "module/"]);
    assert_eq!(checkout.commit().subject(), "subject");
    assert_eq!(checkout.read_file("foo/b".into()).unwrap().unwrap(), b"2");
    for absent in ["foo", "foo/c", "foo.yaml/x", "module/x"] {
        assert_eq!(checkout.read_file(absent.into()).unwrap(), None, "{absent}");
    }
}

#[tokio::test]
async fn a_commit_of_one_file_fetches_little_more() {
    let fixture = Fixture::new();
    let texts: Vec<_> =
        (0..500).map(|n| (format!("dir-{}/file-{n}", n % 20), format!("content {n} {:x}", n * 7919))).collect();
    let files: Vec<_> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    fixture.repository.commit_files("main", "many", &files).unwrap();
    assert_eq!(listing(&fixture.main().await).len(), 520);
    let whole = fixture.sent();

    fixture.repository.commit_files("main", "one", &[("dir-3/file-3", "changed")]).unwrap();
    fixture.server.forget_requests();
    let checkout = fixture.main().await;
    assert_eq!(listing(&checkout).len(), 520);
    assert_eq!(checkout.read_file("dir-3/file-3".into()).unwrap().unwrap(), b"changed");
    assert!(fixture.sent() < 4096, "{} bytes after {whole}", fixture.sent());

    fixture.server.forget_requests();
    fixture.main().await;
    assert_eq!(fixture.kinds(), ["info/refs", "git-upload-pack"], "a commit that is there is not fetched");
}

#[tokio::test]
async fn history_is_left_on_the_server() {
    let fixture = Fixture::new();
    let noise = noise(100_000);
    fixture.repository.commit_files("main", "large", &[("large", &noise)]).unwrap();
    fixture.repository.commit_files("main", "small", &[("large", "small")]).unwrap();
    fixture.server.forget_requests();
    assert_eq!(listing(&fixture.main().await), ["large=small"]);
    assert!(fixture.sent() < 4096, "{} bytes", fixture.sent());
}

#[tokio::test]
async fn sparse_checkouts_fetch_only_their_files() {
    let fixture = Fixture::new();
    let noise = noise(100_000);
    let files = [("apps/a/x", "1"), ("apps-other/y", "2"), ("big/noise", &noise), ("clusters/c", "3"), ("root", "4")];
    fixture.repository.commit_files("main", "first", &files).unwrap();
    fixture.server.forget_requests();
    let checkout = fixture.fetch(branch("main"), &sparse(&["./apps/a/", "clusters"])).await.unwrap();
    assert_eq!(listing(&checkout), ["apps/", "apps/a/", "apps/a/x=1", "clusters/", "clusters/c=3"]);
    assert_eq!(checkout.read_file("root".into()).unwrap(), None);
    assert!(fixture.sent() < 8192, "{} bytes", fixture.sent());

    fixture.repository.commit_files("main", "second", &[("apps/a/x", "changed")]).unwrap();
    let checkout = fixture.fetch(branch("main"), &sparse(&["apps"])).await.unwrap();
    assert_eq!(listing(&checkout), ["apps/", "apps/a/", "apps/a/x=changed"]);

    let all = fixture.main().await;
    assert_eq!(listing(&all).len(), 10, "a whole checkout of the same store fetches what the sparse one left out");
}

#[tokio::test]
async fn sparse_checkouts_work_without_the_servers_help() {
    let fixture = Fixture::new();
    fixture.repository.configure("uploadpack.allowFilter", "false").unwrap();
    fixture.repository.commit_files("main", "first", &[("apps/x", "1"), ("root", "2")]).unwrap();
    let checkout = fixture.fetch(branch("main"), &sparse(&["apps"])).await.unwrap();
    assert_eq!(listing(&checkout), ["apps/", "apps/x=1"]);
}

#[tokio::test]
async fn a_missing_sparse_directory_is_named() {
    let fixture = Fixture::new();
    fixture.repository.commit_files("main", "first", &[("apps/x", "1")]).unwrap();
    for missing in ["clusters", "apps/y", "../apps"] {
        let result = fixture.fetch(branch("main"), &sparse(&["apps", missing])).await;
        let expected = format!("sparse checkout directory \"{missing}\" does not exist");
        assert!(message(result).ends_with(&expected), "{missing}");
    }
}

#[tokio::test]
async fn a_run_greets_the_server_once() {
    let fixture = Fixture::new();
    fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    let remote = fixture.remote();
    let resolved = resolve(&remote, &branch("main")).await.unwrap();
    fixture.store.fetch(&remote, &resolved, &FetchOptions::default()).await.unwrap();
    assert_eq!(fixture.kinds(), ["info/refs", "git-upload-pack", "git-upload-pack"]);
}

#[tokio::test]
async fn paths_that_no_file_may_have_are_refused_one_by_one() {
    let fixture = Fixture::new();
    let blob = fixture.repository.write_object("blob", b"1").unwrap();
    let raw = hex_bytes(&blob);
    let mut tree = Vec::new();
    for name in ["..", ".GIT", "a", "\u{e9}"] {
        tree.extend_from_slice(format!("100644 {name}\0").as_bytes());
        tree.extend_from_slice(&raw);
    }
    let tree = fixture.repository.write_object("tree", &tree).unwrap();
    let commit =
        format!("tree {tree}\nauthor A <a@example.com> 1 +0000\ncommitter A <a@example.com> 1 +0000\n\nevil\n");
    let commit = fixture.repository.write_object("commit", commit.as_bytes()).unwrap();
    fixture.repository.branch("main", &commit).unwrap();
    let checkout = fixture.main().await;
    let seen: Vec<_> = checkout
        .walk()
        .unwrap()
        .map(|entry| entry.map_or_else(|err| err.failure.to_string(), |entry| entry.path.into_string()))
        .collect();
    assert_eq!(seen, ["unsafe path \"..\" in the tree", "unsafe path \".GIT\" in the tree", "a", "\u{e9}"]);
}

fn hex_bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
