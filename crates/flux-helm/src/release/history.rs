//! The revisions of one release, in whatever order a cluster lists them.

use super::{Release, Status};

/// The revisions, the oldest first.
pub fn sort_by_revision(releases: &mut [Release]) {
    releases.sort_by_key(|release| release.revision);
}

/// The newest revision.
pub fn last(releases: &[Release]) -> Option<&Release> {
    releases.iter().max_by_key(|release| release.revision)
}

/// The newest revision of this status.
pub fn last_of<'r>(releases: &'r [Release], status: &Status) -> Option<&'r Release> {
    releases.iter().filter(|release| release.info.status == *status).max_by_key(|release| release.revision)
}

/// The revision that is deployed; the newest, where several say so.
pub fn deployed(releases: &[Release]) -> Option<&Release> {
    last_of(releases, &Status::Deployed)
}

/// The revisions to delete so that `maximum` are left, the oldest first.
///
/// The one that is deployed stays, even when that leaves one more.
pub fn surplus(releases: &[Release], maximum: usize) -> Vec<i64> {
    let kept = deployed(releases).map(|release| release.revision);
    let mut revisions: Vec<i64> = releases.iter().map(|release| release.revision).collect();
    revisions.sort_unstable();
    let count = releases.len().saturating_sub(maximum);
    revisions.into_iter().filter(|revision| Some(*revision) != kept).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn releases(statuses: &[(i64, Status)]) -> Vec<Release> {
        let release = |(revision, status): &(i64, Status)| {
            let mut release = Release { revision: *revision, ..Release::default() };
            release.set_status(status.clone(), "");
            release
        };
        statuses.iter().map(release).collect()
    }

    #[test]
    fn the_newest_counts_in_any_order() {
        let releases =
            releases(&[(2, Status::Deployed), (10, Status::Failed), (9, Status::Deployed), (1, Status::Superseded)]);
        assert_eq!(last(&releases).unwrap().revision, 10);
        assert_eq!(deployed(&releases).unwrap().revision, 9);
        assert_eq!(last_of(&releases, &Status::Superseded).unwrap().revision, 1);
        assert!(last_of(&releases, &Status::PendingUpgrade).is_none());
        let mut sorted = releases;
        sort_by_revision(&mut sorted);
        assert_eq!(sorted.iter().map(|release| release.revision).collect::<Vec<_>>(), [1, 2, 9, 10]);
    }

    #[test]
    fn the_oldest_are_surplus_but_never_the_deployed_one() {
        let some = [(1, Status::Deployed), (4, Status::Failed), (2, Status::Failed), (3, Status::Failed)];
        let some = releases(&some);
        assert_eq!(surplus(&some, 2), [2, 3]);
        assert_eq!(surplus(&some, 4), [0; 0]);
        assert_eq!(surplus(&some, 0), [2, 3, 4]);
        assert_eq!(surplus(&releases(&[(1, Status::Failed), (2, Status::Failed)]), 1), [1]);
    }
}
