//! What a run reads before it decides: the source, the dependencies, the artifact, the variables.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use flux_api::kustomize::v1::Kustomization;
use flux_api::kustomize::v1::kustomization::{SourceKind, SubstituteKind, SubstituteReference};
use flux_api::meta::Artifact;
use flux_api::source::v1::{self, Bucket, ExternalArtifact, GitRepository, OCIRepository};
use flux_files::{Directory, Files as _, FilesError, Kind, ReadLog, Recorded};
use flux_http::{Artifacts, Unpacked};
use flux_runtime::{Kept, ObjectKey, ReadError, Run, Store};
use flux_tasks::Tasks;
use kube::{Api, Client};
use serde::de::DeserializeOwned;

use super::error::{ArtifactError, DependencyError, SourceError, VariableError};
use super::variables::Variables;
use super::{build, dependencies, plan};
use crate::watches::Referent;

/// The annotation by which an artifact names the revision that it was made from.
const ORIGIN: &str = "org.opencontainers.image.revision";

/// The sources that a controller watches, to read them without a request.
#[derive(Clone)]
pub struct Sources {
    /// All GitRepositories.
    pub git: Store<GitRepository>,
    /// All OCIRepositories.
    pub oci: Store<OCIRepository>,
    /// All Buckets.
    pub bucket: Store<Bucket>,
    /// All ExternalArtifacts; none when their gate is off.
    pub external: Option<Store<ExternalArtifact>>,
    /// Whether sources are read from the API server all the same.
    pub direct: bool,
    /// Whether sources of other namespaces are refused.
    pub same_namespace: bool,
}

/// The source of a run, with an artifact.
#[derive(Clone, Debug)]
pub struct Source {
    /// What to fetch.
    pub artifact: Artifact,
    /// The revision of what the artifact was made from.
    pub origin: Option<String>,
}

impl Source {
    /// The artifact's revision.
    pub fn revision(&self) -> &str {
        &self.artifact.revision
    }
}

impl Sources {
    /// The object's source as it is now, if the object may use it; none while it has no artifact.
    pub async fn of(&self, object: &Kustomization, client: &Client) -> Result<Option<Source>, SourceError> {
        let source_ref = plan::source(object);
        let denied = |why: &str| Err(SourceError::AccessDenied { source_ref: source_ref.clone(), why: why.to_owned() });
        if self.same_namespace && source_ref.key.namespace != ObjectKey::of(object).namespace {
            return denied("cross-namespace references have been blocked");
        }
        let artifact = match (object.spec.source_ref.kind, &self.external) {
            (SourceKind::GitRepository, _) => self.read(&self.git, client, &source_ref, v1::Source::artifact).await,
            (SourceKind::OCIRepository, _) => self.read(&self.oci, client, &source_ref, v1::Source::artifact).await,
            (SourceKind::Bucket, _) => self.read(&self.bucket, client, &source_ref, v1::Source::artifact).await,
            (SourceKind::ExternalArtifact, Some(store)) => {
                self.read(store, client, &source_ref, v1::Source::artifact).await
            }
            (SourceKind::ExternalArtifact, None) => return denied("ExternalArtifact feature gate is disabled"),
        };
        Ok(artifact?.map(|artifact| {
            let metadata = artifact.metadata.as_ref();
            let origin =
                metadata.and_then(|metadata| metadata.get(ORIGIN)).filter(|origin| !origin.is_empty()).cloned();
            Source { artifact, origin }
        }))
    }

    /// What the watch has, or what the API server says where the watch has nothing.
    async fn read<K: Kept + DeserializeOwned>(
        &self,
        store: &Store<K>,
        client: &Client,
        source_ref: &Referent,
        artifact: impl Fn(&K) -> Option<&Artifact>,
    ) -> Result<Option<Artifact>, SourceError> {
        let key = &source_ref.key;
        if let Some(known) = store.get(key).filter(|_| !self.direct) {
            return Ok(artifact(&known).cloned());
        }
        let read = Api::<K>::namespaced(client.clone(), &key.namespace).get(&key.name).await;
        match read.map_err(flux_runtime::client::ApiError::from) {
            Ok(source) => Ok(artifact(&source).cloned()),
            Err(cause) if cause.is_not_found() => Err(SourceError::NotFound(cause)),
            Err(cause) => Err(SourceError::Unreadable { key: key.clone(), cause }),
        }
    }
}

/// Reads each dependency from the API server and returns when all let `object` proceed to `revision`.
pub(super) async fn dependencies(
    object: &Kustomization,
    revision: &str,
    additive: bool,
    client: &Client,
) -> Result<(), DependencyError> {
    for reference in &object.spec.depends_on {
        let own = ObjectKey::of(object).namespace;
        let name = ObjectKey::new(reference.namespace.clone().unwrap_or(own), reference.name.clone());
        let api: Api<Kustomization> = Api::namespaced(client.clone(), &name.namespace);
        let dependency =
            api.get(&name.name).await.map_err(|err| DependencyError::NotFound { name, cause: err.into() })?;
        dependencies::check(object, &dependency, reference, revision, additive)?;
    }
    Ok(())
}

/// An unpacked artifact as one object reads it.
pub(super) struct Tree {
    unpacked: Arc<Unpacked>,
    /// The directory that `spec.path` names, from the root.
    pub directory: Utf8PathBuf,
    /// What was asked of the files.
    pub log: ReadLog,
}

impl Tree {
    /// The object's path in an unpacked artifact.
    pub(super) async fn of(
        object: &Kustomization,
        unpacked: Arc<Unpacked>,
        tasks: &Tasks,
    ) -> Result<Self, ArtifactError> {
        let directory = build::directory(object.spec.path.as_deref());
        let found = tasks.blocking(move || {
            let tree = Self { unpacked, directory, log: ReadLog::default() };
            match tree.files()?.kind(&tree.directory)? {
                Kind::Directory => Ok(tree),
                Kind::File => Err(FilesError::NotADirectory(tree.directory.clone())),
            }
        });
        found.await.map_err(ArtifactError::Cut)?.map_err(ArtifactError::Path)
    }

    /// The files of the artifact; what is asked of them is logged.
    pub(super) fn files(&self) -> Result<Recorded<Directory>, FilesError> {
        Ok(Recorded::new(self.open()?, self.log.clone()))
    }

    /// The files of the artifact, for questions that do not count.
    pub(super) fn open(&self) -> Result<Directory, FilesError> {
        let root = self.unpacked.path();
        let root = Utf8Path::from_path(root).ok_or_else(|| FilesError::NotUtf8(root.display().to_string().into()))?;
        Directory::open(root)
    }
}

/// The unpacked `artifact`, shared with all others who read it.
pub(super) async fn artifact(artifact: &Artifact, artifacts: &Artifacts) -> Result<Arc<Unpacked>, ArtifactError> {
    artifacts.get(artifact).await.map_err(|err| match err {
        err if err.is_about_folder() => ArtifactError::Directory(err),
        err => ArtifactError::Fetch(err),
    })
}

/// The variables of `spec.postBuild`: those of ConfigMaps and Secrets in order, then those of the spec itself.
pub(super) async fn variables(object: &Kustomization, run: &Run<Kustomization>) -> Result<Variables, VariableError> {
    let Some(post_build) = &object.spec.post_build else { return Ok(Variables::default()) };
    let namespace = ObjectKey::of(object).namespace;
    let mut layers = Vec::with_capacity(post_build.substitute_from.len() + 1);
    for reference in &post_build.substitute_from {
        match layer(&namespace, reference, run).await {
            Ok(layer) => layers.push(layer),
            Err(err) if err.is_not_found() && reference.optional => {}
            Err(err) => {
                let (kind, name) = (dependencies::config_kind(reference.kind).to_owned(), reference.name.clone());
                return Err(VariableError::Unreadable { kind, name, cause: Box::new(err) });
            }
        }
    }
    layers.push(post_build.substitute.clone());
    Variables::merge(layers)
}

async fn layer(
    namespace: &str,
    reference: &SubstituteReference,
    run: &Run<Kustomization>,
) -> Result<BTreeMap<String, String>, ReadError> {
    match reference.kind {
        SubstituteKind::ConfigMap => run.config_map(namespace, &reference.name).await,
        SubstituteKind::Secret => {
            let secret = run.secret(namespace, &reference.name).await?;
            // A value that is no text cannot stand in YAML; it only matters where a manifest names it.
            let text = |(key, value): (&str, &[u8])| (key.to_owned(), String::from_utf8_lossy(value).into_owned());
            Ok(secret.iter().map(text).collect())
        }
    }
}
