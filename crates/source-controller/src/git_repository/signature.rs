//! Whether a revision is signed as its object asks. Pure.

use flux_api::source::v1::git_repository::VerificationMode;
use flux_git::verify::{Keys, Signer};
use flux_git::{Commit, Resolved, Tag};

use super::error::SignatureError;
use super::report::tag_name;

/// What was fetched.
pub(super) struct Signed<'a> {
    pub(super) commit: &'a Commit,
    pub(super) tag: Option<&'a Tag>,
    pub(super) resolved: &'a Resolved,
}

/// Checks tag, commit or both at `now`, in seconds since 1970; a line for each that says who signed it.
pub(super) fn verify(
    keys: &Keys,
    mode: VerificationMode,
    signed: &Signed<'_>,
    now: i64,
) -> Result<Vec<String>, SignatureError> {
    Ok(match mode {
        VerificationMode::LegacyHead | VerificationMode::Head => vec![commit(keys, signed, now)?],
        VerificationMode::Tag => vec![tag(keys, signed, now)?],
        VerificationMode::TagAndHead => vec![tag(keys, signed, now)?, commit(keys, signed, now)?],
    })
}

fn tag(keys: &Keys, signed: &Signed<'_>, now: i64) -> Result<String, SignatureError> {
    if !signed.resolved.full_name.as_deref().is_some_and(|name| name.starts_with("refs/tags/")) {
        return Err(SignatureError::NoTag);
    }
    let tag = tag_name(signed.resolved);
    let Some(signature) = signed.tag.and_then(Tag::signed) else {
        return Err(SignatureError::UnsignedTag { tag });
    };
    match keys.verify(signature, now) {
        Ok(by) => Ok(format!("\t- tag '{tag}' with key '{}'", key(&by))),
        Err(source) => Err(SignatureError::Tag { tag, source }),
    }
}

fn commit(keys: &Keys, signed: &Signed<'_>, now: i64) -> Result<String, SignatureError> {
    let commit = signed.commit.id.to_string();
    let Some(signature) = signed.commit.signed() else {
        return Err(SignatureError::UnsignedCommit { commit });
    };
    match keys.verify(signature, now) {
        Ok(by) => Ok(format!("\t- commit '{commit}' with key '{}'", key(&by))),
        Err(source) => Err(SignatureError::Commit { commit, source }),
    }
}

fn key(signer: &Signer) -> &str {
    match signer {
        Signer::Pgp { key_id } => key_id,
        Signer::Ssh { fingerprint } => fingerprint,
    }
}
