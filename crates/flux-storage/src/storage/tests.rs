use std::convert::Infallible;
use std::os::unix::fs::symlink;
use std::time::Duration;

use super::*;

struct Fixture {
    folder: tempfile::TempDir,
    storage: Storage,
}

fn open(folder: &tempfile::TempDir) -> Storage {
    let root = Utf8Path::from_path(folder.path()).unwrap();
    let address = AdvertisedAddress::new(Some("source.example"), ":9090", "");
    Storage::open(root, address, Algorithm::Sha256, Retention::default()).unwrap()
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(&folder);
    Fixture { folder, storage }
}

fn path(file: &str) -> ArtifactPath {
    ObjectDirectory::new("GitRepository", "apps", "shop").unwrap().file(file).unwrap()
}

impl Fixture {
    fn publish(&self, file: &str, content: &str) -> Stored {
        self.storage
            .publish(&path(file), |out| {
                out.write_all(content.as_bytes()).unwrap();
                let digest = Digest::of(Algorithm::Sha256, content.as_bytes());
                Ok::<_, Infallible>(Stored { digest, size: content.len() as u64 })
            })
            .unwrap()
    }

    fn on_disk(&self, file: &str) -> std::path::PathBuf {
        self.folder.path().join("gitrepository/apps/shop").join(file)
    }

    fn files(&self) -> Vec<String> {
        let listing = fs::read_dir(self.folder.path().join("gitrepository/apps/shop")).unwrap();
        let mut names: Vec<_> = listing.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn age(&self, file: &str, seconds: u64) {
        let then = fs::metadata(self.on_disk(file)).unwrap().modified().unwrap() - Duration::from_secs(seconds);
        File::options().write(true).open(self.on_disk(file)).unwrap().set_modified(then).unwrap();
    }
}

fn now_of(fixture: &Fixture, file: &str) -> SystemTime {
    fs::metadata(fixture.on_disk(file)).unwrap().modified().unwrap()
}

#[test]
fn a_link_in_place_of_an_artifact_is_none_and_gives_way_to_the_next() {
    let fixture = fixture();
    let stored = fixture.publish("a.tar.gz", "one");
    fs::rename(fixture.on_disk("a.tar.gz"), fixture.on_disk("b.tar.gz")).unwrap();
    symlink(fixture.on_disk("b.tar.gz"), fixture.on_disk("a.tar.gz")).unwrap();
    let verified = fixture.storage.verify(&path("a.tar.gz"), &stored.digest);
    assert!(matches!(verified, Err(IntegrityError::Missing(_))), "{verified:?}");
    fixture.publish("a.tar.gz", "one");
    fixture.storage.verify(&path("a.tar.gz"), &stored.digest).unwrap();
}

#[test]
fn a_published_artifact_has_its_path_url_and_digest_and_is_private() {
    let fixture = fixture();
    let stored = fixture.publish("a.tar.gz", "one");
    assert_eq!(fs::read_to_string(fixture.on_disk("a.tar.gz")).unwrap(), "one");
    assert_eq!(fs::metadata(fixture.on_disk("a.tar.gz")).unwrap().mode() & 0o777, 0o600);
    assert_eq!(fixture.storage.url_of(&path("a.tar.gz")), "http://source.example/gitrepository/apps/shop/a.tar.gz");
    fixture.storage.verify(&path("a.tar.gz"), &stored.digest).unwrap();
    assert_eq!(fixture.files(), ["a.tar.gz"]);
}

#[test]
fn content_that_fails_leaves_the_old_artifact_and_no_draft() {
    let fixture = fixture();
    let stored = fixture.publish("a.tar.gz", "one");
    let failed = fixture.storage.publish(&path("a.tar.gz"), |out| {
        out.write_all(b"half").unwrap();
        Err(io::Error::other("cut"))
    });
    assert!(matches!(failed, Err(PublishError::Content(_))));
    fixture.storage.verify(&path("a.tar.gz"), &stored.digest).unwrap();
    assert_eq!(fixture.files(), ["a.tar.gz"]);
}

#[test]
fn missing_truncated_and_altered_artifacts_are_found_out_by_a_running_and_by_a_new_process() {
    let fixture = fixture();
    let stored = fixture.publish("a.tar.gz", "content");
    let both = |expected: &str| {
        for storage in [&fixture.storage, &open(&fixture.folder)] {
            let refused = storage.verify(&path("a.tar.gz"), &stored.digest).unwrap_err().to_string();
            assert!(refused.starts_with(expected), "{refused}");
        }
    };
    fs::write(fixture.on_disk("a.tar.gz"), "conten").unwrap();
    both("computed digest of \"gitrepository/apps/shop/a.tar.gz\" does not match: expected sha256:");
    fs::write(fixture.on_disk("a.tar.gz"), "CONTENT").unwrap();
    both("computed digest of");
    fs::remove_file(fixture.on_disk("a.tar.gz")).unwrap();
    both("artifact \"gitrepository/apps/shop/a.tar.gz\" disappeared from storage");
    fs::create_dir(fixture.on_disk("a.tar.gz")).unwrap();
    both("artifact");
    fs::remove_dir_all(fixture.folder.path().join("gitrepository")).unwrap();
    both("artifact");
}

#[test]
fn an_unchanged_file_is_digested_once() {
    let fixture = fixture();
    let stored = fixture.publish("a.tar.gz", "content");
    let storage = open(&fixture.folder);
    storage.verify(&path("a.tar.gz"), &stored.digest).unwrap();
    // What it remembers is what it answers with: a digest planted there is believed while the file looks the same.
    let planted = Digest::of(Algorithm::Sha256, b"planted");
    storage.checked.lock().get_mut(&path("a.tar.gz")).unwrap().1 = planted.clone();
    storage.verify(&path("a.tar.gz"), &planted).unwrap();
    // Another algorithm than the remembered one is computed.
    let sha512 = Digest::of(Algorithm::Sha512, b"content");
    storage.verify(&path("a.tar.gz"), &sha512).unwrap();
}

#[test]
fn retention_removes_the_old_and_what_a_killed_process_left() {
    let fixture = fixture();
    for (file, age) in [("a.tar.gz", 300), ("b.tar.gz", 200), ("c.tar.gz", 0)] {
        fixture.publish(file, file);
        fixture.age(file, age);
    }
    fs::write(fixture.on_disk(".draft-x"), "half").unwrap();
    fs::write(fixture.on_disk("a.tar.gz.lock"), "").unwrap();
    symlink(fixture.on_disk("a.tar.gz"), fixture.on_disk("latest.tar.gz")).unwrap();
    let collected = fixture.storage.collect(&path("c.tar.gz"), now_of(&fixture, "c.tar.gz")).unwrap();
    assert_eq!(collected.artifacts, ["a.tar.gz", "b.tar.gz"]);
    assert_eq!(fixture.files(), ["c.tar.gz", "latest.tar.gz"]);
}

#[test]
fn collecting_where_nothing_is_stored_removes_nothing() {
    let fixture = fixture();
    assert_eq!(fixture.storage.collect(&path("a"), SystemTime::UNIX_EPOCH).unwrap(), Collected::default());
}

#[test]
fn links_in_the_tree_never_lead_out() {
    let fixture = fixture();
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir_all(outside.path().join("shop")).unwrap();
    fs::write(outside.path().join("shop/a.tar.gz"), "secret").unwrap();
    fs::create_dir(fixture.folder.path().join("gitrepository")).unwrap();
    symlink(outside.path(), fixture.folder.path().join("gitrepository/apps")).unwrap();
    let target = path("a.tar.gz");
    let digest = Digest::of(Algorithm::Sha256, b"secret");
    let write = |_: &mut dyn Write| Ok::<_, Infallible>(Stored { digest: digest.clone(), size: 0 });
    assert!(fixture.storage.publish(&target, write).is_err());
    assert!(fixture.storage.verify(&target, &digest).is_err());
    assert!(fixture.storage.remove(&target).is_err());
    assert!(fixture.storage.collect(&path("b"), SystemTime::UNIX_EPOCH).is_err());
    assert!(fixture.storage.remove_object(target.directory()).is_err());
    assert_eq!(fs::read_to_string(outside.path().join("shop/a.tar.gz")).unwrap(), "secret");
}

#[test]
fn an_artifact_that_is_a_link_is_not_read() {
    let fixture = fixture();
    fixture.publish("a.tar.gz", "one");
    symlink("/etc/hostname", fixture.on_disk("b.tar.gz")).unwrap();
    assert!(fixture.storage.open_artifact(&path("b.tar.gz")).is_err());
}

#[test]
fn an_object_is_removed_whole_and_alone() {
    let fixture = fixture();
    fixture.publish("a.tar.gz", "one");
    let other = ObjectDirectory::new("GitRepository", "apps", "other").unwrap().file("x").unwrap();
    let write = |_: &mut dyn Write| Ok::<_, Infallible>(Stored { digest: Digest::of(Algorithm::Sha256, b""), size: 0 });
    fixture.storage.publish(&other, write).unwrap();
    for _ in 0..2 {
        fixture.storage.remove_object(path("a").directory()).unwrap();
    }
    assert!(!fixture.on_disk("").exists());
    assert!(fixture.storage.open_artifact(&other).is_ok());
}

#[test]
fn the_root_must_be_a_directory() {
    let address = AdvertisedAddress::new(None, ":9090", "");
    let missing = Storage::open("/nonexistent/data".into(), address, Algorithm::Sha256, Retention::default());
    assert_eq!(missing.unwrap_err().to_string(), "storage path \"/nonexistent/data\" is not a directory");
}
