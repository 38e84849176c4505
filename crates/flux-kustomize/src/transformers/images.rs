//! Names, tags and digests of images.

use flux_yaml::{Content, Node};
use regex::Regex;

use crate::Error;
use crate::config::Spec;
use crate::fields::{Leaf, Places};
use crate::kustomization::Image;
use crate::resource::Resource;

/// Lists that hold containers wherever they stand.
const CONTAINERS: [&str; 2] = ["containers", "initContainers"];
/// Kinds whose content is not looked through: their `containers` are descriptions of fields.
const SKIPPED: &str = "CustomResourceDefinition";
/// How deep containers are looked for.
const DEPTH: usize = 200;

pub(crate) fn set(resources: &mut [Resource], image: &Image, specs: &[Spec]) -> Result<(), Error> {
    set_in_containers(resources, image)?;
    set_in_fields(resources, image, specs)
}

/// Changes the images of containers, wherever those stand in an object.
pub(crate) fn set_in_containers(resources: &mut [Resource], image: &Image) -> Result<(), Error> {
    let change = Change::new(image)?;
    for resource in resources.iter_mut().filter(|resource| resource.kind() != SKIPPED) {
        in_containers(&mut resource.node, &change, DEPTH);
    }
    Ok(())
}

/// Changes the images in the fields that the specs name.
pub(crate) fn set_in_fields(resources: &mut [Resource], image: &Image, specs: &[Spec]) -> Result<(), Error> {
    let change = Change::new(image)?;
    let mut places = Places::new(specs);
    for resource in resources.iter_mut().filter(|resource| resource.kind() != SKIPPED) {
        for place in places.of(resource.gvk()) {
            place.visit(&mut resource.node, Leaf::Nothing, &mut |node| {
                change.apply(node);
                Ok(())
            })?;
        }
    }
    Ok(())
}

struct Change<'i> {
    image: &'i Image,
    matches: Regex,
}

impl<'i> Change<'i> {
    fn new(image: &'i Image) -> Result<Self, Error> {
        // The name is a pattern, as upstream takes it.
        let pattern = format!("^(?:{})(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$", image.name);
        let matches =
            Regex::new(&pattern).map_err(|err| Error::invalid(format!("image name {:?}: {err}", image.name)))?;
        Ok(Self { image, matches })
    }

    fn apply(&self, node: &mut Node) {
        let Some(text) = node.text().filter(|text| self.matches.is_match(text)) else { return };
        let (name, tag, digest) = split(text);
        let Image { name: _, new_name, tag_suffix, new_tag, digest: new_digest } = self.image;
        let name = if new_name.is_empty() { name } else { new_name };
        let (tag, digest) = match (new_tag.is_empty(), new_digest.is_empty()) {
            (false, _) => (new_tag.clone(), new_digest.as_str()),
            (true, false) => (String::new(), new_digest.as_str()),
            (true, true) if !tag_suffix.is_empty() => (format!("{tag}{tag_suffix}"), ""),
            (true, true) => (tag.to_owned(), digest),
        };
        let mut changed = name.to_owned();
        if !tag.is_empty() {
            changed = format!("{changed}:{tag}");
        }
        if !digest.is_empty() {
            changed = format!("{changed}@{digest}");
        }
        let line = node.line;
        *node = Node { line, style: node.style, ..Node::string(changed) };
    }
}

/// Name, tag and digest; a port of the registry is no tag.
fn split(image: &str) -> (&str, &str, &str) {
    let (rest, digest) = image.split_once('@').unwrap_or((image, ""));
    let after_host = rest.rfind('/').map_or(0, |at| at + 1);
    match rest[after_host..].rfind(':') {
        Some(at) => (&rest[..after_host + at], &rest[after_host + at + 1..], digest),
        None => (rest, "", digest),
    }
}

fn in_containers(node: &mut Node, change: &Change<'_>, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match &mut node.content {
        Content::Scalar(_) => {}
        Content::Sequence(items) => items.iter_mut().for_each(|item| in_containers(item, change, depth)),
        Content::Mapping(entries) => {
            for (key, value) in entries {
                if key.text().is_some_and(|key| CONTAINERS.contains(&key)) {
                    for container in value.items_mut().into_iter().flatten() {
                        if let Some(image) = container.get_mut("image") {
                            change.apply(image);
                        }
                    }
                } else {
                    in_containers(value, change, depth);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(image: &Image, text: &str) -> String {
        let mut node = Node::string(text);
        Change::new(image).unwrap().apply(&mut node);
        node.text().unwrap().to_owned()
    }

    #[test]
    fn tags_and_digests_take_each_others_place() {
        let image = |new_name: &str, new_tag: &str, digest: &str| Image {
            name: "nginx".into(),
            new_name: new_name.into(),
            new_tag: new_tag.into(),
            digest: digest.into(),
            tag_suffix: String::new(),
        };
        assert_eq!(changed(&image("", "2", ""), "nginx:1"), "nginx:2");
        assert_eq!(changed(&image("", "2", ""), "nginx@sha256:abc"), "nginx:2");
        assert_eq!(changed(&image("", "", "sha256:d"), "nginx:1"), "nginx@sha256:d");
        assert_eq!(changed(&image("example.com:5000/n", "", ""), "nginx:1"), "example.com:5000/n:1");
        assert_eq!(changed(&image("", "2", ""), "example.com/nginx:1"), "example.com/nginx:1");
        assert_eq!(split("example.com:5000/n"), ("example.com:5000/n", "", ""));
    }
}
