//! How waits end.

use std::fmt;

use flux_objects::ObjectId;
use flux_status::{State, Status};

/// How many objects a text lists.
const LISTED: usize = 10;
/// The longest reason of one object in a text.
const LONGEST: usize = 512;

/// An object that is not ready. Displayed as `Deployment/apps/web status: 'InProgress': Available: 1/2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unhealthy {
    /// Which object.
    pub id: ObjectId,
    /// How far it is, and why.
    pub status: Status,
    /// Which of its Pods keeps it from being ready, and why; none where it has none, or none says so.
    pub pod: Option<String>,
}

impl Unhealthy {
    /// The one reason: that of a Pod where there is one.
    pub fn reason(&self) -> String {
        match &self.pod {
            Some(pod) => pod.clone(),
            None if self.status.message.is_empty() => self.status.state.to_string(),
            None => self.status.message.clone(),
        }
    }
}

impl HealthError {
    /// The object that is to blame: the first that failed, or else the first, by name.
    pub fn blocking(&self) -> Option<&Unhealthy> {
        let (Self::Stalled(objects) | Self::Timeout(objects)) = self;
        objects.iter().min_by_key(|object| (object.status.state != State::Failed, object.id.to_string()))
    }
}

impl fmt::Display for Unhealthy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} status: '{}'", self.id, self.status.state)?;
        for text in
            [Some(&self.status.message).filter(|message| !message.is_empty()), self.pod.as_ref()].into_iter().flatten()
        {
            let text: String = text.chars().take(LONGEST).collect();
            write!(formatter, ": {text}")?;
        }
        Ok(())
    }
}

/// Why a wait ended without all objects being ready.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HealthError {
    /// Objects failed and will not get better by themselves.
    #[error("failed early due to stalled resources: [{}]", list(.0))]
    Stalled(Vec<Unhealthy>),
    /// Objects were not ready in time.
    #[error("timeout waiting for: [{}]", list(.0))]
    Timeout(Vec<Unhealthy>),
}

fn list(objects: &[Unhealthy]) -> String {
    let mut texts: Vec<String> = objects.iter().map(ToString::to_string).collect();
    texts.sort();
    let more = texts.len().saturating_sub(LISTED);
    texts.truncate(LISTED);
    if more > 0 {
        texts.push(format!("and {more} more"));
    }
    texts.join(", ")
}

/// What the states of all objects mean for the wait.
pub(super) fn verdict<'a>(
    states: &(impl Iterator<Item = (&'a ObjectId, &'a Status)> + Clone),
    fail_fast: super::FailFast,
) -> Option<Result<(), HealthError>> {
    let settled = |status: &Status| matches!(status.state, State::Current | State::Failed);
    let failed: Vec<Unhealthy> = states
        .clone()
        .filter(|(_, status)| status.state == State::Failed)
        .map(|(id, status)| Unhealthy { id: id.clone(), status: status.clone(), pod: None })
        .collect();
    let all_settled = states.clone().all(|(_, status)| settled(status));
    match (failed.is_empty(), all_settled, fail_fast) {
        (true, true, _) => Some(Ok(())),
        (false, true, _) | (false, false, super::FailFast::OnFirst) => Some(Err(HealthError::Stalled(failed))),
        (true, false, _) | (false, false, super::FailFast::WhenAllSettled) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::FailFast;
    use super::*;

    fn check(states: &[(&str, State, &str)], fail_fast: FailFast, expected: Option<Result<(), &str>>) {
        let states: Vec<(ObjectId, Status)> = states
            .iter()
            .map(|(id, state, message)| (ObjectId::parse(id).unwrap(), Status::new(*state, *message)))
            .collect();
        let found = verdict(&states.iter().map(|(id, status)| (id, status)), fail_fast);
        let found = found.map(|ended| ended.map_err(|err| err.to_string()));
        assert_eq!(found, expected.map(|ended| ended.map_err(ToOwned::to_owned)));
    }

    #[test]
    fn a_wait_ends_when_all_are_ready_or_one_failed() {
        let (web, job) = ("apps_web_apps_Deployment", "apps_init_batch_Job");
        check(&[], FailFast::OnFirst, Some(Ok(())));
        check(&[(web, State::Current, ""), (job, State::Current, "")], FailFast::OnFirst, Some(Ok(())));
        check(&[(web, State::Current, ""), (job, State::InProgress, "")], FailFast::OnFirst, None);
        check(&[(web, State::Unknown, ""), (job, State::Terminating, "")], FailFast::OnFirst, None);
        let failed = "failed early due to stalled resources: [Job/apps/init status: 'Failed': Job Failed. failed: 1/1]";
        let states = [(web, State::InProgress, ""), (job, State::Failed, "Job Failed. failed: 1/1")];
        check(&states, FailFast::OnFirst, Some(Err(failed)));
        check(&states, FailFast::WhenAllSettled, None);
        let states = [(web, State::Current, ""), (job, State::Failed, "Job Failed. failed: 1/1")];
        check(&states, FailFast::WhenAllSettled, Some(Err(failed)));
    }

    #[test]
    fn long_lists_are_sorted_and_cut() {
        let object = |number: usize| Unhealthy {
            id: ObjectId::parse(&format!("_n{number:02}__Namespace")).unwrap(),
            status: Status::new(State::InProgress, ""),
            pod: None,
        };
        let text = HealthError::Timeout((0..12).rev().map(object).collect()).to_string();
        assert!(
            text.starts_with("timeout waiting for: [Namespace/n00 status: 'InProgress', Namespace/n01 status"),
            "{text}"
        );
        assert!(text.ends_with("Namespace/n09 status: 'InProgress', and 2 more]"), "{text}");
    }
}
