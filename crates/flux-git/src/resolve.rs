//! One listing, one answer.

use std::cmp::Ordering;

use flux_semver::{Constraint, Version};
use gix_hash::ObjectId;

use crate::error::{Error, Failure};
use crate::protocol::{Advertisement, RemoteRef, list};
use crate::reference::{Reference, Resolved};
use crate::remote::Remote;
use crate::transport::{Connection, within};

/// What marks the commit behind an annotated tag.
const PEELED: &str = "^{}";

/// What the server has for `reference`, found in one listing that is filtered to it.
///
/// [`Reference::Commit`] needs no server: it resolves to itself. Of the tags that a range takes, the highest version
/// wins.
pub async fn resolve(remote: &Remote, reference: &Reference) -> Result<Resolved, Error> {
    let wanted = Wanted::parse(reference).map_err(|failure| failure.at(remote))?;
    if let Wanted::Commit { id, branch } = wanted {
        return Ok(Resolved { name: branch, full_name: None, commit: id, tag: None });
    }
    within(remote, "listing references", async {
        let prefixes = wanted.prefixes();
        let mut connection = Connection::open(remote).await?;
        let advertisement = Advertisement::read(&mut connection, &prefixes, &remote.limits).await?;
        let refs = list(&mut connection, &advertisement, &prefixes).await?;
        if let Some(resolved) = wanted.pick(&refs) {
            return Ok(resolved);
        }
        if is_empty(&mut connection, &advertisement).await? {
            return Err(Failure::EmptyRepository);
        }
        Err(wanted.missing())
    })
    .await
}

/// Whether the repository has no reference at all. A second listing, made only when the first found nothing.
async fn is_empty(connection: &mut Connection, advertisement: &Advertisement) -> Result<bool, Failure> {
    if advertisement.version < 2 {
        return Ok(!advertisement.any_ref);
    }
    Ok(list(connection, advertisement, &["refs/".to_owned()]).await?.is_empty())
}

/// A reference, read.
enum Wanted {
    /// Full name, and what the revision shows.
    Ref {
        full: String,
        shown: String,
    },
    /// Tags in a range.
    Range {
        text: String,
        range: Constraint,
    },
    Commit {
        id: ObjectId,
        branch: Option<String>,
    },
}

impl Wanted {
    fn parse(reference: &Reference) -> Result<Self, Failure> {
        Ok(match reference {
            Reference::Branch(name) => Self::Ref { full: format!("refs/heads/{name}"), shown: name.clone() },
            Reference::Tag(name) => Self::Ref { full: format!("refs/tags/{name}"), shown: name.clone() },
            Reference::Name(name) => {
                Self::Ref { full: name.strip_suffix(PEELED).unwrap_or(name).to_owned(), shown: name.clone() }
            }
            Reference::Semver(text) => {
                Self::Range { text: text.clone(), range: Constraint::parse(text).map_err(Failure::InvalidRange)? }
            }
            Reference::Commit { id, branch } => Self::Commit {
                id: ObjectId::from_hex(id.as_bytes()).map_err(|_| Failure::InvalidCommit(id.clone()))?,
                branch: branch.clone().filter(|branch| !branch.is_empty()),
            },
        })
    }

    fn prefixes(&self) -> Vec<String> {
        match self {
            Self::Ref { full, .. } => vec![full.clone()],
            Self::Range { .. } => vec!["refs/tags/".to_owned()],
            Self::Commit { .. } => Vec::new(),
        }
    }

    fn pick(&self, refs: &[RemoteRef]) -> Option<Resolved> {
        let resolved = |shown: &str, found: &RemoteRef| {
            let (commit, tag) = found.commit_and_tag();
            Resolved { name: Some(shown.to_owned()), full_name: Some(found.name.clone()), commit, tag }
        };
        match self {
            Self::Ref { full, shown } => {
                refs.iter().find(|found| found.name == *full).map(|found| resolved(shown, found))
            }
            Self::Range { range, .. } => {
                let (tag, found) = highest(range, refs)?;
                Some(resolved(tag, found))
            }
            Self::Commit { .. } => None,
        }
    }

    fn missing(&self) -> Failure {
        match self {
            Self::Ref { full, .. } => Failure::ReferenceNotFound(full.clone()),
            Self::Range { text, .. } => Failure::NoMatchingVersion(text.clone()),
            Self::Commit { id, .. } => Failure::CommitNotFound(id.to_string()),
        }
    }
}

/// The highest version in the range among the tags.
fn highest<'a>(range: &Constraint, refs: &'a [RemoteRef]) -> Option<(&'a str, &'a RemoteRef)> {
    refs.iter()
        .filter_map(|found| {
            let tag = found.name.strip_prefix("refs/tags/")?;
            let version = tag_version(tag).filter(|version| range.matches(version))?;
            Some((version, tag, found))
        })
        .max_by(|(one, one_tag, _), (other, other_tag, _)| match one.cmp(other) {
            Ordering::Equal => one_tag.cmp(other_tag),
            unequal => unequal,
        })
        .map(|(_, tag, found)| (tag, found))
}

/// The version a tag names: three numbers, after an optional `v`.
fn tag_version(tag: &str) -> Option<Version> {
    let core = tag.split(['-', '+']).next().unwrap_or_default();
    (core.split('.').count() == 3).then(|| Version::parse(tag).ok()).flatten()
}
