//! Turns Git repositories into versioned artifacts and serves them.
//!
//! [`run`] watches GitRepository objects. Each run looks up the wanted reference, fetches what is missing into a local
//! object store, verifies signatures, and streams the tree into a tar.gz below the storage path, from where
//! [`flux_storage::serve`] hands it to the other controllers. Only the leader reconciles and serves.
//!
//! | module | what it is |
//! |---|---|
//! | [`args`], [`features`] | flags and gates |
//! | `watches` | which change wakes which object |
//! | `git_repository` | the kind: observe, plan, act, report |

pub mod args;
pub mod features;
mod git_repository;
mod watches;

use std::sync::Arc;

use flux_api::source::v1::GitRepository;
use flux_runtime::{Controller, FeatureGates, Identity, Runtime, Store, Tokens};
use flux_storage::{AdvertisedAddress, Retention, ServerOptions, Storage, serve};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use args::{Args, CONTROLLER, StorageArgs};
use git_repository::{GitRepositoryReconciler, Settings};

/// Why the controller ended other than by being told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A flag names an unknown gate.
    #[error(transparent)]
    Gates(#[from] flux_runtime::UnknownGate),
    /// `--default-service-account` without the gate that allows it.
    #[error("inconsistent object level configuration: --default-service-account needs the feature gate {gate}")]
    ServiceAccount {
        /// The gate.
        gate: &'static str,
    },
    /// The storage path is unusable.
    #[error("failed to open the artifact storage")]
    Storage(#[from] flux_storage::StorageError),
    /// The Git store lies where artifacts are served.
    #[error("--git-store-path \"{path}\" must not be inside --storage-path, whose content is served")]
    GitStorePath {
        /// The path.
        path: camino::Utf8PathBuf,
    },
    /// The process could not start.
    #[error(transparent)]
    Start(#[from] flux_runtime::StartError),
    /// The artifact server's address is taken or is none.
    #[error("failed to serve artifacts at \"{address}\"")]
    Listen {
        /// The address.
        address: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The process ended by itself.
    #[error(transparent)]
    Stop(#[from] flux_runtime::StopError),
}

/// Runs the controller until `stop` is cancelled or it can go on no longer.
pub async fn run(args: Args, stop: CancellationToken) -> Result<(), RunError> {
    let gates = FeatureGates::new(&features::GATES, &args.shared.features.feature_gates)?;
    let object_level_identity = gates.enabled(features::OBJECT_LEVEL_WORKLOAD_IDENTITY);
    if !args.service_account.default_service_account.is_empty() && !object_level_identity {
        return Err(RunError::ServiceAccount { gate: features::OBJECT_LEVEL_WORKLOAD_IDENTITY });
    }
    let identity = Identity { controller: CONTROLLER, version: env!("CARGO_PKG_VERSION"), sharded: true };
    let runtime = Runtime::start(identity, &args.shared, stop).await?;
    let storage = Arc::new(open_storage(&args.storage, runtime.hostname())?);
    if args.git.git_store_path.starts_with(storage.root()) {
        return Err(RunError::GitStorePath { path: args.git.git_store_path });
    }
    let repositories: Store<GitRepository> = runtime.watch();
    // Only the leader answers for artifacts, so that readiness leads clients to it.
    if runtime.lead().await {
        if let Err(err) = serve_artifacts(&runtime, &storage, &args.storage.storage_addr).await {
            // In order, so that the lease is free for an instance that can.
            runtime.tasks.begin_stop();
            runtime.finish().await?;
            return Err(err);
        }
        let settings = Settings::new(&args, object_level_identity);
        let tokens = Tokens::new("GitRepository", args.token_cache, &runtime.metrics);
        let git = flux_git::Store::new(args.git.git_store_path, args.git.git_store_max_size);
        let reconciler =
            GitRepositoryReconciler::new(runtime.tasks.clone(), storage, git, tokens, repositories.clone(), settings);
        let controller = Controller {
            reconciler,
            objects: repositories.clone(),
            field_manager: CONTROLLER,
            jitter_percent: args.jitter.interval_jitter_percentage,
            interrupts: false,
            info: git_repository::resource_info,
        };
        runtime.reconcile(controller, watches::includes(&repositories));
    }
    Ok(runtime.finish().await?)
}

fn open_storage(args: &StorageArgs, hostname: &str) -> Result<Storage, flux_storage::StorageError> {
    let address = AdvertisedAddress::new(Some(&args.storage_adv_addr), &args.storage_addr, hostname);
    let retention = Retention { ttl: args.artifact_retention_ttl, records: args.artifact_retention_records };
    Storage::open(&args.storage_path, address, args.artifact_digest_algo, retention)
}

async fn serve_artifacts(runtime: &Runtime, storage: &Arc<Storage>, address: &str) -> Result<(), RunError> {
    let listener = listen(address).await.map_err(|source| RunError::Listen { address: address.to_owned(), source })?;
    let (storage, stop) = (Arc::clone(storage), runtime.tasks.token());
    runtime.tasks.spawn("artifact server", async move {
        if let Err(err) = serve(listener, storage.root(), ServerOptions::default(), stop.clone()).await {
            tracing::error!(error = %err, "artifact server failed");
            // Without it the controller is of no use; the next instance may do better.
            stop.cancel();
        }
    });
    Ok(())
}

/// An address without a host, as Go writes it, means all interfaces of both protocols, or of the one that there is.
async fn listen(address: &str) -> std::io::Result<TcpListener> {
    if !address.starts_with(':') {
        return TcpListener::bind(address).await;
    }
    match TcpListener::bind(format!("[::]{address}")).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind(format!("0.0.0.0{address}")).await,
    }
}
