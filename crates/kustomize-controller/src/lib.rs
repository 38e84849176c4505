//! kustomize-controller: applies what a source holds to a cluster and keeps it so.
//!
//! It reconciles `kustomize.toolkit.fluxcd.io/v1` Kustomizations, and reads the sources that they name.
//!
//! | module | what it holds |
//! |---|---|
//! | [`args`], [`features`] | flags and gates |
//! | [`watches`] | which change wakes which object |
//! | [`wakes`] | the changes themselves, from the watches |
//! | [`kustomization`] | one run: observe, build, plan, act, report |
//! | [`step`] | where tests stop a run |

pub mod args;
pub mod features;
pub mod kustomization;
pub mod step;
pub mod wakes;
pub mod watches;

use std::sync::Arc;

use flux_api::kustomize::v1::{GROUP, Kustomization};
use flux_api::source::v1::{Bucket, ExternalArtifact, GitRepository, OCIRepository};
use flux_auth::CloudSettings;
use flux_http::{Artifacts, ClientOptions, ConfigureError, FetchOptions, HostOverrides, ProxySetting, RetryPolicy};
use flux_kms::{
    AwsKms, AwsOptions, AzureKeyVault, AzureOptions, GcpKms, GcpOptions, KeyServices, ServiceError, ServiceOptions,
    VaultOptions, VaultTransit,
};
use flux_runtime::{
    Controller, FeatureGates, Identity, ObjectKey, Runtime, StartError, StopError, Tokens, UnknownGate,
};
use flux_ssa::{FailFast, Options};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use parking_lot::Mutex;
use prometheus::{IntCounterVec, Opts};
use tokio_util::sync::CancellationToken;

use args::{Args, CONTROLLER};
use kustomization::{
    Clusters, Decryption, KustomizationReconciler, Memories, Policy, Services, Settings, Sources, Watching,
};
use wakes::Wakes;
use watches::Index;

/// Under which name the controller writes status and finalizers; objects are applied under its own.
const STATUS_MANAGER: &str = "gotk-kustomize-controller";

/// How much of unpacked artifacts is kept while nobody reads them. The folder may be memory.
const IDLE_ARTIFACTS: u64 = 64 << 20;

/// Why the controller ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// `--feature-gates` names something that is no gate.
    #[error("unable to load feature gates")]
    Gates(#[from] UnknownGate),
    /// A service account for logins without the gate that allows one.
    #[error("--{flag} needs the {gate} feature gate")]
    InconsistentIdentity {
        /// The flag.
        flag: &'static str,
        /// The gate.
        gate: &'static str,
    },
    /// No client for key services.
    #[error("failed to configure the clients of key services")]
    Services(#[from] ServiceError),
    /// No folder to unpack artifacts into.
    #[error("failed to prepare the folder for artifacts")]
    Scratch(#[source] std::io::Error),
    /// No client for artifacts.
    #[error("failed to configure the client for artifacts")]
    Http(#[from] ConfigureError),
    /// A metric could not be registered.
    #[error("failed to register a metric")]
    Metric(#[from] prometheus::Error),
    /// The process could not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The process had to stop.
    #[error(transparent)]
    Stop(#[from] StopError),
}

/// Runs the controller until `stop` is cancelled or it loses its lease.
pub async fn run(args: Args, stop: CancellationToken) -> Result<(), RunError> {
    #[cfg(feature = "step-hook")]
    step::hook::set(args.steps.clone());
    let gates = FeatureGates::new(&features::GATES, &args.shared.features.feature_gates)?;
    check_identity(&args, &gates)?;
    let identity = Identity { controller: CONTROLLER, version: env!("CARGO_PKG_VERSION"), sharded: true };
    let http = ClientOptions { proxy: ProxySetting::Environment, ..ClientOptions::default() }.client()?;
    let runtime = Runtime::start(identity, &args.shared, stop).await?;
    if runtime.lead().await {
        start(&runtime, &args, &gates, http)?;
    }
    Ok(runtime.finish().await?)
}

/// Starts the watches and the reconciler.
fn start(runtime: &Runtime, args: &Args, gates: &FeatureGates, http: reqwest::Client) -> Result<(), RunError> {
    let index = Arc::new(Mutex::new(Index::default()));
    let objects = runtime.watch::<Kustomization>();
    let sources = Sources {
        git: runtime.watch_unselected::<GitRepository>(),
        oci: runtime.watch_unselected::<OCIRepository>(),
        bucket: runtime.watch_unselected::<Bucket>(),
        external: gates.enabled(features::EXTERNAL_ARTIFACT).then(|| runtime.watch_unselected::<ExternalArtifact>()),
        direct: gates.enabled(features::DIRECT_SOURCE_FETCH),
        same_namespace: args.access.no_cross_namespace_refs,
    };
    let memories = Memories::new(args.apply.drift_sweep_interval);
    let mut wakes = Wakes::new(Arc::clone(&index), &objects, memories.clone());
    wakes.sources(&sources.git);
    wakes.sources(&sources.oci);
    wakes.sources(&sources.bucket);
    if let Some(external) = &sources.external {
        wakes.sources(external);
    }
    if !gates.enabled(features::DISABLE_CONFIG_WATCHERS) {
        wakes.configs::<ConfigMap>(&runtime.watch_configs());
        wakes.configs::<Secret>(&runtime.watch_configs());
    }
    let artifacts = Artifacts::new(http.clone(), fetch_options(args), &std::env::temp_dir(), IDLE_ARTIFACTS);
    let reconciler = KustomizationReconciler {
        settings: settings(args, gates),
        sources,
        decryption: decryption(runtime, args)?,
        clusters: clusters(runtime, args, gates)?,
        http,
        artifacts: artifacts.map_err(RunError::Scratch)?,
        tasks: runtime.tasks.clone(),
        index,
        objects: objects.clone(),
        memories,
    };
    let controller = Controller {
        reconciler,
        objects,
        field_manager: STATUS_MANAGER,
        jitter_percent: args.jitter.interval_jitter_percentage,
        interrupts: gates.enabled(features::CANCEL_HEALTH_CHECK_ON_NEW_REVISION),
        info: resource_info,
    };
    runtime.reconcile(controller, wakes.stream());
    Ok(())
}

fn clusters(runtime: &Runtime, args: &Args, gates: &FeatureGates) -> Result<Clusters, RunError> {
    let polls =
        Opts::new("gotk_health_net_polls_total", "Slow reads beside the watches for health, by what they found");
    let net_polls = IntCounterVec::new(polls, &["found"])?;
    runtime.metrics.registry().register(Box::new(net_polls.clone()))?;
    let watching = Watching { tasks: runtime.tasks.clone(), net_polls };
    Ok(Clusters::new(runtime.client.clone(), apply_options(args, gates), policy(args, gates), watching))
}

/// A Secret or ConfigMap for all objects is of the controller's namespace; where that is unknown there is none, as upstream.
fn decryption(runtime: &Runtime, args: &Args) -> Result<Decryption, RunError> {
    let given = |name: &str| {
        let known = !name.is_empty() && !runtime.namespace().is_empty();
        known.then(|| ObjectKey::new(runtime.namespace(), name))
    };
    let client = ClientOptions { proxy: ProxySetting::Environment, ..ClientOptions::default() };
    let service = ServiceOptions { client: client.clone(), ..ServiceOptions::default() };
    let host_name = args.shared.watch.runtime_hostname.clone();
    let vault = VaultOptions {
        service: service.clone(),
        namespace: args.vault.vault_namespace.clone(),
        allowed: args.vault.sops_hc_vault_allowlist.clone(),
    };
    let clients = KeyServices {
        aws: AwsKms::new(AwsOptions { service: service.clone(), host_name, ..AwsOptions::default() })?,
        gcp: GcpKms::new(GcpOptions { service: service.clone(), ..GcpOptions::default() })?,
        azure: AzureKeyVault::new(AzureOptions { service, ..AzureOptions::default() })?,
        vault: VaultTransit::new(vault)?,
    };
    let CloudSettings { aws, azure, gcp } = args.cloud.settings();
    let services = Services {
        clients,
        clouds: flux_kms::CloudSettings { aws, gcp, azure, client },
        tokens: Tokens::new("Kustomization", args.token_cache, &runtime.metrics),
        default_service_account: args.remote.default_decryption_service_account.clone(),
        vault_config_map: given(&args.remote.sops_vault_configmap),
    };
    Ok(Decryption { age_secret: given(&args.remote.sops_age_secret), services })
}

/// The labels that dashboards read.
fn resource_info(object: &Kustomization) -> Vec<(&'static str, String)> {
    let revision = object.status.as_ref().and_then(|status| status.last_applied_revision.clone());
    vec![("revision", revision.unwrap_or_default()), ("source_name", object.spec.source_ref.name.clone())]
}

/// Upstream refuses to start with a default account for logins that no object may choose.
fn check_identity(args: &Args, gates: &FeatureGates) -> Result<(), RunError> {
    let gate = features::OBJECT_LEVEL_WORKLOAD_IDENTITY;
    let flags = [
        ("default-kubeconfig-service-account", &args.remote.default_kubeconfig_service_account),
        ("default-decryption-service-account", &args.remote.default_decryption_service_account),
    ];
    match flags.into_iter().find(|(_, value)| !value.is_empty()) {
        Some((flag, _)) if !gates.enabled(gate) => Err(RunError::InconsistentIdentity { flag, gate }),
        Some(_) | None => Ok(()),
    }
}

fn settings(args: &Args, gates: &FeatureGates) -> Settings {
    Settings {
        requeue_dependency: args.dependency.requeue_dependency,
        additive_dependency_check: gates.enabled(features::ADDITIVE_CEL_DEPENDENCY_CHECK),
        remote_bases: !args.apply.no_remote_bases,
        strict_substitutions: gates.enabled(features::STRICT_POST_BUILD_SUBSTITUTIONS),
        fail_fast: if gates.enabled(features::DISABLE_FAIL_FAST_BEHAVIOR) {
            FailFast::WhenAllSettled
        } else {
            FailFast::OnFirst
        },
        object_level_identity: gates.enabled(features::OBJECT_LEVEL_WORKLOAD_IDENTITY),
    }
}

fn apply_options(args: &Args, gates: &FeatureGates) -> Options {
    Options {
        concurrency: usize::from(args.apply.concurrent_ssa),
        custom_stage_kinds: args.apply.custom_apply_stage_kinds.clone(),
        override_managers: args.apply.override_manager.clone(),
        migrate_api_version: gates.enabled(features::MIGRATE_API_VERSION),
        ..Options::new(CONTROLLER, GROUP)
    }
}

fn policy(args: &Args, gates: &FeatureGates) -> Policy {
    Policy {
        exec: args.remote.insecure_kubeconfig_exec,
        insecure_tls: args.remote.insecure_kubeconfig_tls,
        default_service_account: args.service_account.default_service_account.clone(),
        default_kubeconfig_service_account: args.remote.default_kubeconfig_service_account.clone(),
        object_level_identity: gates.enabled(features::OBJECT_LEVEL_WORKLOAD_IDENTITY),
    }
}

fn fetch_options(args: &Args) -> FetchOptions {
    let given = |host: &str| (!host.is_empty()).then(|| host.to_owned());
    FetchOptions {
        retry: RetryPolicy { retries: args.fetch.http_retry, ..RetryPolicy::default() },
        hosts: HostOverrides {
            source_controller: given(&args.remote.source_controller_localhost),
            source_watcher: given(&args.remote.source_watcher_localhost),
        },
        ..FetchOptions::default()
    }
}
