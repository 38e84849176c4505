//! One listing, one answer.

use flux_semver::{Constraint, Version};
use gix_hash::ObjectId;
use gix_object::Kind;

use crate::commit::Commit;
use crate::error::{Error, Failure, sanitize};
use crate::protocol::{Advertisement, Depth, FetchRequest, Filter, RemoteRef, greet, list};
use crate::reference::{Reference, Resolved};
use crate::remote::Remote;
use crate::store::Scratch;
use crate::transport::{Connection, within};

/// What marks the commit behind an annotated tag.
const PEELED: &str = "^{}";
/// The longest name of a reference that is asked for; Git itself stops where file systems do.
const MAX_NAME: usize = 4096;
/// Tags of equal versions whose commits are compared.
const MAX_TIES: usize = 16;

/// What the server has for `reference`, found in one listing that is filtered to it.
///
/// [`Reference::Commit`] needs no server: it resolves to itself. Of the tags that a range takes, the highest version
/// wins; of equal versions (`1.0.0+a` and `1.0.0+b`) the one with the youngest commit where the server lets us ask for
/// commits alone, else the last by name.
pub async fn resolve(remote: &Remote, reference: &Reference) -> Result<Resolved, Error> {
    let wanted = Wanted::parse(reference).map_err(|failure| failure.at(remote))?;
    if let Wanted::Commit { id, branch } = wanted {
        return Ok(Resolved { name: branch, full_name: None, commit: id, tag: None });
    }
    within(remote, "listing references", async {
        let prefixes = wanted.prefixes();
        let (mut connection, advertisement) = greet(remote, &prefixes).await?;
        let refs = list(&mut connection, &advertisement, &prefixes).await?;
        let mut candidates = wanted.candidates(&refs);
        if candidates.len() > 1 && advertisement.version == 2 && advertisement.can("filter") {
            sort_by_age(&mut candidates, connection, &advertisement, remote).await?;
        } else if candidates.is_empty() {
            let empty = is_empty(&mut connection, &advertisement).await?;
            return Err(if empty { Failure::EmptyRepository } else { wanted.missing() });
        }
        candidates.pop().ok_or_else(|| wanted.missing())
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
            Reference::Branch(name) => Self::by_name(format!("refs/heads/{name}"), name)?,
            Reference::Tag(name) => Self::by_name(format!("refs/tags/{name}"), name)?,
            Reference::Name(name) => Self::by_name(name.strip_suffix(PEELED).unwrap_or(name).to_owned(), name)?,
            Reference::Semver(text) => {
                Self::Range { text: text.clone(), range: Constraint::parse(text).map_err(Failure::InvalidRange)? }
            }
            Reference::Commit { id, branch } => Self::Commit {
                id: ObjectId::from_hex(id.as_bytes()).map_err(|_| Failure::InvalidCommit(id.clone()))?,
                branch: branch.clone().filter(|branch| !branch.is_empty()),
            },
        })
    }

    /// A reference that the server may have: names with spaces or control characters exist nowhere.
    fn by_name(full: String, shown: &str) -> Result<Self, Failure> {
        if full.len() > MAX_NAME || full.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(Failure::ReferenceNotFound(sanitize(&full)));
        }
        Ok(Self::Ref { full, shown: shown.to_owned() })
    }

    fn prefixes(&self) -> Vec<String> {
        match self {
            Self::Ref { full, .. } => vec![full.clone()],
            Self::Range { .. } => vec!["refs/tags/".to_owned()],
            Self::Commit { .. } => Vec::new(),
        }
    }

    /// What fits equally well, by name; several only where tags of a range are equal versions of different commits.
    fn candidates(&self, refs: &[RemoteRef]) -> Vec<Resolved> {
        let resolved = |shown: &str, found: &RemoteRef| {
            let (commit, tag) = found.commit_and_tag();
            Resolved { name: Some(shown.to_owned()), full_name: Some(found.name.clone()), commit, tag }
        };
        match self {
            Self::Ref { full, shown } => {
                refs.iter().filter(|found| found.name == *full).take(1).map(|found| resolved(shown, found)).collect()
            }
            Self::Range { range, .. } => {
                let mut best: Vec<Resolved> = highest(range, refs).map(|(tag, found)| resolved(tag, found)).collect();
                best.sort_by(|one, other| one.name.cmp(&other.name));
                if best.iter().all(|one| one.commit == best[0].commit) {
                    best.drain(..best.len().saturating_sub(1));
                }
                best.truncate(MAX_TIES);
                best
            }
            Self::Commit { .. } => Vec::new(),
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

/// The tags with the highest version in the range.
fn highest<'a>(range: &Constraint, refs: &'a [RemoteRef]) -> impl Iterator<Item = (&'a str, &'a RemoteRef)> {
    let mut best: Option<Version> = None;
    let mut tags = Vec::new();
    for found in refs {
        let Some(tag) = found.name.strip_prefix("refs/tags/") else { continue };
        let Some(version) = tag_version(tag).filter(|version| range.matches(version)) else { continue };
        if best.as_ref().is_none_or(|best| version > *best) {
            tags.clear();
            best = Some(version.clone());
        }
        if best.as_ref() == Some(&version) {
            tags.push((tag, found));
        }
    }
    tags.into_iter()
}

/// The version a tag names: three numbers, after an optional `v`.
fn tag_version(tag: &str) -> Option<Version> {
    let core = tag.split(['-', '+']).next().unwrap_or_default();
    (core.split('.').count() == 3).then(|| Version::parse(tag).ok()).flatten()
}

/// Sorts by the commits' time, after asking for the commits alone.
async fn sort_by_age(
    candidates: &mut [Resolved],
    mut connection: Connection,
    advertisement: &Advertisement,
    remote: &Remote,
) -> Result<(), Failure> {
    let request = FetchRequest {
        wants: candidates.iter().map(|candidate| candidate.commit).collect(),
        haves: Vec::new(),
        shallow: Vec::new(),
        depth: Depth::One,
        filter: Filter::NoTrees,
    };
    let scratch = Scratch::fetch(&mut connection, advertisement, &request, remote).await?;
    let mut reader = scratch.reader();
    let mut ages = Vec::new();
    for candidate in &*candidates {
        let commit = Commit::parse(candidate.commit, reader.read(&candidate.commit, Kind::Commit)?);
        ages.push((candidate.commit, commit.map(|commit| commit.committer.seconds).unwrap_or_default()));
    }
    let age = |id: ObjectId| ages.iter().find(|(commit, _)| *commit == id).map(|(_, seconds)| *seconds);
    candidates.sort_by_key(|candidate| age(candidate.commit));
    Ok(())
}
