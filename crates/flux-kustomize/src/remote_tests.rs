//! Builds whose parts lie elsewhere.

use std::sync::Arc;

use camino::Utf8Path;
use flux_files::{Files, Memory};

use crate::{Options, Remote, RemoteError, Repository, build};

const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: far}\n";
const URL: &str = "https://git.example.com/org/repo";

/// One repository and one file.
#[derive(Debug)]
struct Elsewhere {
    kustomization: &'static str,
}

impl Remote for Elsewhere {
    fn file(&self, url: &str) -> Result<Vec<u8>, RemoteError> {
        if url == "https://example.com/x.yaml" { Ok(OBJECT.into()) } else { Err("status code 404".into()) }
    }

    fn repository(&self, repository: &Repository) -> Result<Box<dyn Files>, RemoteError> {
        if repository.url != URL {
            return Err("repository not found".into());
        }
        let mut files = Memory::new();
        files.write(Utf8Path::new("deploy/kustomization.yaml"), self.kustomization)?;
        files.write(Utf8Path::new("deploy/far.yaml"), OBJECT)?;
        Ok(Box::new(files))
    }
}

fn built(kustomization: &str, inner: &'static str) -> Result<Vec<(String, Option<String>)>, String> {
    let mut files = Memory::new();
    files.write(Utf8Path::new("k/kustomization.yaml"), kustomization).unwrap();
    let options = Options { remote: Some(Arc::new(Elsewhere { kustomization: inner })), ..Options::default() };
    let built = build(&files, Utf8Path::new("k"), &options).map_err(|err| err.chain())?;
    let told = |resource: &crate::Resource| {
        (resource.to_yaml().unwrap(), resource.origin().map(|path| path.as_str().to_owned()))
    };
    Ok(built.resources.iter().map(told).collect())
}

#[test]
fn bases_of_repositories_are_built_and_their_objects_know_where_they_lie() {
    let kustomization =
        format!("namePrefix: p-\nresources: ['{URL}//deploy?ref=v1']\nbuildMetadata: [originAnnotations]\n");
    let (text, origin) = built(&kustomization, "resources: [far.yaml]\n").unwrap().remove(0);
    assert_eq!(
        text,
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  annotations:\n    config.kubernetes.io/origin: |\n      \
         path: deploy/far.yaml\n      repo: https://git.example.com/org/repo\n      ref: v1\n  name: p-far\n"
    );
    assert_eq!(origin.as_deref(), Some("https://git.example.com/org/repo//deploy/far.yaml"));
}

#[test]
fn files_are_read_by_their_address() {
    let (text, origin) = built("resources: ['https://example.com/x.yaml']\n", "").unwrap().remove(0);
    assert!(text.contains("name: far"), "{text}");
    assert_eq!(origin.as_deref(), Some("https://example.com/x.yaml"));
}

#[test]
fn what_cannot_be_fetched_is_told() {
    let err = built("resources: ['https://example.com/org/nothing']\n", "").unwrap_err();
    assert!(err.contains("Get \"https://example.com/org/nothing\": status code 404"), "{err}");
    assert!(err.ends_with("failed to clone 'https://example.com/org/nothing': repository not found"), "{err}");
}

#[test]
fn a_repository_may_neither_be_left_nor_contain_itself() {
    let kustomization = format!("resources: ['{URL}//deploy']\n");
    let err = built(&kustomization, "resources: [../../k]\n").unwrap_err();
    assert!(err.contains("is not in or below the root"), "{err}");
    let err = built(&kustomization, "resources: ['https://git.example.com/org/repo//deploy']\n").unwrap_err();
    assert!(err.contains("cycle detected: URI"), "{err}");
}
