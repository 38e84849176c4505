use flux_api::source::v1::Source as _;
use flux_testkit::{Change, SshKey, ssh_signature};

use crate::harness::{Harness, condition};

#[tokio::test]
async fn only_signed_revisions_become_artifacts() {
    let harness = Harness::new("verification").await;
    let key = SshKey::generate().unwrap();
    let repository = harness.git.create("app").unwrap();
    let sign = |payload: &[u8]| ssh_signature(&key, payload);
    let signed = repository.commit_signed("main", "One", &[Change::File("a", b"1")], sign).unwrap();
    harness.secret("keys", &[("jane.sshpub", &key.public().unwrap())]).await;
    let verified =
        |mode: &str| format!("{}verify:\n  mode: {mode}\n  secretRef:\n    name: keys\n", harness.main_of("app"));
    harness.apply("app", &verified("HEAD")).await;
    let good = harness.stored("app", &format!("main@sha1:{signed}")).await;
    let told = condition(&good, "SourceVerified").unwrap();
    assert_eq!(told.reason, "Succeeded");
    let start = format!("verified signature of\n\t- commit '{signed}' with key 'SHA256:");
    assert!(told.message.starts_with(&start), "{}", told.message);
    assert_eq!(serde_json::to_value(good.status.as_ref().unwrap().source_verification_mode).unwrap(), "HEAD");

    let unsigned = repository.commit_files("main", "Two", &[("a", "2")]).unwrap();
    let object = harness.run("app", "unsigned").await;
    let ready = condition(&object, "Ready").unwrap();
    assert_eq!(
        (ready.reason.as_str(), ready.message.as_str()),
        (
            "InvalidCommitSignature",
            format!("signature verification of commit '{unsigned}' failed: commit is not signed").as_str()
        )
    );
    assert_eq!(condition(&object, "SourceVerified").unwrap().reason, "InvalidCommitSignature");
    assert_eq!(object.artifact(), good.artifact());

    let other = SshKey::generate().unwrap();
    let sign = |payload: &[u8]| ssh_signature(&other, payload);
    repository.commit_signed("main", "Three", &[Change::File("a", b"3")], sign).unwrap();
    let object = harness.run("app", "stranger").await;
    assert_eq!(condition(&object, "Ready").unwrap().reason, "InvalidCommitSignature");
    assert_eq!(object.artifact(), good.artifact());

    harness.apply("app", &verified("Tag")).await;
    let message = harness.fails("app", "InvalidVerificationMode").await;
    assert_eq!(message, "cannot verify tag object's signature if a tag reference is not specified");

    harness.apply("app", &harness.main_of("app")).await;
    let free = harness
        .until("app", |object| {
            flux_testkit::ready(object)?;
            anyhow::ensure!(object.artifact() != good.artifact(), "the old artifact");
            Ok(())
        })
        .await;
    assert!(condition(&free, "SourceVerified").is_none());
    assert!(free.status.unwrap().source_verification_mode.is_none());
}

#[tokio::test]
async fn tags_are_verified_as_their_objects_say() {
    let harness = Harness::new("verified-tags").await;
    let key = SshKey::generate().unwrap();
    let repository = harness.git.create("app").unwrap();
    let sign = |payload: &[u8]| ssh_signature(&key, payload);
    let commit = repository.commit_signed("main", "One", &[Change::File("a", b"1")], sign).unwrap();
    let tag = repository.tag_signed("v1.0.0", &commit, "release", sign).unwrap();
    repository.tag_annotated("v2.0.0", &commit, "release").unwrap();
    harness.secret("keys", &[("jane.sshpub", &key.public().unwrap())]).await;
    let spec = |tag: &str, keys: &str| {
        let url = harness.git.url("app");
        format!("url: {url}\nref:\n  tag: {tag}\nverify:\n  mode: TagAndHEAD\n  secretRef:\n    name: {keys}\n")
    };
    harness.apply("signed", &spec("v1.0.0", "keys")).await;
    let object = harness.stored("signed", &format!("v1.0.0@sha1:{commit}")).await;
    let message = &condition(&object, "SourceVerified").unwrap().message;
    assert!(message.contains(&format!("\t- tag 'v1.0.0@sha1:{tag}' with key '")), "{message}");
    assert!(message.contains(&format!("\t- commit '{commit}' with key '")), "{message}");

    harness.apply("unsigned", &spec("v2.0.0", "keys")).await;
    let message = harness.fails("unsigned", "InvalidGitObject").await;
    assert!(message.ends_with("since it is not signed"), "{message}");
    harness.apply("keyless", &spec("v1.0.0", "none")).await;
    let message = harness.fails("keyless", "VerificationError").await;
    assert!(message.starts_with("public keys secret error: "), "{message}");
}
