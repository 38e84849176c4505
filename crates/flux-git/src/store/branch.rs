//! Whether a commit is on a branch.

use std::collections::HashSet;

use gix_hash::ObjectId;
use gix_object::{CommitRefIter, Kind};

use super::Scratch;
use super::fetch::{Session, blocking, past};
use super::objects::Objects;
use super::repository::Extent;
use crate::error::Failure;
use crate::protocol::Filter;

impl Session<'_> {
    /// Fails unless the branch leads to the commit. Where the server lets us, its commits are fetched without their files;
    /// else all of the branch is.
    pub(super) async fn check_branch(&mut self, branch: &str, commit: ObjectId) -> Result<(), Failure> {
        let tip = self.tip(branch).await?;
        if tip == commit {
            return Ok(());
        }
        let remote = self.remote;
        let (connection, advertisement) = self.connection().await?;
        let on_branch = if advertisement.version == 2 && advertisement.can("filter") {
            let scratch = Scratch::fetch(connection, advertisement, &past(vec![tip], Filter::NoTrees), remote).await?;
            self.used = true;
            // What came is what the branch leads to, and nothing else.
            scratch.reader().has(&commit)
        } else {
            self.pack(&past(vec![tip], Filter::Everything)).await?;
            let objects = self.objects()?;
            let found = blocking(move || leads_to(&objects, tip, commit)).await?;
            if found {
                self.record(commit, Extent::History)?;
            }
            found
        };
        if on_branch { Ok(()) } else { Err(Failure::CommitNotFound(commit.to_string())) }
    }
}

/// Whether `wanted` is among the ancestors of `tip`, which are all there.
fn leads_to(objects: &Objects, tip: ObjectId, wanted: ObjectId) -> Result<bool, Failure> {
    let mut reader = objects.reader();
    let (mut seen, mut open) = (HashSet::from([tip]), vec![tip]);
    while let Some(id) = open.pop() {
        if id == wanted {
            return Ok(true);
        }
        let parents = CommitRefIter::from_bytes(reader.read(&id, Kind::Commit)?, id.kind());
        open.extend(parents.parent_ids().filter(|parent| seen.insert(*parent)));
    }
    Ok(false)
}
