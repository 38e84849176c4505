//! What references resolve to, and at which cost.

use flux_git::{Failure, FetchOptions, Reference};

use crate::fixture::{Fixture, branch, message};

#[tokio::test]
async fn each_kind_of_reference_finds_its_commit_and_revision() {
    let fixture = Fixture::new();
    let repository = &fixture.repository;
    let first = repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    let tag_object = repository.tag_annotated("v1.0.0", &first, "one").unwrap();
    let second = repository.commit_files("main", "second", &[("a", "2")]).unwrap();
    repository.tag("v1.1.0", &second).unwrap();
    repository.tag("not-a-version", &first).unwrap();
    repository.tag("v9", &first).unwrap();
    repository.update_ref("refs/pull/1/head", &first).unwrap();

    let reference = |revision: &str, reference: Reference| (revision.to_owned(), reference);
    for (revision, reference) in [
        reference(&format!("main@sha1:{second}"), branch("main")),
        reference(&format!("v1.0.0@sha1:{first}"), Reference::Tag("v1.0.0".to_owned())),
        reference(&format!("v1.1.0@sha1:{second}"), Reference::Semver(">=1.0.0".to_owned())),
        reference(&format!("v1.0.0@sha1:{first}"), Reference::Semver("1.0.x".to_owned())),
        reference(&format!("refs/pull/1/head@sha1:{first}"), Reference::Name("refs/pull/1/head".to_owned())),
        reference(&format!("refs/tags/v1.0.0^{{}}@sha1:{first}"), Reference::Name("refs/tags/v1.0.0^{}".to_owned())),
        reference(&format!("sha1:{first}"), Reference::Commit { id: first.clone(), branch: None }),
        reference(
            &format!("main@sha1:{first}"),
            Reference::Commit { id: first.clone(), branch: Some("main".to_owned()) },
        ),
    ] {
        let resolved = fixture.resolve(reference.clone()).await.unwrap();
        assert_eq!(resolved.revision(), revision);
        let checkout = fixture.store.fetch(&fixture.remote(), &resolved, &FetchOptions::default()).await.unwrap();
        assert_eq!(checkout.commit().id, resolved.commit, "{reference}");
        let expected_tag = (resolved.full_name.as_deref() == Some("refs/tags/v1.0.0")).then(|| tag_object.clone());
        assert_eq!(checkout.tag().map(|tag| tag.id.to_string()), expected_tag, "{reference}");
    }
}

#[tokio::test]
async fn of_equal_versions_the_youngest_commit_wins() {
    let fixture = Fixture::new();
    let repository = &fixture.repository;
    let tree = {
        repository.commit_files("main", "first", &[("a", "1")]).unwrap();
        repository.resolve("main^{tree}").unwrap()
    };
    let commit = |seconds: u32| {
        let who = format!("A <a@example.com> {seconds} +0000");
        let text = format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nat {seconds}\n");
        repository.write_object("commit", text.as_bytes()).unwrap()
    };
    for (tag, seconds) in [("1.0.0+a", 2000), ("1.0.0+b", 3000), ("1.0.0+c", 1000), ("0.9.0", 9000)] {
        repository.tag(tag, &commit(seconds)).unwrap();
    }
    let resolved = fixture.resolve(Reference::Semver("<2.0.0".to_owned())).await.unwrap();
    assert_eq!(resolved.name.as_deref(), Some("1.0.0+b"));
}

#[tokio::test]
async fn a_poll_without_news_is_one_small_listing() {
    let fixture = Fixture::new();
    let commit = fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    let others: Vec<_> = (0..1000).map(|number| format!("{commit} refs/heads/feature-{number}\n")).collect();
    std::fs::write(fixture.repository.path().join("packed-refs"), others.concat()).unwrap();
    assert_eq!(fixture.repository.git(&["branch", "--list"]).unwrap().lines().count(), 1001);
    fixture.server.forget_requests();
    fixture.resolve(branch("main")).await.unwrap();
    assert_eq!(fixture.kinds(), ["info/refs", "git-upload-pack"]);
    let received: u64 = fixture.server.requests().iter().map(|request| request.received).sum();
    assert!(fixture.sent() + received < 4096, "{} and {received} bytes", fixture.sent());
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let fixture = Fixture::new();
    let url = fixture.server.url("app");
    let failure = |text: &str| format!("unable to clone '{url}': {text}");
    let empty = fixture.resolve(branch("main")).await;
    assert_eq!(message(empty), failure("remote repository is empty"));

    fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    for (reference, text) in [
        (Reference::default(), "couldn't find remote ref \"refs/heads/master\""),
        (Reference::Tag("v1".to_owned()), "couldn't find remote ref \"refs/tags/v1\""),
        (Reference::Name("refs/x".to_owned()), "couldn't find remote ref \"refs/x\""),
        (Reference::Name("refs/x\n0000".to_owned()), "couldn't find remote ref \"refs/x 0000\""),
        (Reference::Semver(">1.0.0".to_owned()), "no match found for semver: >1.0.0"),
        (
            Reference::Commit { id: "abc".to_owned(), branch: None },
            "invalid commit hash \"abc\": 40 hexadecimal digits are needed",
        ),
    ] {
        assert_eq!(message(fixture.resolve(reference).await), failure(text));
    }
    let range = fixture.resolve(Reference::Semver("no range".to_owned())).await.unwrap_err();
    assert!(matches!(range.failure, Failure::InvalidRange(_)));
}

#[tokio::test]
async fn a_commit_the_server_lacks_is_named() {
    let fixture = Fixture::new();
    fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    let id = "1234567890123456789012345678901234567890".to_owned();
    let reference = Reference::Commit { id: id.clone(), branch: Some("main".to_owned()) };
    let url = fixture.server.url("app");
    let expected = format!("unable to clone '{url}': unable to resolve commit object for '{id}': object not found");
    assert_eq!(message(fixture.fetch(reference, &FetchOptions::default()).await), expected);
}

#[tokio::test]
async fn a_commit_must_be_on_the_branch_that_is_named_with_it() {
    let fixture = Fixture::new();
    let repository = &fixture.repository;
    let first = repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    let second = repository.commit_files("main", "second", &[("a", "2")]).unwrap();
    let elsewhere = repository.commit_files("other", "elsewhere", &[("a", "3")]).unwrap();
    let on = |id: &str, branch: &str| Reference::Commit { id: id.to_owned(), branch: Some(branch.to_owned()) };
    // The store has the commit already, from an object that names no branch.
    let alone = Reference::Commit { id: elsewhere.clone(), branch: None };
    fixture.fetch(alone, &FetchOptions::default()).await.unwrap();
    let url = fixture.server.url("app");
    let expected =
        format!("unable to clone '{url}': unable to resolve commit object for '{elsewhere}': object not found");
    assert_eq!(message(fixture.fetch(on(&elsewhere, "main"), &FetchOptions::default()).await), expected);
    for (id, branch) in [(&first, "main"), (&second, "main"), (&elsewhere, "other")] {
        let checkout = fixture.fetch(on(id, branch), &FetchOptions::default()).await.unwrap();
        assert_eq!(checkout.commit().id.to_string(), *id);
    }
    let missing = fixture.fetch(on(&first, "gone"), &FetchOptions::default()).await.unwrap_err();
    assert!(matches!(missing.failure, Failure::ReferenceNotFound(_)), "{missing:?}");
}

#[tokio::test]
async fn a_tag_of_a_tree_is_no_commit() {
    let fixture = Fixture::new();
    fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    let tree = fixture.repository.resolve("main^{tree}").unwrap();
    fixture.repository.tag("tree", &tree).unwrap();
    let result = fixture.fetch(Reference::Tag("tree".to_owned()), &FetchOptions::default()).await;
    assert!(message(result).ends_with("\"tree\" points to a tree, not to a commit"));
}
