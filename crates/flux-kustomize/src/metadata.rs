//! Objects that belong to no kustomization: read as kustomize reads resources, and given labels and annotations.

use std::collections::{BTreeMap, HashMap, VecDeque};

use flux_yaml::Limits;

use crate::config::Spec;
use crate::resource::Resource;
use crate::transformers::single;
use crate::{Error, load};

const LABELS: [Spec; 1] = [Spec::fixed("", "", "", "metadata/labels", true)];
const ANNOTATIONS: [Spec; 1] = [Spec::fixed("", "", "", "metadata/annotations", true)];

/// The objects of a stream of documents; those of lists one by one, behind the others. Empty documents are left out.
pub fn read(stream: &str) -> Result<Vec<Resource>, Error> {
    let documents = flux_yaml::parse_all(stream, Limits::default()).map_err(|err| Error::invalid(err.to_string()))?;
    let mut resources = Vec::with_capacity(documents.len());
    let mut waiting = VecDeque::from(documents);
    while let Some(node) = waiting.pop_front() {
        if node.is_null() || node.is_empty() {
            continue;
        }
        load::check(&node).map_err(Error::invalid)?;
        match load::items(node)? {
            Ok(items) => waiting.extend(items),
            Err(node) => resources.push(Resource::new(node, None)),
        }
    }
    Ok(resources)
}

/// The places of two objects with one id, and that id; nothing where all ids differ.
pub fn twins(resources: &[Resource]) -> Option<(usize, usize, String)> {
    let mut seen = HashMap::with_capacity(resources.len());
    resources.iter().enumerate().find_map(|(at, resource)| {
        let first = seen.insert(resource.key(), at)?;
        Some((first, at, resource.id().to_string()))
    })
}

/// Sets the labels of the objects themselves; those of what they make stay.
pub fn set_labels(resources: &mut [Resource], labels: &BTreeMap<String, String>) -> Result<(), Error> {
    set(resources, labels, &LABELS)
}

/// Sets annotations of the objects themselves.
pub fn set_annotations(resources: &mut [Resource], annotations: &BTreeMap<String, String>) -> Result<(), Error> {
    set(resources, annotations, &ANNOTATIONS)
}

fn set(resources: &mut [Resource], pairs: &BTreeMap<String, String>, specs: &[Spec]) -> Result<(), Error> {
    for resource in resources {
        let set = single::labels(std::slice::from_mut(resource), pairs, specs);
        set.map_err(|err| err.during(resource.title()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_go_to_the_objects_and_nothing_below() {
        let text = "kind: A\nmetadata: {name: a, labels: {x: 1}}\nspec: {template: {metadata: {}}}\n---\n\
                    kind: BList\nitems: [{kind: B, metadata: {name: b}}]\n";
        let mut resources = read(text).unwrap();
        set_labels(&mut resources, &BTreeMap::from([("y".to_owned(), "true".to_owned())])).unwrap();
        set_annotations(&mut resources, &BTreeMap::from([("n".to_owned(), "1".to_owned())])).unwrap();
        let shown: Vec<String> = resources.iter().map(|resource| resource.to_yaml().unwrap()).collect();
        assert_eq!(
            shown,
            [
                "kind: A\nmetadata:\n  annotations:\n    \"n\": \"1\"\n  labels:\n    x: 1\n    \"y\": \"true\"\n  name: a\nspec:\n  template:\n    metadata: {}\n",
                "kind: B\nmetadata:\n  annotations:\n    \"n\": \"1\"\n  labels:\n    \"y\": \"true\"\n  name: b\n",
            ]
        );
    }

    #[test]
    fn what_cannot_be_labelled_is_named() {
        let mut resources = read("kind: A\nmetadata: {name: a, namespace: n, labels: []}\n").unwrap();
        let err = set_labels(&mut resources, &BTreeMap::from([("y".to_owned(), "1".to_owned())])).unwrap_err();
        assert!(err.chain().starts_with("A/n/a: "), "{}", err.chain());
    }

    #[test]
    fn objects_of_one_id_are_found() {
        let text = "kind: A\nmetadata: {name: a}\n---\nkind: B\nmetadata: {name: a}\n---\nkind: A\nmetadata: {name: a, namespace: default}\n";
        let (first, second, id) = twins(&read(text).unwrap()).unwrap();
        assert_eq!((first, second, id.as_str()), (0, 2, "A.[noVer].[noGrp]/a.default"));
        assert_eq!(
            read("metadata: {name: a}\n").unwrap_err().to_string(),
            "missing kind in object {{ } {{a } map[] map[]}}"
        );
    }
}
