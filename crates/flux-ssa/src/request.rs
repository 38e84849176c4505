//! Requests for objects of any kind, answered as manifests.

use kube::Client;
use kube::core::Request;
use kube::core::params::{DeleteParams, GetParams, Patch, PatchParams, Preconditions, PropagationPolicy};
use serde_json::Value;

use flux_objects::Manifest;

use crate::{ApiFailure, Resolved};

/// Where one object is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) resolved: &'a Resolved,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

/// Whether a patch is written or only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    DryRun,
    Write,
}

impl Place<'_> {
    fn request(&self) -> Request {
        Request::new(self.resolved.path(self.namespace))
    }
}

/// The object, or none when there is no such object, namespace or kind.
pub(crate) async fn get(client: &Client, place: Place<'_>) -> Result<Option<Manifest>, ApiFailure> {
    let request = place.request().get(place.name, &GetParams::default()).map_err(kube::Error::BuildRequest)?;
    match client.request::<Value>(request).await.map_err(ApiFailure::from) {
        Ok(value) => manifest(value).map(Some),
        Err(failure) if failure.is_not_found() => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Applies `payload` server-side, taking over fields of other managers.
pub(crate) async fn apply(
    client: &Client,
    place: Place<'_>,
    payload: &Manifest,
    manager: &str,
    mode: Mode,
) -> Result<Manifest, ApiFailure> {
    let about = |err| ApiFailure::about(payload, err);
    let params = PatchParams { dry_run: mode == Mode::DryRun, ..PatchParams::apply(manager).force() };
    let request = place.request().patch(place.name, &params, &Patch::Apply(payload));
    let request = request.map_err(kube::Error::BuildRequest).map_err(about)?;
    let value = client.request::<Value>(request).await.map_err(about)?;
    manifest(value)
}

/// Applies a JSON patch.
pub(crate) async fn patch(
    client: &Client,
    place: Place<'_>,
    patch: json_patch::Patch,
    manager: &str,
) -> Result<Manifest, ApiFailure> {
    let params = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
    let request = place.request().patch(place.name, &params, &Patch::<()>::Json(patch));
    let value = client.request::<Value>(request.map_err(kube::Error::BuildRequest)?).await?;
    manifest(value)
}

/// What is left of an object after its deletion was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Nothing.
    Nothing,
    /// It is still there, and goes when its finalizers, or what it does at its end, let it.
    Terminating,
}

/// Deletes the object with that uid in the background; one that is gone counts as deleted. A conflict says that the object is
/// another one now.
pub(crate) async fn delete(client: &Client, place: Place<'_>, uid: &str) -> Result<Left, ApiFailure> {
    let params = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Background),
        preconditions: Some(Preconditions { uid: Some(uid.to_owned()), resource_version: None }),
        ..DeleteParams::default()
    };
    let request = place.request().delete(place.name, &params).map_err(kube::Error::BuildRequest)?;
    match client.request::<Value>(request).await.map_err(ApiFailure::from) {
        Ok(answer) => Ok(left(&answer)),
        Err(failure) if failure.is_not_found() => Ok(Left::Nothing),
        Err(failure) => Err(failure),
    }
}

/// API servers answer with a status where the object is gone, and for some kinds with the object as it was then.
fn left(answer: &Value) -> Left {
    if answer["metadata"]["deletionTimestamp"].is_string() { Left::Terminating } else { Left::Nothing }
}

fn manifest(value: Value) -> Result<Manifest, ApiFailure> {
    let malformed = |err: flux_objects::ManifestError| ApiFailure {
        code: 0,
        reason: String::new(),
        message: format!("API server answered with a malformed object: {err}"),
        manager_conflict: false,
    };
    Manifest::new(value).map_err(malformed)
}
