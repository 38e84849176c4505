//! Our CRDs beside upstream's, where the conformance data is at hand.

use std::path::PathBuf;

use serde_json::Value;

use crate::kinds::documents;

/// What upstream's files have and ours do not, or the reverse; everything else must be equal.
const KNOWN: [&str; 15] = [
    // The generator's own mark, and the switch that upstream's later files carry on every CRD.
    "only upstream: */metadata/annotations/controller-gen.kubebuilder.io/version",
    "only here: artifactgenerators.source.extensions.fluxcd.io/metadata/annotations/kustomize.toolkit.fluxcd.io/substitute",
    "only here: buckets.source.toolkit.fluxcd.io/metadata/annotations/kustomize.toolkit.fluxcd.io/substitute",
    "only here: externalartifacts.source.toolkit.fluxcd.io/metadata/annotations/kustomize.toolkit.fluxcd.io/substitute",
    "only here: gitrepositories.source.toolkit.fluxcd.io/metadata/annotations/kustomize.toolkit.fluxcd.io/substitute",
    "only here: helmcharts.source.toolkit.fluxcd.io/metadata/annotations/kustomize.toolkit.fluxcd.io/substitute",
    "only here: helmrepositories.source.toolkit.fluxcd.io/metadata/annotations/kustomize.toolkit.fluxcd.io/substitute",
    "only here: imagepolicies.image.toolkit.fluxcd.io/metadata/annotations/kustomize.toolkit.fluxcd.io/substitute",
    "only here: imagerepositories.image.toolkit.fluxcd.io/metadata/annotations/kustomize.toolkit.fluxcd.io/substitute",
    "only here: imageupdateautomations.image.toolkit.fluxcd.io/metadata/annotations/kustomize.toolkit.fluxcd.io/substitute",
    "only here: ocirepositories.source.toolkit.fluxcd.io/metadata/annotations/kustomize.toolkit.fluxcd.io/substitute",
    // The contract gives them to all kinds of the group.
    "only here: imagepolicies.image.toolkit.fluxcd.io/spec/names/categories",
    "only here: imagerepositories.image.toolkit.fluxcd.io/spec/names/categories",
    // An empty object, which means the same as none.
    "only upstream: alerts.notification.toolkit.fluxcd.io/spec/versions/0/subresources",
    "only upstream: providers.notification.toolkit.fluxcd.io/spec/versions/0/subresources",
];

#[test]
fn the_crds_are_upstream_s_but_for_their_prose() {
    let folder = std::env::var_os("FLUX_CONFORMANCE").map(|root| PathBuf::from(root).join("crds"));
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        println!("skipped: FLUX_CONFORMANCE names no folder with crds");
        return;
    };
    let mut differences = Vec::new();
    let mut compared = 0;
    for crd in flux_api::crd::all().unwrap() {
        let name = format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural);
        let text = std::fs::read_to_string(folder.join(&name)).unwrap();
        let [theirs] = documents(&text).try_into().unwrap();
        let ours = serde_json::to_value(&crd).unwrap();
        compare(&theirs, &ours, &crd.metadata.name.unwrap(), &mut differences);
        compared += 1;
    }
    assert_eq!(compared, std::fs::read_dir(&folder).unwrap().count(), "upstream has a kind that we do not");
    differences.retain(|difference| !is_known(difference));
    assert!(differences.is_empty(), "{differences:#?}");
}

fn is_known(difference: &str) -> bool {
    KNOWN.contains(&difference)
        || difference
            .split_once('/')
            .is_some_and(|(_, path)| KNOWN.contains(&format!("only upstream: */{path}").as_str()))
}

fn compare(theirs: &Value, ours: &Value, path: &str, differences: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(left), Value::Object(right)) => {
            let is_prose = |name: &str, value: &Value| name == "description" && value.is_string();
            for (name, value) in left.iter().filter(|(name, value)| !is_prose(name, value)) {
                let path = format!("{path}/{name}");
                match right.get(name) {
                    Some(ours) if is_set(name) => compare_sets(value, ours, &path, differences),
                    Some(ours) => compare(value, ours, &path, differences),
                    None => differences.push(format!("only upstream: {path}")),
                }
            }
            let added = right.iter().filter(|(name, value)| !is_prose(name, value) && !left.contains_key(*name));
            differences.extend(added.map(|(name, _)| format!("only here: {path}/{name}")));
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (theirs, ours)) in left.iter().zip(right).enumerate() {
                compare(theirs, ours, &format!("{path}/{index}"), differences);
            }
        }
        // Kubernetes' type for a bound is a float, whatever the field is.
        (Value::Number(left), Value::Number(right)) if left.as_f64() == right.as_f64() => {}
        _ if theirs == ours => {}
        _ => differences.push(format!("{path}: {theirs} upstream, {ours} here")),
    }
}

/// Lists whose order means nothing.
fn is_set(name: &str) -> bool {
    matches!(name, "required" | "enum")
}

fn compare_sets(theirs: &Value, ours: &Value, path: &str, differences: &mut Vec<String>) {
    let sorted = |list: &Value| {
        let mut list: Vec<String> = list.as_array().into_iter().flatten().map(Value::to_string).collect();
        list.sort();
        list
    };
    // A field of that name may also be declared by a schema.
    if theirs.is_array() && ours.is_array() {
        if sorted(theirs) != sorted(ours) {
            differences.push(format!("{path}: {theirs} upstream, {ours} here"));
        }
    } else {
        compare(theirs, ours, path, differences);
    }
}
