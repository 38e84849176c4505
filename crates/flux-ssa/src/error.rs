//! What API servers answer, in words that name the object and show no secret.

use std::error::Error;

use flux_objects::{Manifest, ObjectId, mask_text};
use kube::core::Status;

use crate::{DiscoveryError, Failures};

/// The longest text of one failure; API servers repeat whole objects in some of theirs.
const LONGEST: usize = 4096;

/// Why a request failed, as the API server says it; without its Debug form, and without a Secret's data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiFailure {
    /// The HTTP status; 0 when there was no answer.
    pub code: u16,
    /// The API server's reason, for example `Invalid`; empty when it gave none.
    pub reason: String,
    /// What is wrong; for `Invalid` all fields that are.
    pub message: String,
    /// Whether other field managers own what was to be changed.
    pub manager_conflict: bool,
}

impl ApiFailure {
    /// The failure of a request about `manifest`.
    pub(crate) fn about(manifest: &Manifest, err: kube::Error) -> Self {
        let failure = Self::from(err);
        let message = mask_text(&failure.message, manifest).into_owned();
        Self { message, ..failure }
    }

    /// Whether there is no such object, namespace or kind.
    pub fn is_not_found(&self) -> bool {
        self.code == 404
    }

    /// Whether the identity may not do this.
    pub fn is_forbidden(&self) -> bool {
        self.code == 403
    }

    /// Whether somebody else changed the object meanwhile, or owns its fields.
    pub fn is_conflict(&self) -> bool {
        self.code == 409
    }

    /// Whether the API server has too much to do just now.
    pub fn is_overload(&self) -> bool {
        self.code == 429
    }

    /// Whether there was no answer at all, so that other requests will fail too.
    pub fn is_unreachable(&self) -> bool {
        self.code == 0
    }

    /// Whether deleting the object and creating it again may help.
    pub(crate) fn is_immutable(&self) -> bool {
        let conflict = self.reason == "Conflict";
        let invalid = self.reason == "Invalid";
        conflict || invalid || self.message.contains("is immutable") || self.message.contains("immutable field")
    }
}

impl From<kube::Error> for ApiFailure {
    fn from(err: kube::Error) -> Self {
        match err {
            kube::Error::Api(status) => Self::from(*status),
            kube::Error::Service(err) => Self::silent("API server cannot be reached", &*err),
            kube::Error::HyperError(err) => Self::silent("connection to the API server broke", &err),
            kube::Error::ReadEvents(err) => Self::silent("connection to the API server broke", &err),
            kube::Error::Auth(err) => Self::silent("failed to authenticate to the API server", &err),
            kube::Error::SerdeError(_) => Self::plain("API server answered with what is not JSON".to_owned()),
            kube::Error::BuildRequest(err) => Self::plain(err.to_string()),
            err => Self::plain(err.to_string()),
        }
    }
}

impl From<Status> for ApiFailure {
    fn from(status: Status) -> Self {
        let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
        let manager_conflict = causes.iter().any(|cause| cause.reason == "FieldManagerConflict");
        let message = if status.message.is_empty() { format!("HTTP status {}", status.code) } else { status.message };
        Self { code: status.code, reason: status.reason, message: shorten(message), manager_conflict }
    }
}

impl ApiFailure {
    fn plain(message: String) -> Self {
        Self { code: 0, reason: String::new(), message: shorten(message), manager_conflict: false }
    }

    /// `text` and the last cause, which is the one that says what happened.
    fn silent(text: &str, err: &(dyn Error + 'static)) -> Self {
        let mut last = err;
        while let Some(cause) = last.source() {
            last = cause;
        }
        Self::plain(format!("{text}: {last}"))
    }
}

fn shorten(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Why a stage was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Objects that the dry run refused; nothing of their stage was written.
    #[error("{0}")]
    DryRun(Failures),
    /// An object that passed the dry run and was refused then; those before it are applied.
    #[error("{id} apply failed")]
    Apply {
        /// The object.
        id: ObjectId,
        /// The API server's answer.
        #[source]
        source: ApiFailure,
    },
    /// Other managers' fields or annotations could not be taken over.
    #[error("{id} metadata.managedFields cleanup failed")]
    Cleanup {
        /// The object.
        id: ObjectId,
        /// The API server's answer.
        #[source]
        source: ApiFailure,
    },
    /// An object with a changed immutable field could not be deleted.
    #[error("{id} immutable field detected, failed to delete object")]
    Recreate {
        /// The object.
        id: ObjectId,
        /// The API server's answer.
        #[source]
        source: ApiFailure,
    },
    /// An object with a changed immutable field was deleted and is still there, held by finalizers.
    #[error("{id} immutable field detected, failed to wait for object to be deleted: it is still there")]
    StillThere {
        /// The object.
        id: ObjectId,
    },
}

/// What a dry run says about one object.
pub(crate) fn dry_run_text(id: &ObjectId, failure: &ApiFailure) -> String {
    if failure.is_not_found() {
        return format!("{id} not found: {failure}");
    }
    let reason = if failure.manager_conflict { "FieldManagerConflict" } else { failure.reason.as_str() };
    if reason.is_empty() {
        format!("{id} dry-run failed: {failure}")
    } else {
        format!("{id} dry-run failed ({reason}): {failure}")
    }
}

/// What is wrong with an object whose kind cannot be looked up.
pub(crate) fn discovery_text(id: &ObjectId, err: &DiscoveryError) -> String {
    match err {
        DiscoveryError::NoMatch { .. } => format!("{id} dry-run failed: {err}"),
        DiscoveryError::Api { source, .. } => format!("{id} dry-run failed: {err}: {source}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(code: u16, reason: &str, message: &str) -> Status {
        Status::failure(message, reason).with_code(code)
    }

    fn id() -> ObjectId {
        ObjectId::parse("apps_web_apps_Deployment").unwrap()
    }

    #[test]
    fn a_dry_run_failure_names_the_object_and_the_reason() {
        let check = |failure: ApiFailure, expected: &str| assert_eq!(dry_run_text(&id(), &failure), expected);
        check(
            status(422, "Invalid", "x is invalid").into(),
            "Deployment/apps/web dry-run failed (Invalid): x is invalid",
        );
        check(
            status(404, "NotFound", r#"namespaces "apps" not found"#).into(),
            r#"Deployment/apps/web not found: namespaces "apps" not found"#,
        );
        check(status(500, "", "").into(), "Deployment/apps/web dry-run failed: HTTP status 500");
        let details = json!({"causes": [{"reason": "FieldManagerConflict", "message": "", "field": ".data"}]});
        let details = serde_json::from_value(details).unwrap();
        check(
            status(409, "Conflict", "conflict with \"x\"").with_details(details).into(),
            "Deployment/apps/web dry-run failed (FieldManagerConflict): conflict with \"x\"",
        );
    }

    #[test]
    fn immutability_is_told_by_reason_or_text() {
        let check = |reason: &str, message: &str, expected: bool| {
            assert_eq!(ApiFailure::from(status(400, reason, message)).is_immutable(), expected, "{reason} {message}");
        };
        check("Invalid", "", true);
        check("Conflict", "", true);
        check("Forbidden", "spec is immutable after creation", true);
        check("BadRequest", "changed an immutable field", true);
        check("Forbidden", "not yours", false);
    }

    #[test]
    fn a_failure_about_a_secret_shows_none_of_its_data() {
        let secret = Manifest::new(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"},
            "stringData": {"password": "hunter22"}}));
        let err = kube::Error::Api(Box::new(status(422, "Invalid", r#"data: Invalid value: "hunter22": no"#)));
        assert_eq!(ApiFailure::about(&secret.unwrap(), err).message, "data: Invalid value: *****: no");
    }

    #[test]
    fn long_texts_are_cut() {
        let failure = ApiFailure::from(status(400, "BadRequest", &"ä".repeat(LONGEST)));
        assert!(failure.message.len() <= LONGEST + '…'.len_utf8());
    }
}
