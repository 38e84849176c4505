use flux_api::source::v1::Source as _;
use flux_testkit::Change;

use crate::harness::Harness;

#[tokio::test]
async fn ignore_rules_of_files_and_spec_decide_what_is_archived() {
    let harness = Harness::new("ignore").await;
    let repository = harness.git.create("app").unwrap();
    let files = [
        ("a.yaml", "1"),
        ("logo.png", "1"),
        ("docs/guide.md", "1"),
        ("docs/keep.md", "1"),
        ("secret/.sourceignore", "*.key\n"),
        ("secret/x.key", "1"),
        ("secret/x.pub", "1"),
    ];
    let commit = repository.commit_files("main", "One", &files).unwrap();
    let revision = format!("main@sha1:{commit}");
    harness.apply("app", &harness.main_of("app")).await;
    let object = harness.stored("app", &revision).await;
    assert_eq!(
        harness.served(&object).await,
        [
            "a.yaml 600 1",
            "docs/",
            "docs/guide.md 600 1",
            "docs/keep.md 600 1",
            "logo.png 600 1",
            "secret/",
            "secret/.sourceignore 600 *.key\n",
            "secret/x.pub 600 1"
        ]
    );
    let spec = format!("{}ignore: |\n  /docs/*\n  !/docs/keep.md\n  /secret\n", harness.main_of("app"));
    harness.apply("app", &spec).await;
    let generation = object.metadata.generation.map(|generation| generation + 1);
    let changed = harness
        .until("app", |object| {
            anyhow::ensure!(object.status.as_ref().and_then(|status| status.observed_generation) == generation);
            Ok(())
        })
        .await;
    assert_eq!(harness.served(&changed).await, ["a.yaml 600 1", "docs/", "docs/keep.md 600 1", "logo.png 600 1"]);
    assert_ne!(changed.artifact().unwrap().digest, object.artifact().unwrap().digest);
    assert_eq!(changed.status.unwrap().observed_ignore.as_deref(), Some("/docs/*\n!/docs/keep.md\n/secret\n"));
}

#[tokio::test]
async fn defaults_exclude_pictures_where_nothing_else_is_said() {
    let harness = Harness::new("defaults").await;
    let repository = harness.git.create("app").unwrap();
    let files = [("a.yaml", "1"), ("logo.png", "1"), (".github/x.yaml", "1"), (".gitignore", "x")];
    let commit = repository.commit_files("main", "One", &files).unwrap();
    harness.apply("app", &harness.main_of("app")).await;
    let object = harness.stored("app", &format!("main@sha1:{commit}")).await;
    assert_eq!(harness.served(&object).await, ["a.yaml 600 1"]);
}

#[tokio::test]
async fn sparse_checkouts_and_submodules_shape_the_tree() {
    let harness = Harness::new("shape").await;
    let library = harness.git.create("library").unwrap();
    let inner = library.commit_files("main", "Lib", &[("lib.yaml", "lib")]).unwrap();
    let repository = harness.git.create("app").unwrap();
    let modules = format!("[submodule \"lib\"]\n\tpath = vendor/lib\n\turl = {}\n", harness.git.url("library"));
    let changes = [
        Change::File("apps/a.yaml", b"a"),
        Change::File("infra/b.yaml", b"b"),
        Change::File(".gitmodules", modules.as_bytes()),
        Change::Submodule("vendor/lib", &inner),
    ];
    let commit = repository.commit("main", "One", &changes).unwrap();
    let (main, revision) = (harness.main_of("app"), format!("main@sha1:{commit}"));
    harness.apply("sparse", &format!("{main}sparseCheckout:\n- apps\n")).await;
    let sparse = harness.stored("sparse", &revision).await;
    assert_eq!(harness.served(&sparse).await, ["apps/", "apps/a.yaml 600 a"]);
    assert_eq!(sparse.status.unwrap().observed_sparse_checkout, ["apps"]);

    harness.apply("deep", &format!("{main}recurseSubmodules: true\n")).await;
    let deep = harness.stored("deep", &revision).await;
    assert_eq!(
        harness.served(&deep).await,
        [
            "apps/",
            "apps/a.yaml 600 a",
            "infra/",
            "infra/b.yaml 600 b",
            "vendor/",
            "vendor/lib/",
            "vendor/lib/lib.yaml 600 lib"
        ]
    );
    assert!(deep.status.unwrap().observed_recurse_submodules);
}

#[tokio::test]
async fn a_tree_that_leads_out_of_its_root_is_refused() {
    let harness = Harness::new("escape").await;
    let repository = harness.git.create("app").unwrap();
    let first = repository.commit_files("main", "One", &[("a", "1")]).unwrap();
    harness.apply("app", &harness.main_of("app")).await;
    let good = harness.stored("app", &format!("main@sha1:{first}")).await;

    let inner = repository.resolve("main^{tree}").unwrap();
    let hash: Vec<u8> = (0..40).step_by(2).map(|at| u8::from_str_radix(&inner[at..at + 2], 16).unwrap()).collect();
    let outer = repository.write_object("tree", &[b"40000 ..\0".as_slice(), &hash].concat()).unwrap();
    let commit = format!("tree {outer}\nauthor A <a@b.c> 1 +0000\ncommitter A <a@b.c> 1 +0000\n\nTwo\n");
    let commit = repository.write_object("commit", commit.as_bytes()).unwrap();
    repository.update_ref("refs/heads/main", &commit).unwrap();
    let object = harness.run("app", "now").await;
    let ready = crate::harness::condition(&object, "Ready").unwrap();
    assert_eq!(ready.reason, "GitOperationFailed");
    assert!(ready.message.ends_with("unsafe path \"..\" in the tree"), "{}", ready.message);
    assert_eq!(object.artifact(), good.artifact());
    harness.download(good.artifact().unwrap()).await.unwrap();
}
