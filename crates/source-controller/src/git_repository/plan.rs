//! What is to be done, decided from what was observed. Pure.

use std::cmp::Ordering;

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use flux_api::meta::{Artifact, ConditionStatus};
use flux_api::source::v1::condition::ARTIFACT_IN_STORAGE;
use flux_api::source::v1::git_repository::{
    GitRepositoryInclude, GitRepositoryRef, GitRepositorySpec, VerificationMode,
};
use flux_git::Reference;
use flux_status::Conditions;
use flux_tar::archive_order;

use super::status::Status;

/// The branch where nothing is asked for.
const DEFAULT_BRANCH: &str = "master";
/// How much of a commit's first line an event shows.
const SUBJECT: usize = 50;

/// What is left to do once the server has named its revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: the artifact is of that revision and of the same configuration.
    Nothing,
    /// The tree is needed, for an artifact or for a signature.
    Fetch,
}

/// What the artifact of a fetched and verified revision needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Archive {
    /// There is one, and it is made from the same things.
    UpToDate,
    /// It must be written.
    Write,
}

/// The field that wins: commit, name, semver, tag, branch.
pub(super) fn reference(spec: Option<&GitRepositoryRef>) -> Reference {
    let empty = GitRepositoryRef::default();
    let GitRepositoryRef { branch, tag, semver, name, commit } = spec.unwrap_or(&empty).clone();
    match (commit, name, semver, tag, branch) {
        (Some(id), _, _, _, branch) => Reference::Commit { id, branch },
        (None, Some(name), _, _, _) => Reference::Name(name),
        (None, None, Some(range), _, _) => Reference::Semver(range),
        (None, None, None, Some(tag), _) => Reference::Tag(tag),
        (None, None, None, None, Some(branch)) => Reference::Branch(branch),
        (None, None, None, None, None) => Reference::Branch(DEFAULT_BRANCH.to_owned()),
    }
}

/// Whether the run can end after the listing.
pub(super) fn after_listing(
    spec: &GitRepositorySpec,
    status: &Status,
    conditions: &Conditions,
    revision: &str,
    included: &[Artifact],
) -> Next {
    let stored = conditions.get(ARTIFACT_IN_STORAGE).is_some_and(|found| found.status == ConditionStatus::True);
    if stored && archive(spec, status, revision, included) == Archive::UpToDate && !needs_verification(spec, status) {
        Next::Nothing
    } else {
        Next::Fetch
    }
}

/// Whether the stored artifact is what a new one would be.
pub(super) fn archive(spec: &GitRepositorySpec, status: &Status, revision: &str, included: &[Artifact]) -> Archive {
    let Status {
        artifact,
        included_artifacts,
        observed_ignore,
        observed_recurse_submodules,
        observed_include,
        observed_sparse_checkout,
        source_verification_mode: _,
    } = status;
    let same = artifact.as_ref().is_some_and(|artifact| artifact.revision == revision)
        && !includes_differ(included, included_artifacts)
        && *observed_ignore == spec.ignore
        && *observed_recurse_submodules == spec.recurse_submodules
        && *observed_include == spec.include
        && *observed_sparse_checkout == spec.sparse_checkout;
    if same { Archive::UpToDate } else { Archive::Write }
}

/// Whether other artifacts are included than those that were copied last. Where and when they are served does not count.
pub(super) fn includes_differ(now: &[Artifact], last: &[Artifact]) -> bool {
    let content = |artifact: &Artifact| (artifact.path.clone(), artifact.revision.clone(), artifact.digest.clone());
    !now.iter().map(content).eq(last.iter().map(content))
}

/// The mode that is asked for, in its current spelling.
pub(super) fn verification_mode(spec: &GitRepositorySpec) -> Option<VerificationMode> {
    spec.verify.as_ref().map(|verify| match verify.mode {
        VerificationMode::LegacyHead | VerificationMode::Head => VerificationMode::Head,
        VerificationMode::Tag => VerificationMode::Tag,
        VerificationMode::TagAndHead => VerificationMode::TagAndHead,
    })
}

/// Whether the stored revision was not verified in the mode that is asked for.
fn needs_verification(spec: &GitRepositorySpec, status: &Status) -> bool {
    let mode = verification_mode(spec);
    mode.is_some() && mode != status.source_verification_mode
}

/// How an event names a commit: its first line, cut.
pub(super) fn short_subject(subject: &str) -> String {
    if subject.chars().count() <= SUBJECT {
        return subject.to_owned();
    }
    let cut: String = subject.chars().take(SUBJECT).collect();
    format!("{cut}...")
}

/// Where an include goes, and from where in the included artifact; the root is empty.
///
/// As upstream joins them, `..` never leads above the root.
pub(super) fn include_paths(include: &GitRepositoryInclude) -> (Utf8PathBuf, Utf8PathBuf) {
    let from = contained(include.from_path.as_deref().unwrap_or_default());
    let to = contained(include.to_path.as_deref().unwrap_or(&include.repository.name));
    (from, to)
}

fn contained(path: &str) -> Utf8PathBuf {
    let mut inside = Utf8PathBuf::new();
    for part in Utf8Path::new(path).components() {
        match part {
            Utf8Component::Normal(name) => inside.push(name),
            Utf8Component::ParentDir => {
                inside.pop();
            }
            Utf8Component::Prefix(_) | Utf8Component::RootDir | Utf8Component::CurDir => {}
        }
    }
    inside
}

/// Which of two sorted sources an archive takes its next entry from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pick {
    /// The first.
    Tree,
    /// The second.
    Overlay,
    /// They name the same path: the second counts, the first is skipped.
    Both,
    /// None is left.
    End,
}

/// Merges two walks in archive order.
pub(super) fn pick(tree: Option<&Utf8Path>, overlay: Option<&Utf8Path>) -> Pick {
    match (tree, overlay) {
        (None, None) => Pick::End,
        (Some(_), None) => Pick::Tree,
        (None, Some(_)) => Pick::Overlay,
        (Some(tree), Some(overlay)) => match archive_order(tree, overlay) {
            Ordering::Less => Pick::Tree,
            Ordering::Equal => Pick::Both,
            Ordering::Greater => Pick::Overlay,
        },
    }
}

#[cfg(test)]
mod tests {
    use flux_api::meta::LocalObjectReference;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use k8s_openapi::jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;

    fn spec(more: &Value) -> GitRepositorySpec {
        let mut spec = json!({"url": "https://example.com/a", "interval": "1m"});
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        serde_json::from_value(spec).unwrap()
    }

    fn artifact(revision: &str, digest: &str) -> Artifact {
        Artifact {
            path: "gitrepository/a/b/c.tar.gz".to_owned(),
            url: "http://host/c".to_owned(),
            revision: revision.to_owned(),
            digest: digest.to_owned(),
            last_update_time: Time(Timestamp::UNIX_EPOCH),
            size: None,
            metadata: None,
        }
    }

    #[test]
    fn the_most_precise_reference_wins() {
        let check = |value: Value, expected: &str| {
            let spec: GitRepositoryRef = serde_json::from_value(value).unwrap();
            assert_eq!(format!("{:?}", reference(Some(&spec))), expected);
        };
        let all = json!({"commit": "c", "name": "n", "semver": "s", "tag": "t", "branch": "b"});
        let without = |keys: &[&str]| {
            let mut value = all.clone();
            for key in keys {
                value.as_object_mut().unwrap().remove(*key);
            }
            value
        };
        check(all.clone(), "Commit { id: \"c\", branch: Some(\"b\") }");
        check(without(&["commit"]), "Name(\"n\")");
        check(without(&["commit", "name"]), "Semver(\"s\")");
        check(without(&["commit", "name", "semver"]), "Tag(\"t\")");
        check(without(&["commit", "name", "semver", "tag"]), "Branch(\"b\")");
        check(json!({}), "Branch(\"master\")");
        assert_eq!(reference(None), Reference::Branch("master".to_owned()));
    }

    /// What a status made from `first` needs when the spec is `second`.
    fn changed(first: &Value, second: &Value) -> Archive {
        let mut status = Status::default();
        status.stored(artifact("main@sha1:1", "sha256:1"), Vec::new(), &spec(first));
        archive(&spec(second), &status, "main@sha1:1", &[])
    }

    #[test]
    fn the_artifact_is_written_again_when_what_it_is_made_from_changes() {
        assert_eq!(changed(&json!({}), &json!({})), Archive::UpToDate);
        assert_eq!(changed(&json!({}), &json!({"interval": "5m", "timeout": "9s"})), Archive::UpToDate);
        for second in [
            json!({"ignore": "*.md"}),
            json!({"ignore": ""}),
            json!({"recurseSubmodules": true}),
            json!({"sparseCheckout": ["a"]}),
            json!({"include": [{"repository": {"name": "lib"}}]}),
        ] {
            assert_eq!(changed(&json!({}), &second), Archive::Write, "{second}");
            assert_eq!(changed(&second, &json!({})), Archive::Write, "{second}");
        }
        let mut status = Status::default();
        assert_eq!(archive(&spec(&json!({})), &status, "main@sha1:1", &[]), Archive::Write);
        status.stored(artifact("main@sha1:1", "sha256:1"), Vec::new(), &spec(&json!({})));
        assert_eq!(archive(&spec(&json!({})), &status, "main@sha1:2", &[]), Archive::Write);
        assert_eq!(archive(&spec(&json!({})), &status, "main@sha1:1", &[artifact("r", "d")]), Archive::Write);
    }

    #[test]
    fn includes_differ_by_content_and_order_only() {
        let (one, two) = (artifact("r", "sha256:1"), artifact("r", "sha256:2"));
        let moved = Artifact { url: "http://elsewhere/c".to_owned(), ..one.clone() };
        assert!(!includes_differ(std::slice::from_ref(&moved), std::slice::from_ref(&one)));
        assert!(includes_differ(std::slice::from_ref(&two), std::slice::from_ref(&one)));
        assert!(includes_differ(&[one.clone(), two.clone()], &[two, one]));
    }

    #[test]
    fn a_listing_is_enough_only_when_the_artifact_is_stored_and_verified_as_asked() {
        let plain = spec(&json!({}));
        let verified = spec(&json!({"verify": {"mode": "head", "secretRef": {"name": "keys"}}}));
        let mut status = Status::default();
        status.stored(artifact("main@sha1:1", "sha256:1"), Vec::new(), &plain);
        let mut conditions = Conditions::new(Vec::new(), 1, Time(Timestamp::UNIX_EPOCH));
        let next = |spec: &GitRepositorySpec, status: &Status, conditions: &Conditions| {
            after_listing(spec, status, conditions, "main@sha1:1", &[])
        };
        assert_eq!(next(&plain, &status, &conditions), Next::Fetch);
        conditions.set(ARTIFACT_IN_STORAGE, ConditionStatus::True, "Succeeded", "");
        assert_eq!(next(&plain, &status, &conditions), Next::Nothing);
        assert_eq!(next(&verified, &status, &conditions), Next::Fetch);
        status.source_verification_mode = Some(VerificationMode::Head);
        assert_eq!(next(&verified, &status, &conditions), Next::Nothing);
        status.source_verification_mode = Some(VerificationMode::Tag);
        assert_eq!(next(&verified, &status, &conditions), Next::Fetch);
    }

    #[test]
    fn a_long_subject_is_cut_at_fifty_characters() {
        assert_eq!(short_subject("Add a feature"), "Add a feature");
        assert_eq!(short_subject(&"ü".repeat(51)), format!("{}...", "ü".repeat(50)));
        assert_eq!(short_subject(&"x".repeat(50)), "x".repeat(50));
    }

    #[test]
    fn includes_stay_below_the_root() {
        let check = |from: Option<&str>, to: Option<&str>, expected: (&str, &str)| {
            let include = GitRepositoryInclude {
                repository: LocalObjectReference { name: "lib".to_owned() },
                from_path: from.map(str::to_owned),
                to_path: to.map(str::to_owned),
            };
            assert_eq!(include_paths(&include), (expected.0.into(), expected.1.into()));
        };
        check(None, None, ("", "lib"));
        check(Some("deploy/base/"), Some("./vendor//lib"), ("deploy/base", "vendor/lib"));
        check(Some("../../etc"), Some("/a/../../b"), ("etc", "b"));
    }

    #[test]
    fn two_sorted_walks_merge_into_one() {
        let check = |tree: Option<&str>, overlay: Option<&str>, expected: Pick| {
            assert_eq!(pick(tree.map(Utf8Path::new), overlay.map(Utf8Path::new)), expected);
        };
        check(Some("a/b"), Some("a-b"), Pick::Tree);
        check(Some("b"), Some("a/z"), Pick::Overlay);
        check(Some("a"), Some("a"), Pick::Both);
        check(None, Some("a"), Pick::Overlay);
        check(Some("a"), None, Pick::Tree);
        check(None, None, Pick::End);
    }
}
