//! Whether a dependency lets an object proceed, and what an object refers to.

use std::collections::{BTreeMap, BTreeSet};

use flux_api::kustomize::v1::Kustomization;
use flux_api::kustomize::v1::kustomization::SubstituteKind;
use flux_api::meta::{ConditionStatus, DependencyReference, FluxObject, READY};
use flux_runtime::ObjectKey;
use flux_status::ReadyExpression;
use kube::ResourceExt;

use super::blame::Why;
use super::error::{Cause, DependencyError};
use super::plan;
use crate::watches::{Attention, Links, Readiness, Referent};

/// Whether `dependency` lets `object` proceed to `revision`: as the reference's expression says or, without one or with
/// `additive` also, when it is ready for its current generation and, where both are built from the same source, at that revision.
pub(crate) fn check(
    object: &Kustomization,
    dependency: &Kustomization,
    reference: &DependencyReference,
    revision: &str,
    additive: bool,
) -> Result<(), DependencyError> {
    if let Some(expression) = &reference.ready_expr {
        check_expression(object, dependency, expression)?;
        if !additive {
            return Ok(());
        }
    }
    let name = ObjectKey::of(dependency);
    if !is_ready(dependency) {
        return Err(DependencyError::NotReady { name, why: Why::of(dependency) });
    }
    if plan::source(object) == plan::source(dependency) && applied(dependency) != Some(revision) {
        return Err(DependencyError::Outdated { name, why: Why::outdated(applied(dependency), revision) });
    }
    Ok(())
}

/// Whether the expression says so of the object (`self`) and its dependency (`dep`).
fn check_expression(
    object: &Kustomization,
    dependency: &Kustomization,
    expression: &str,
) -> Result<(), DependencyError> {
    let key = ObjectKey::of(dependency);
    let expression = ReadyExpression::compile(expression)
        .map_err(|cause| DependencyError::Expression { name: key.clone(), cause: cause.into() })?;
    let evaluation = |cause: Cause| DependencyError::Evaluation { name: key.clone(), cause };
    let own = serde_json::to_value(object).map_err(|err| evaluation(err.into()))?;
    let other = serde_json::to_value(dependency).map_err(|err| evaluation(err.into()))?;
    match expression.is_ready(&own, &other) {
        Ok(true) => Ok(()),
        Ok(false) => Err(DependencyError::NotReadyByExpression { name: key }),
        Err(err) => Err(evaluation(err.into())),
    }
}

/// What dependants look at in `object`.
pub(crate) fn readiness(object: &Kustomization) -> Readiness {
    Readiness {
        ready: is_ready(object),
        applied: applied(object).map(str::to_owned),
        version: object.resource_version().unwrap_or_default(),
    }
}

/// What `object` refers to.
pub(crate) fn links(object: &Kustomization) -> Links {
    let namespace = object.namespace().unwrap_or_default();
    Links {
        source: plan::source(object),
        dependencies: dependencies(object, &namespace),
        configs: configs(object, &namespace),
    }
}

fn dependencies(object: &Kustomization, namespace: &str) -> BTreeMap<ObjectKey, Attention> {
    let link = |reference: &DependencyReference| {
        let namespace = reference.namespace.clone().unwrap_or_else(|| namespace.to_owned());
        let attention = match reference.ready_expr {
            Some(_) => Attention::Anything,
            None => Attention::Readiness,
        };
        (ObjectKey::new(namespace, reference.name.clone()), attention)
    };
    object.spec.depends_on.iter().map(link).collect()
}

/// The ConfigMaps and Secrets that a run reads.
fn configs(object: &Kustomization, namespace: &str) -> BTreeSet<Referent> {
    let spec = &object.spec;
    let mut configs = BTreeSet::new();
    let mut add = |kind: &str, name: &str| {
        configs.insert(Referent::new(kind, ObjectKey::new(namespace, name)));
    };
    for reference in spec.post_build.iter().flat_map(|post_build| &post_build.substitute_from) {
        add(config_kind(reference.kind), &reference.name);
    }
    if let Some(kube_config) = &spec.kube_config {
        kube_config.config_map_ref.iter().for_each(|reference| add("ConfigMap", &reference.name));
        kube_config.secret_ref.iter().for_each(|reference| add("Secret", &reference.name));
    }
    let keys = spec.decryption.iter().filter_map(|decryption| decryption.secret_ref.as_ref());
    keys.for_each(|reference| add("Secret", &reference.name));
    configs
}

/// The kind that variables are read from.
pub(crate) fn config_kind(kind: SubstituteKind) -> &'static str {
    match kind {
        SubstituteKind::ConfigMap => "ConfigMap",
        SubstituteKind::Secret => "Secret",
    }
}

fn is_ready(object: &Kustomization) -> bool {
    let ready =
        |condition: &flux_api::meta::Condition| condition.type_ == READY && condition.status == ConditionStatus::True;
    object.metadata.generation == Some(object.observed_generation()) && object.conditions().iter().any(ready)
}

fn applied(object: &Kustomization) -> Option<&str> {
    object.status.as_ref()?.last_applied_revision.as_deref()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn kustomization(name: &str, spec: &Value, status: &Value) -> Kustomization {
        let mut whole =
            json!({"interval": "10m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "repo"}});
        for (field, value) in spec.as_object().unwrap() {
            whole[field] = value.clone();
        }
        serde_json::from_value(json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": "apps", "generation": 2, "resourceVersion": "7"},
            "spec": whole, "status": status,
        }))
        .unwrap()
    }

    fn status(ready: &str, generation: i64, revision: &str) -> Value {
        json!({
            "observedGeneration": generation,
            "lastAppliedRevision": revision,
            "conditions": [{
                "type": "Ready", "status": ready, "reason": "Any", "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            }],
        })
    }

    fn check_dependency(spec: &Value, status: &Value, expected: Result<(), &str>) {
        let object = kustomization("app", &json!({}), &json!({}));
        let dependency = kustomization("base", spec, status);
        let reference = DependencyReference { name: "base".to_owned(), ..DependencyReference::default() };
        let found = check(&object, &dependency, &reference, "main@sha1:2", false).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{spec} {status}");
    }

    #[test]
    fn a_dependency_must_be_ready_for_its_generation_at_the_revision_of_a_shared_source() {
        let shared = json!({});
        check_dependency(&shared, &status("True", 2, "main@sha1:2"), Ok(()));
        check_dependency(&shared, &json!({}), Err("dependency 'apps/base' is not ready"));
        check_dependency(&shared, &status("False", 2, "main@sha1:2"), Err("dependency 'apps/base' is not ready"));
        check_dependency(&shared, &status("Unknown", 2, "main@sha1:2"), Err("dependency 'apps/base' is not ready"));
        check_dependency(&shared, &status("True", 1, "main@sha1:2"), Err("dependency 'apps/base' is not ready"));
        check_dependency(
            &shared,
            &status("True", 2, "main@sha1:1"),
            Err("dependency 'apps/base' revision is not up to date"),
        );
    }

    /// The check by `expression` of a dependency with `status`.
    fn check_by_expression(expression: &str, additive: bool, status: &Value, expected: Result<(), &str>) {
        let (object, dependency) =
            (kustomization("app", &json!({}), &json!({})), kustomization("base", &json!({}), status));
        let ready_expr = Some(expression.to_owned());
        let reference = DependencyReference { name: "base".to_owned(), ready_expr, ..DependencyReference::default() };
        let found = check(&object, &dependency, &reference, "main@sha1:2", additive).map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{expression}");
    }

    #[test]
    fn an_expression_takes_the_place_of_the_check_or_adds_to_it() {
        let yes = "dep.metadata.name == 'base' && self.metadata.name == 'app'";
        check_by_expression(yes, false, &json!({}), Ok(()));
        check_by_expression(yes, true, &json!({}), Err("dependency 'apps/base' is not ready"));
        check_by_expression(yes, true, &status("True", 2, "main@sha1:2"), Ok(()));
        let no = Err("dependency 'apps/base' is not ready according to readyExpr eval");
        check_by_expression("dep.metadata.name == 'x'", false, &json!({}), no);
    }

    #[test]
    fn an_expression_that_cannot_be_evaluated_is_not_ready_and_one_that_is_none_is_terminal() {
        let check = |expression: &str| {
            let (object, dependency) =
                (kustomization("app", &json!({}), &json!({})), kustomization("base", &json!({}), &json!({})));
            check_expression(&object, &dependency, expression).unwrap_err()
        };
        assert!(matches!(check("dep.status.missing == 1"), DependencyError::Evaluation { .. }));
        assert!(matches!(check("dep."), DependencyError::Expression { .. }));
        assert!(matches!(check("other.name == ''"), DependencyError::Expression { .. }));
    }

    #[test]
    fn a_dependency_with_another_source_may_be_at_any_revision() {
        let at = status("True", 2, "v1@sha1:9");
        check_dependency(&json!({"sourceRef": {"kind": "Bucket", "name": "repo"}}), &at, Ok(()));
        check_dependency(&json!({"sourceRef": {"kind": "GitRepository", "name": "other"}}), &at, Ok(()));
        let elsewhere = json!({"sourceRef": {"kind": "GitRepository", "name": "repo", "namespace": "other"}});
        check_dependency(&elsewhere, &at, Ok(()));
        let same = json!({"sourceRef": {"kind": "GitRepository", "name": "repo", "namespace": "apps"}});
        check_dependency(&same, &at, Err("dependency 'apps/base' revision is not up to date"));
    }

    #[test]
    fn an_object_refers_to_all_that_its_run_reads() {
        let object = kustomization(
            "app",
            &json!({
                "dependsOn": [{"name": "base"}, {"name": "crds", "namespace": "infra", "readyExpr": "true"}],
                "postBuild": {"substituteFrom": [
                    {"kind": "ConfigMap", "name": "env"}, {"kind": "Secret", "name": "passwords"},
                ]},
                "kubeConfig": {"secretRef": {"name": "cluster"}},
                "decryption": {"provider": "sops", "secretRef": {"name": "keys"}},
            }),
            &json!({}),
        );

        let links = links(&object);

        assert_eq!(links.source.to_string(), "GitRepository/apps/repo");
        let configs: Vec<_> = links.configs.iter().map(ToString::to_string).collect();
        assert_eq!(configs, ["ConfigMap/apps/env", "Secret/apps/cluster", "Secret/apps/keys", "Secret/apps/passwords"]);
        assert_eq!(
            links.dependencies.into_iter().collect::<Vec<_>>(),
            [
                (ObjectKey::new("apps", "base"), Attention::Readiness),
                (ObjectKey::new("infra", "crds"), Attention::Anything),
            ]
        );
    }

    #[test]
    fn dependants_look_at_readiness_revision_and_version() {
        let object = kustomization("app", &json!({}), &status("True", 2, "main@sha1:2"));

        assert_eq!(
            readiness(&object),
            Readiness { ready: true, applied: Some("main@sha1:2".to_owned()), version: "7".to_owned() }
        );
    }
}
