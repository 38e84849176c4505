//! The manifests of the chart on a real API server.

use anyhow::{Context as _, Result};
use flux_testkit::{TestNamespace, apply_yaml, workspace_root};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;

use crate::server;

/// Applies every manifest, the namespace first. Server-side apply refuses fields that a kind does not have.
async fn install(namespace: &TestNamespace) -> Result<Vec<String>> {
    let folder = workspace_root().join("charts/flux/config");
    let mut files: Vec<_> = std::fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.sort_by_key(|path| (!path.ends_with("namespace.yaml"), path.clone()));
    let mut applied = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path)?;
        let objects = apply_yaml(&namespace.client, &namespace.name, &text).await;
        for object in objects.with_context(|| path.display().to_string())? {
            let kind = object.types.map(|types| types.kind).unwrap_or_default();
            applied.push(format!("{kind}/{}", object.metadata.name.unwrap_or_default()));
        }
    }
    Ok(applied)
}

#[tokio::test]
async fn the_api_server_takes_every_manifest() -> Result<()> {
    let namespace = server::namespace("chart").await?;
    let mut applied = install(&namespace).await?;
    applied.sort();
    let expected = [
        "ClusterRole/flux-edit-flux-system",
        "ClusterRole/flux-view-flux-system",
        "ClusterRole/kustomize-controller-flux-system",
        "ClusterRole/source-controller-flux-system",
        "ClusterRoleBinding/cluster-reconciler-flux-system",
        "ClusterRoleBinding/kustomize-controller-flux-system",
        "ClusterRoleBinding/source-controller-flux-system",
        "Deployment/kustomize-controller",
        "Deployment/source-controller",
        "Namespace/flux-system",
        "NetworkPolicy/allow-egress",
        "NetworkPolicy/allow-scraping",
        "ResourceQuota/critical-pods-flux-system",
        "Role/leader-election",
        "RoleBinding/leader-election",
        "Service/source-controller",
        "ServiceAccount/kustomize-controller",
        "ServiceAccount/source-controller",
    ];
    assert_eq!(applied, expected);
    Ok(())
}

/// Who, what, on which resource of which group, where (everywhere when empty), and whether that may be.
const ACCESS: &[(&str, &str, &str, &str, &str, bool)] = &[
    ("source-controller", "patch", "source.toolkit.fluxcd.io", "gitrepositories/status", "", true),
    ("source-controller", "watch", "source.toolkit.fluxcd.io", "gitrepositories", "", true),
    ("source-controller", "update", "source.toolkit.fluxcd.io", "buckets/finalizers", "", true),
    ("source-controller", "create", "", "events", "", true),
    ("source-controller", "get", "", "secrets", "", true),
    ("source-controller", "create", "", "serviceaccounts/token", "", true),
    ("source-controller", "update", "coordination.k8s.io", "leases", "flux-system", true),
    ("source-controller", "update", "coordination.k8s.io", "leases", "kube-system", false),
    ("source-controller", "create", "", "secrets", "", false),
    ("source-controller", "get", "", "configmaps", "", false),
    ("source-controller", "list", "kustomize.toolkit.fluxcd.io", "kustomizations", "", false),
    ("source-controller", "create", "apps", "deployments", "", false),
    ("source-controller", "impersonate", "", "serviceaccounts", "", false),
    ("kustomize-controller", "impersonate", "", "serviceaccounts", "", true),
    ("kustomize-controller", "delete", "apps", "deployments", "", true),
    ("kustomize-controller", "update", "coordination.k8s.io", "leases", "flux-system", true),
    ("default", "get", "source.toolkit.fluxcd.io", "gitrepositories", "", false),
];

#[tokio::test]
async fn the_roles_grant_what_a_controller_needs_and_no_more() -> Result<()> {
    let namespace = server::namespace("access").await?;
    install(&namespace).await?;
    for &(who, verb, group, resource, place, expected) in ACCESS {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let attributes = ResourceAttributes {
            group: Some(group.into()),
            namespace: Some(place.into()),
            resource: Some(resource.into()),
            subresource: Some(subresource.into()),
            verb: Some(verb.into()),
            ..ResourceAttributes::default()
        };
        let spec = SubjectAccessReviewSpec { resource_attributes: Some(attributes), ..subject(who) };
        let found = allowed(&namespace, spec).await?;
        assert_eq!(found, expected, "{who} may {verb} {group}/{resource}/{subresource} in {place:?}");
    }
    for who in ["source-controller", "kustomize-controller"] {
        let attributes = NonResourceAttributes { path: Some("/livez/ping".into()), verb: Some("head".into()) };
        let spec = SubjectAccessReviewSpec { non_resource_attributes: Some(attributes), ..subject(who) };
        assert!(allowed(&namespace, spec).await?, "{who} may ask for flow control");
    }
    Ok(())
}

fn subject(who: &str) -> SubjectAccessReviewSpec {
    let groups = ["system:serviceaccounts", "system:serviceaccounts:flux-system", "system:authenticated"];
    SubjectAccessReviewSpec {
        user: Some(format!("system:serviceaccount:flux-system:{who}")),
        groups: Some(groups.map(str::to_owned).to_vec()),
        ..SubjectAccessReviewSpec::default()
    }
}

async fn allowed(namespace: &TestNamespace, spec: SubjectAccessReviewSpec) -> Result<bool> {
    let reviews: Api<SubjectAccessReview> = Api::all(namespace.client.clone());
    let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
    let answer = reviews.create(&PostParams::default(), &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}
