//! A user's patches and images, as a kustomization of their own over the rendered objects.

use camino::Utf8Path;
use flux_files::Memory;
use flux_kustomize::flux::{Image, Patch, Selector};
use flux_kustomize::{Error, Options};
use serde_json::{Value, json};

/// What the kustomization names the rendered objects.
const INPUT: &str = "helm-output.yaml";

/// Patches and images, applied as one kustomization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kustomize {
    /// Patches, in order.
    pub patches: Vec<Patch>,
    /// Images to put in the place of others.
    pub images: Vec<Image>,
}

impl Kustomize {
    /// The objects of the stream with the patches and images applied.
    pub(super) fn build(&self, stream: &str) -> Result<String, Error> {
        let mut files = Memory::new();
        files.write(Utf8Path::new(INPUT), stream)?;
        files.write(Utf8Path::new("kustomization.yaml"), self.kustomization().to_string())?;
        flux_kustomize::build(&files, Utf8Path::new(""), &Options::default())?.to_yaml()
    }

    fn kustomization(&self) -> Value {
        json!({
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [INPUT],
            "images": self.images.iter().map(image).collect::<Vec<_>>(),
            "patches": self.patches.iter().map(patch).collect::<Vec<_>>(),
        })
    }
}

fn image(image: &Image) -> Value {
    let Image { name, new_name, new_tag, digest } = image;
    json!({"name": name, "newName": new_name, "newTag": new_tag, "digest": digest})
}

fn patch(patch: &Patch) -> Value {
    match &patch.target {
        None => json!({"patch": patch.patch}),
        Some(target) => {
            let Selector { group, version, kind, name, namespace, label_selector, annotation_selector } = target;
            json!({
                "patch": patch.patch,
                "target": {
                    "group": group,
                    "version": version,
                    "kind": kind,
                    "name": name,
                    "namespace": namespace,
                    "labelSelector": label_selector,
                    "annotationSelector": annotation_selector,
                },
            })
        }
    }
}
