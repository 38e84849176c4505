//! Leader election on a Lease, by client-go's algorithm.
//!
//! Time is measured on the own clock only: a lease counts as expired when it was not seen to change for as long as it
//! says. A candidate besides watches the lease, so that a released or deleted one is taken at once.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use tokio_util::sync::CancellationToken;

use crate::Metrics;
use crate::client::ApiError;

/// How far a candidate's period is stretched at most, so that candidates do not keep step.
const JITTER: f64 = 1.2;

/// Which lease, as whom, and how long everything takes.
#[derive(Clone, Debug)]
pub struct Election {
    /// The lease's namespace.
    pub namespace: String,
    /// The lease's name.
    pub name: String,
    /// This instance.
    pub identity: String,
    /// How long a lease that is not renewed binds others.
    pub lease_duration: Duration,
    /// How long the leader tries to renew before it gives up; shorter than the lease's duration.
    pub renew_deadline: Duration,
    /// How long to wait between tries.
    pub retry_period: Duration,
    /// Whether the lease is given up when stopping.
    pub release: bool,
}

/// The lease could not be renewed in time, or somebody else has it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("lost the lease {namespace}/{name}")]
pub struct Lost {
    namespace: String,
    name: String,
}

/// One instance that wants to lead, or leads.
pub struct Candidate {
    api: Api<Lease>,
    election: Election,
    metrics: Metrics,
    observed: Mutex<Option<Observed>>,
}

#[derive(Clone)]
struct Observed {
    lease: Lease,
    at: Instant,
}

/// What a try was answered with.
#[derive(Debug)]
enum Attempt {
    /// This instance holds the lease.
    Held,
    /// Another one does.
    Taken,
    /// Somebody wrote it in between.
    Changed,
}

/// Why a try came to nothing.
#[derive(Debug, thiserror::Error)]
enum AttemptError {
    /// The API server's answer, or that there was none.
    #[error(transparent)]
    Api(ApiError),
    /// No answer came.
    #[error("API server did not answer within {0:?}")]
    Unanswered(Duration),
}

impl Candidate {
    /// A candidate that does not lead yet.
    pub fn new(client: Client, election: Election, metrics: Metrics) -> Self {
        let api = Api::namespaced(client, &election.namespace);
        metrics.leading(&election.name, false);
        Self { api, election, metrics, observed: Mutex::new(None) }
    }

    /// Waits until this instance holds the lease.
    pub async fn acquire(&self) {
        tracing::info!(lease = self.election.name, "attempting to acquire leader lease");
        let config = watcher::Config::default().fields(&format!("metadata.name={}", self.election.name));
        let changes = watcher(self.api.clone(), config).default_backoff();
        // A candidate that may not watch still has its period.
        let mut changes = Box::pin(changes.chain(futures::stream::pending()));
        loop {
            match self.attempt().await {
                Ok(Attempt::Held) => break,
                Ok(Attempt::Taken | Attempt::Changed) => {}
                Err(err) => {
                    tracing::error!(error = crate::report::message(&err), "failed to acquire leader lease");
                }
            }
            let stretch = 1.0 + JITTER * rand::random::<f64>();
            let period = tokio::time::sleep(self.election.retry_period.mul_f64(stretch));
            let mut period = std::pin::pin!(period);
            loop {
                tokio::select! {
                    () = &mut period => break,
                    change = changes.next() => if change.is_some_and(|change| change.is_ok_and(|event| frees(&event))) {
                        break;
                    },
                }
            }
        }
        self.metrics.leading(&self.election.name, true);
        tracing::info!(lease = self.election.name, "successfully acquired lease");
    }

    /// Renews the lease until `stop` is cancelled, and then releases it.
    pub async fn hold(&self, stop: CancellationToken) -> Result<(), Lost> {
        let mut renewed = Instant::now();
        loop {
            if stop.run_until_cancelled(tokio::time::sleep(self.election.retry_period)).await.is_none() {
                self.release().await;
                self.metrics.leading(&self.election.name, false);
                return Ok(());
            }
            let left = self.election.renew_deadline.saturating_sub(renewed.elapsed());
            match tokio::time::timeout(left, self.attempt()).await {
                Ok(Ok(Attempt::Held)) => {
                    renewed = Instant::now();
                    continue;
                }
                // Upstream's leader tries on until its deadline; two leaders at work are worse than none.
                Ok(Ok(Attempt::Taken)) => return Err(self.lost()),
                Ok(Ok(Attempt::Changed)) | Err(_) => {}
                Ok(Err(err)) => {
                    tracing::error!(error = crate::report::message(&err), "failed to renew leader lease");
                }
            }
            if renewed.elapsed() >= self.election.renew_deadline {
                return Err(self.lost());
            }
        }
    }

    fn lost(&self) -> Lost {
        self.metrics.leading(&self.election.name, false);
        Lost { namespace: self.election.namespace.clone(), name: self.election.name.clone() }
    }

    /// One try, which counts as unanswered after half of the renew deadline, so that a connection that went dead leaves time
    /// for another one.
    async fn attempt(&self) -> Result<Attempt, AttemptError> {
        let limit = self.election.renew_deadline / 2;
        match tokio::time::timeout(limit, self.ask()).await {
            Ok(answer) => answer.map_err(AttemptError::Api),
            Err(_) => Err(AttemptError::Unanswered(limit)),
        }
    }

    async fn ask(&self) -> Result<Attempt, ApiError> {
        let Some(mut lease) = self.api.get_opt(&self.election.name).await? else {
            let lease = Lease {
                metadata: ObjectMeta { name: Some(self.election.name.clone()), ..ObjectMeta::default() },
                spec: Some(self.spec(None, Timestamp::now())),
            };
            return self.written(self.api.create(&PostParams::default(), &lease).await);
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let seen = self.observe(&lease);
        if !self.may_take(&spec, seen.elapsed()) {
            return Ok(Attempt::Taken);
        }
        lease.spec = Some(self.spec(Some(&spec), Timestamp::now()));
        self.written(self.api.replace(&self.election.name, &PostParams::default(), &lease).await)
    }

    fn written(&self, written: Result<Lease, kube::Error>) -> Result<Attempt, ApiError> {
        match written.map_err(ApiError::from) {
            Ok(lease) => {
                self.observe(&lease);
                Ok(Attempt::Held)
            }
            Err(err) if err.is_conflict() => Ok(Attempt::Changed),
            Err(err) => Err(err),
        }
    }

    /// Since when the lease is as it is, on the own clock.
    fn observe(&self, lease: &Lease) -> Instant {
        let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        match &*observed {
            Some(known) if known.lease.spec == lease.spec => known.at,
            _ => observed.insert(Observed { lease: lease.clone(), at: Instant::now() }).at,
        }
    }

    fn may_take(&self, spec: &LeaseSpec, unchanged_for: Duration) -> bool {
        let holder = spec.holder_identity.as_deref().unwrap_or_default();
        let seconds = u64::try_from(spec.lease_duration_seconds.unwrap_or_default()).unwrap_or_default();
        holder.is_empty() || holder == self.election.identity || unchanged_for >= Duration::from_secs(seconds)
    }

    fn spec(&self, old: Option<&LeaseSpec>, now: Timestamp) -> LeaseSpec {
        let ours = old.is_some_and(|old| old.holder_identity.as_deref() == Some(&self.election.identity));
        let acquired = old.and_then(|old| old.acquire_time.clone()).filter(|_| ours);
        let transitions = old.and_then(|old| old.lease_transitions).unwrap_or_default();
        LeaseSpec {
            holder_identity: Some(self.election.identity.clone()),
            lease_duration_seconds: i32::try_from(self.election.lease_duration.as_secs()).ok(),
            acquire_time: Some(acquired.unwrap_or(MicroTime(now))),
            renew_time: Some(MicroTime(now)),
            lease_transitions: Some(if ours || old.is_none() { transitions } else { transitions.saturating_add(1) }),
            ..LeaseSpec::default()
        }
    }

    async fn release(&self) {
        if !self.election.release {
            return;
        }
        let observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(Observed { mut lease, .. }) = observed else { return };
        let Some(spec) = &mut lease.spec else { return };
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
        spec.renew_time = Some(MicroTime(Timestamp::now()));
        if let Err(err) = self.api.replace(&self.election.name, &PostParams::default(), &lease).await {
            tracing::error!(error = crate::report::message(&err), "failed to release leader lease");
        }
    }
}

/// Whether the change means that nobody holds the lease.
fn frees(event: &watcher::Event<Lease>) -> bool {
    match event {
        watcher::Event::Delete(_) => true,
        watcher::Event::Apply(lease) => {
            lease.spec.as_ref().is_none_or(|spec| spec.holder_identity.as_deref().unwrap_or_default().is_empty())
        }
        watcher::Event::Init | watcher::Event::InitApply(_) | watcher::Event::InitDone => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_try_without_an_answer_leaves_time_for_another_one() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", silent.local_addr().unwrap());
        let client = Client::try_from(kube::Config::new(address.parse().unwrap())).unwrap();
        let election = Election {
            namespace: "ns".to_owned(),
            name: "lease".to_owned(),
            identity: "one".to_owned(),
            lease_duration: Duration::from_secs(2),
            renew_deadline: Duration::from_millis(100),
            retry_period: Duration::from_millis(10),
            release: true,
        };
        let candidate = Candidate::new(client, election, Metrics::new());
        let tried = tokio::time::timeout(Duration::from_secs(10), candidate.attempt()).await.unwrap();
        assert_eq!(tried.unwrap_err().to_string(), "API server did not answer within 50ms");
    }
}
