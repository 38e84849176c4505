//! GitRepository: a revision of a Git repository, archived and served.
//!
//! A run asks the server for the commit of the wanted reference, in one listing. Where the stored artifact is of that
//! commit and made as the spec says, that is all. Otherwise the missing objects are fetched into a store that lasts
//! between runs, signatures are verified, included artifacts are laid over the tree, and the result is streamed into a
//! new artifact. The last good artifact stays in status and in storage whatever fails.
//!
//! What it does not do: fetch Git LFS objects, keep symbolic links.

mod act;
mod archive;
mod credentials;
mod error;
mod login;
mod observe;
mod overlay;
mod plan;
mod report;
mod signature;
mod status;

use std::sync::Arc;
use std::time::Duration;

use flux_api::meta::FluxObject as _;
use flux_api::source::v1::{GitRepository, Source as _, condition};
use flux_auth::CloudSettings;
use flux_git::{Checkout, Resolved, SshAlgorithms};
use flux_runtime::{Clock, End, Facts, Fault, ObjectKey, Outcome, Reconciler, Report, Run, Store, Tokens, mask_urls};
use flux_storage::Storage;
use flux_tasks::Tasks;
use tokio::sync::Semaphore;

use crate::args::Args;
use plan::{Archive, Next};
use report::Before;
use status::Status;

/// How many servers are asked for their revision at once, for each run that may work at once.
const LISTINGS_PER_RUN: usize = 8;

/// What flags say about the kind.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    requeue_dependency: Duration,
    ssh: SshAlgorithms,
    object_level_identity: bool,
    default_service_account: String,
    clouds: CloudSettings,
    concurrent: usize,
}

impl Settings {
    /// The settings in `args`; `object_level_identity` is the gate of that name.
    pub(crate) fn new(args: &Args, object_level_identity: bool) -> Self {
        let ssh = SshAlgorithms {
            key_exchange: args.git.ssh_kex_algos.clone(),
            host_key: args.git.ssh_hostkey_algos.clone(),
        };
        Self {
            requeue_dependency: args.dependency.requeue_dependency,
            ssh,
            object_level_identity,
            default_service_account: args.service_account.default_service_account.clone(),
            clouds: args.cloud.settings(),
            concurrent: args.shared.schedule.concurrent,
        }
    }
}

/// Reconciles GitRepositories.
pub(crate) struct GitRepositoryReconciler {
    tasks: Tasks,
    storage: Arc<Storage>,
    git: flux_git::Store,
    tokens: Tokens,
    repositories: Store<GitRepository>,
    settings: Settings,
    listings: Semaphore,
}

impl GitRepositoryReconciler {
    /// A reconciler with these stores.
    pub(crate) fn new(
        tasks: Tasks,
        storage: Arc<Storage>,
        git: flux_git::Store,
        tokens: Tokens,
        repositories: Store<GitRepository>,
        settings: Settings,
    ) -> Self {
        let listings = Semaphore::new(settings.concurrent.max(1) * LISTINGS_PER_RUN);
        Self { tasks, storage, git, tokens, repositories, settings, listings }
    }

    /// Says what is being built. A failure of this generation that Ready tells of stays until the run has ended: retries
    /// do not make it flap.
    async fn building(&self, facts: &mut Facts<Status>, run: &Run<GitRepository>, message: String) {
        if report::is_failing(facts) {
            report::progressing(&mut facts.conditions, &message);
        } else {
            run.progress(facts, message).await;
        }
    }

    /// Checks signatures where the spec asks for it.
    async fn verify(
        &self,
        facts: &mut Facts<Status>,
        run: &Run<GitRepository>,
        checkout: &Checkout,
        resolved: &Resolved,
    ) -> Result<(), Fault> {
        let object = &run.object;
        let (Some(mode), Some(verify)) = (plan::verification_mode(&object.spec), &object.spec.verify) else {
            return Ok(());
        };
        let signed = signature::Signed { commit: checkout.commit(), tag: checkout.tag(), resolved };
        let verified = match self.public_keys(object, &verify.secret_ref.name, run).await {
            Ok(keys) => signature::verify(&keys, mode, &signed, run.now().as_second()),
            Err(err) => Err(err),
        };
        match verified {
            Ok(lines) => report::verified(facts, &lines),
            Err(err) => {
                report::not_verified(facts, &err);
                return Err(err.into());
            }
        }
        facts.status.source_verification_mode = Some(mode);
        Ok(())
    }
}

impl Reconciler for GitRepositoryReconciler {
    type Object = GitRepository;
    type Status = Status;

    async fn reconcile(
        &self,
        object: Arc<GitRepository>,
        facts: &mut Facts<Status>,
        run: &Run<GitRepository>,
    ) -> Result<Outcome, Fault> {
        let (spec, before) = (&object.spec, Before::of(facts));
        report::begin(facts);
        if facts.status.artifact.is_some() && object.observed_generation() != facts.conditions.generation() {
            report::new_generation(facts, object.observed_generation());
            run.save(facts).await.map_err(report::unwritten)?;
        }
        self.tend_storage(facts, run).await?;
        report::forget_verification(facts, plan::verification_mode(spec));

        let remote = self.remote(&object, run).await?;
        let includes = self.includes(&object)?;
        if plan::includes_differ(&includes.artifacts, &facts.status.included_artifacts) {
            let message = report::includes_changed(facts);
            self.building(facts, run, message).await;
        }
        facts.conditions.remove(condition::INCLUDE_UNAVAILABLE);

        let reference = plan::reference(spec.ref_.as_ref());
        let resolved = self.resolve(&remote, &reference, run).await?;
        let revision = resolved.revision();
        match plan::after_listing(spec, &facts.status, &facts.conditions, &revision, &includes.artifacts) {
            Next::Nothing => return Ok(report::unchanged(facts, &before, &revision)),
            Next::Fetch => {}
        }
        let checkout = self.fetch(&object, &remote, &resolved, &reference).await?;
        facts.conditions.remove(condition::FETCH_FAILED);
        self.verify(facts, run, &checkout, &resolved).await?;

        let commit = plan::short_subject(checkout.commit().subject());
        match plan::archive(spec, &facts.status, &revision, &includes.artifacts) {
            Archive::UpToDate => return Ok(report::up_to_date(facts, &before, &revision, &commit)),
            Archive::Write => {}
        }
        if facts.status.artifact.as_ref().is_none_or(|artifact| artifact.revision != revision) {
            let message = report::new_revision(facts, &revision);
            self.building(facts, run, message).await;
        }
        let archived = self.archive(facts, run, checkout, &resolved, includes).await;
        archived.map_err(|err| err.fault(&reference))?;
        Ok(report::stored(facts, &before, &commit))
    }

    async fn finalize(
        &self,
        object: Arc<GitRepository>,
        facts: &mut Facts<Status>,
        _run: &Run<GitRepository>,
    ) -> Result<(), Fault> {
        self.remove(&object).await?;
        self.tokens.forget(&ObjectKey::of(&*object));
        report::removed(facts);
        Ok(())
    }

    fn report(&self, _object: &GitRepository, facts: &Facts<Status>, end: &End, clock: &Clock) -> Report {
        report::report(facts, end, clock)
    }
}

/// What upstream's dashboards read of a GitRepository.
pub(crate) fn resource_info(object: &GitRepository) -> Vec<(&'static str, String)> {
    let revision = object.artifact().map(|artifact| artifact.revision.clone()).unwrap_or_default();
    vec![("revision", revision), ("url", mask_urls(&object.spec.url))]
}
