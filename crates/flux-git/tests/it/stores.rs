//! What is kept between runs, and for whom.

use std::fs;

use camino::Utf8PathBuf;
use flux_git::{Credentials, FetchOptions, Store};

use crate::fixture::{Fixture, branch, listing};

fn owner(uid: &str) -> FetchOptions {
    FetchOptions { owner: uid.to_owned(), ..FetchOptions::default() }
}

fn packs(store: &Utf8PathBuf) -> Vec<Utf8PathBuf> {
    let entries = store.join("objects/pack").read_dir_utf8().unwrap();
    entries.map(|entry| entry.unwrap().into_path()).filter(|path| path.extension() == Some("pack")).collect()
}

#[tokio::test]
async fn objects_outlive_the_process_and_what_it_left_half_done_is_cleared() {
    let fixture = Fixture::new();
    fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    let resolved = fixture.resolve(branch("main")).await.unwrap();
    drop(fixture.store.fetch(&fixture.remote(), &resolved, &owner("one")).await.unwrap());
    let folder = fixture.store_folders().remove(0);
    let leftovers = [folder.join("objects/pack/.tmpXyz"), folder.join("objects/pack/pack-12.pack")];
    for leftover in &leftovers {
        fs::write(leftover, b"half").unwrap();
    }
    fs::create_dir(fixture.stores().join("nonsense")).unwrap();

    fixture.server.forget_requests();
    let root = fixture.stores();
    let second = Store::new(root.clone(), u64::MAX);
    let busy = second.fetch(&fixture.remote(), &resolved, &owner("one")).await.unwrap_err();
    assert!(std::error::Error::source(&busy.failure).unwrap().to_string().contains("in use by another process"));

    let copied = tempfile::tempdir().unwrap();
    let copy = Utf8PathBuf::from_path_buf(copied.path().join("git")).unwrap();
    copy_folder(&root, &copy);
    let restarted = Store::new(copy.clone(), u64::MAX);
    let checkout = restarted.fetch(&fixture.remote(), &resolved, &owner("one")).await.unwrap();
    assert_eq!(listing(&checkout), ["a=1"]);
    assert!(fixture.server.requests().is_empty(), "the objects were there");
    assert!(!copy.join("nonsense").exists());
    for leftover in leftovers {
        assert!(!copy.join(leftover.strip_prefix(&root).unwrap()).exists(), "{leftover}");
    }
}

/// A copy of a folder, as another process would find it.
fn copy_folder(from: &Utf8PathBuf, to: &Utf8PathBuf) {
    fs::create_dir_all(to).unwrap();
    for entry in from.read_dir_utf8().unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path().to_owned(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_damaged_store_is_fetched_again() {
    let fixture = Fixture::new();
    fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    drop(fixture.main().await);
    let pack = packs(&fixture.store_folders()[0]).remove(0);
    for damage in [None, Some(vec![0; 400])] {
        let pack = packs(&fixture.store_folders()[0]).pop().unwrap_or(pack.clone());
        match damage {
            None => fs::remove_file(&pack).unwrap(),
            Some(bytes) => {
                let length = fs::metadata(&pack).unwrap().len();
                let mut permissions = fs::metadata(&pack).unwrap().permissions();
                std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
                fs::set_permissions(&pack, permissions).unwrap();
                fs::write(&pack, &bytes[..usize::try_from(length).unwrap()]).unwrap();
            }
        }
        assert_eq!(listing(&fixture.main().await), ["a=1"]);
        assert_eq!(fixture.store_folders().len(), 1, "the damaged one is gone");
    }
}

#[tokio::test]
async fn credentials_never_share_a_store() {
    let fixture = Fixture::new();
    fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    let resolved = fixture.resolve(branch("main")).await.unwrap();
    let fetch = async |credentials: Credentials, account: Option<&str>, uid: &str| {
        let remote = fixture.remote_with(|remote| {
            remote.credentials = credentials;
            remote.account = account.map(str::to_owned);
        });
        fixture.store.fetch(&remote, &resolved, &owner(uid)).await.unwrap();
        fixture.store_folders().len()
    };
    let basic = |password: &str| Credentials::Basic { username: "user".into(), password: password.into() };
    assert_eq!(fetch(Credentials::None, None, "one").await, 1);
    assert_eq!(fetch(basic("a"), None, "two").await, 2);
    assert_eq!(fetch(basic("a"), None, "three").await, 2, "the same credentials share");
    assert_eq!(fetch(basic("b"), None, "four").await, 3);
    assert_eq!(fetch(basic("token-1"), Some("app 1"), "five").await, 4);
    assert_eq!(fetch(basic("token-2"), Some("app 1"), "five").await, 4, "a renewed token keeps its store");
}

#[tokio::test]
async fn a_store_goes_with_its_last_user() {
    let fixture = Fixture::new();
    fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    let resolved = fixture.resolve(branch("main")).await.unwrap();
    let first = fixture.store.fetch(&fixture.remote(), &resolved, &owner("one")).await.unwrap();
    drop(fixture.store.fetch(&fixture.remote(), &resolved, &owner("two")).await.unwrap());
    fixture.store.release("two").await.unwrap();
    fixture.store.release("one").await.unwrap();
    assert_eq!(listing(&first), ["a=1"], "who reads goes on reading");
    assert_eq!(fixture.store_folders().len(), 1);
    drop(first);
    assert!(fixture.store_folders().is_empty());

    drop(fixture.store.fetch(&fixture.remote(), &resolved, &owner("one")).await.unwrap());
    let moved = fixture.remote_with(|remote| remote.account = Some("other".to_owned()));
    drop(fixture.store.fetch(&moved, &resolved, &owner("one")).await.unwrap());
    assert_eq!(fixture.store_folders().len(), 1, "an object that moved on leaves nothing behind");
}

#[tokio::test]
async fn above_the_budget_the_least_used_store_is_dropped_and_fetched_again() {
    let fixture = Fixture::new();
    fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    let resolved = fixture.resolve(branch("main")).await.unwrap();
    drop(fixture.main().await);
    let size: u64 = fixture.store_folders()[0]
        .join("objects/pack")
        .read_dir_utf8()
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();

    let folder = tempfile::tempdir().unwrap();
    let root = Utf8PathBuf::from_path_buf(folder.path().join("git")).unwrap();
    let store = Store::new(root.clone(), size * 2);
    let count = || root.read_dir_utf8().unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
    let fetch = async |account: &str| {
        let remote = fixture.remote_with(|remote| remote.account = Some(account.to_owned()));
        store.fetch(&remote, &resolved, &owner(account)).await.unwrap()
    };
    let held = fetch("a").await;
    drop(fetch("b").await);
    drop(fetch("c").await);
    assert_eq!(count(), 2, "b was the least used that nobody reads");
    assert_eq!(listing(&held), ["a=1"]);
    fixture.server.forget_requests();
    drop(fetch("c").await);
    assert!(fixture.kinds().is_empty(), "c is still there");
    assert_eq!(listing(&fetch("b").await), ["a=1"]);
    assert!(!fixture.kinds().is_empty(), "b was fetched again");
}

#[tokio::test]
async fn runs_on_one_store_wait_for_each_other() {
    let fixture = Fixture::new();
    fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    let resolved = fixture.resolve(branch("main")).await.unwrap();
    fixture.server.forget_requests();
    let (remote, one, two) = (fixture.remote(), owner("one"), owner("two"));
    let (first, second) =
        tokio::join!(fixture.store.fetch(&remote, &resolved, &one), fixture.store.fetch(&remote, &resolved, &two));
    assert_eq!(listing(&first.unwrap()), listing(&second.unwrap()));
    assert_eq!(fixture.kinds(), ["info/refs", "git-upload-pack"], "the second finds what the first fetched");
}

#[tokio::test]
async fn a_store_with_many_packs_starts_anew() {
    let fixture = Fixture::new();
    fixture.repository.commit_files("main", "first", &[("a", "1")]).unwrap();
    drop(fixture.main().await);
    let folder = fixture.store_folders().remove(0);
    let pack = packs(&folder).remove(0);
    for number in 0..64 {
        for extension in ["pack", "idx"] {
            let copy = folder.join(format!("objects/pack/pack-{number}.{extension}"));
            fs::copy(pack.with_extension(extension), copy).unwrap();
        }
    }
    assert_eq!(listing(&fixture.main().await), ["a=1"]);
    assert_eq!(fixture.store_folders(), std::slice::from_ref(&folder), "nothing to fetch, nothing to clear");
    fixture.repository.commit_files("main", "second", &[("a", "2")]).unwrap();
    assert_eq!(listing(&fixture.main().await), ["a=2"]);
    let folders = fixture.store_folders();
    assert_eq!((folders.len(), packs(&folders[0]).len()), (1, 1));
}
