//! Which change wakes which object.

use flux_api::source::v1::{GitRepository, Source};
use flux_runtime::{Change, ObjectKey, Store, Wake, wakes};
use futures::Stream;

/// Wakes the repositories that include another one when that one's artifact changed.
pub(crate) fn includes(repositories: &Store<GitRepository>) -> impl Stream<Item = Wake> + Send + use<> {
    let all = repositories.clone();
    wakes(repositories, move |change| {
        if artifact_changed(change) {
            dependents(&change.key, all.list().iter().map(AsRef::as_ref))
        } else {
            Vec::new()
        }
    })
}

fn artifact_changed(change: &Change<GitRepository>) -> bool {
    let content = |object: &Option<std::sync::Arc<GitRepository>>| {
        let artifact = object.as_ref()?.artifact()?;
        Some((artifact.revision.clone(), artifact.digest.clone()))
    };
    change.new.is_some() && content(&change.old) != content(&change.new)
}

/// The repositories that include `included`, which are all of its namespace.
fn dependents<'a>(included: &ObjectKey, all: impl Iterator<Item = &'a GitRepository>) -> Vec<ObjectKey> {
    all.filter(|object| object.metadata.namespace.as_deref() == Some(&included.namespace))
        .filter(|object| object.spec.include.iter().any(|include| include.repository.name == included.name))
        .map(ObjectKey::of)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn repository(namespace: &str, name: &str, includes: &[&str], digest: Option<&str>) -> GitRepository {
        let include: Vec<_> = includes.iter().map(|name| json!({"repository": {"name": name}})).collect();
        let artifact = digest.map(|digest| {
            json!({"path": "p", "url": "u", "revision": "r", "digest": digest, "lastUpdateTime": "2026-01-01T00:00:00Z"})
        });
        serde_json::from_value(json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"namespace": namespace, "name": name},
            "spec": {"url": "https://example.com/a", "interval": "1m", "include": include},
            "status": {"artifact": artifact},
        }))
        .unwrap()
    }

    #[test]
    fn a_repository_depends_on_those_it_includes_in_its_own_namespace() {
        let all = [
            repository("a", "app", &["lib", "other"], None),
            repository("a", "lib", &[], None),
            repository("b", "app", &["lib"], None),
        ];
        assert_eq!(dependents(&ObjectKey::new("a", "lib"), all.iter()), [ObjectKey::new("a", "app")]);
        assert_eq!(dependents(&ObjectKey::new("a", "app"), all.iter()), []);
    }

    #[test]
    fn only_another_artifact_counts_as_a_change() {
        let check = |old: Option<Option<&str>>, new: Option<Option<&str>>, expected: bool| {
            let object =
                |digest: Option<Option<&str>>| digest.map(|digest| Arc::new(repository("a", "lib", &[], digest)));
            let change = Change { key: ObjectKey::new("a", "lib"), old: object(old), new: object(new), initial: false };
            assert_eq!(artifact_changed(&change), expected);
        };
        check(Some(Some("1")), Some(Some("2")), true);
        check(Some(Some("1")), Some(Some("1")), false);
        check(Some(None), Some(Some("1")), true);
        check(None, Some(Some("1")), true);
        check(Some(Some("1")), Some(None), true);
        check(Some(None), Some(None), false);
        check(Some(Some("1")), None, false);
    }
}
