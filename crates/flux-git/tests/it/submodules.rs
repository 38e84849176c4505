//! Repositories within repositories.

use flux_git::{Credentials, Failure, FetchOptions, resolve};
use flux_testkit::{Authentication, Change, GitServerOptions};

use crate::fixture::{Fixture, branch, listing, sparse};

fn recursive() -> FetchOptions {
    FetchOptions { submodules: true, ..FetchOptions::default() }
}

#[tokio::test]
async fn submodules_are_mounted_recursively_with_the_parents_credentials() {
    let authentication = Authentication::Basic("user".into(), "password".into());
    let fixture = Fixture::with(GitServerOptions { authentication, ..GitServerOptions::default() });
    let inner = fixture.server.create("inner").unwrap();
    let middle = fixture.server.create("middle").unwrap();
    let pinned_inner = inner.commit_files("main", "inner", &[("deep", "3")]).unwrap();
    inner.commit_files("main", "later", &[("deep", "4")]).unwrap();
    let modules = b"[submodule \"inner\"]\n\tpath = lib/inner\n\turl = ../inner.git\n";
    let changes = [
        Change::File(".gitmodules", modules),
        Change::File("middle", b"2"),
        Change::Submodule("lib/inner", &pinned_inner),
    ];
    let pinned_middle = middle.commit("main", "middle", &changes).unwrap();
    let url = fixture.server.url("middle");
    let modules = format!(
        "[submodule \"middle\"]\n\tpath = vendor\n\turl = {url}\n[submodule \"gone\"]\n\tpath = gone\n\turl = ../gone.git\n"
    );
    let changes = [
        Change::File(".gitmodules", modules.as_bytes()),
        Change::File("a", b"1"),
        Change::File("z/z", b"5"),
        Change::Submodule("vendor", &pinned_middle),
    ];
    fixture.repository.commit("main", "outer", &changes).unwrap();

    let credentials = Credentials::Basic { username: "user".into(), password: "password".into() };
    let remote = fixture.remote_with(|remote| remote.credentials = credentials);
    let resolved = resolve(&remote, &branch("main")).await.unwrap();
    let fetch = async |options: FetchOptions| fixture.store.fetch(&remote, &resolved, &options).await.unwrap();
    let short = |lines: Vec<String>| -> Vec<String> {
        lines.into_iter().filter(|line| !line.contains(".gitmodules=") && !line.starts_with(['\t', '['])).collect()
    };
    assert_eq!(short(listing(&fetch(FetchOptions::default()).await)), ["a=1", "vendor/", "z/", "z/z=5"]);
    let whole = fetch(recursive()).await;
    let expected = [
        "a=1",
        "vendor/",
        "vendor/lib/",
        "vendor/lib/inner/",
        "vendor/lib/inner/deep=3",
        "vendor/middle=2",
        "z/",
        "z/z=5",
    ];
    assert_eq!(short(listing(&whole)), expected);
    assert_eq!(whole.read_file("vendor/lib/inner/deep".into()).unwrap().unwrap(), b"3");

    let narrow = fetch(FetchOptions { submodules: true, ..sparse(&["vendor/lib"]) }).await;
    assert_eq!(short(listing(&narrow)), ["vendor/", "vendor/lib/", "vendor/lib/inner/", "vendor/lib/inner/deep=3"]);
}

#[tokio::test]
async fn a_submodule_that_cannot_be_fetched_names_its_path() {
    let fixture = Fixture::new();
    let changes = [
        Change::File(".gitmodules", b"[submodule \"x\"]\n\tpath = lib/x\n\turl = ../missing.git\n"),
        Change::Submodule("lib/x", "1234567890123456789012345678901234567890"),
    ];
    fixture.repository.commit("main", "outer", &changes).unwrap();
    let err = fixture.fetch(branch("main"), &recursive()).await.unwrap_err();
    let Failure::Submodule { path, source } = err.failure else { panic!("{err:?}") };
    assert_eq!(path, "lib/x");
    assert_eq!(source.url, fixture.server.url("missing"));
    assert!(matches!(source.failure, Failure::RepositoryNotFound), "{source:?}");
}
