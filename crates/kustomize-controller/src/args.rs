//! The flags of kustomize-controller.

use std::time::Duration;

#[cfg(feature = "step-hook")]
use crate::step::hook::StepArgs;
use clap::ArgAction;
use flux_kms::VaultAllowList;
use flux_objects::GroupKind;
use flux_runtime::args::{
    AccessArgs, CloudArgs, DependencyArgs, FetchArgs, JitterArgs, ServiceAccountArgs, SharedArgs, TokenCacheArgs,
    duration, go_bool,
};

/// The controller's name: of its lease, its logs and its events, and its field manager.
pub const CONTROLLER: &str = "kustomize-controller";

/// Applies what sources hold to clusters.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = CONTROLLER, version)]
pub struct Args {
    /// What every controller takes.
    #[command(flatten)]
    pub shared: SharedArgs,
    /// `--interval-jitter-percentage`.
    #[command(flatten)]
    pub jitter: JitterArgs,
    /// `--requeue-dependency`.
    #[command(flatten)]
    pub dependency: DependencyArgs,
    /// `--no-cross-namespace-refs`.
    #[command(flatten)]
    pub access: AccessArgs,
    /// `--default-service-account`.
    #[command(flatten)]
    pub service_account: ServiceAccountArgs,
    /// `--http-retry`.
    #[command(flatten)]
    pub fetch: FetchArgs,
    /// `--token-cache-max-size` and `--token-cache-max-duration`.
    #[command(flatten)]
    pub token_cache: TokenCacheArgs,
    /// How objects are built and applied.
    #[command(flatten)]
    pub apply: ApplyArgs,
    /// How other clusters and key services are reached.
    #[command(flatten)]
    pub remote: RemoteArgs,
    /// What the environment says about Vault.
    #[command(flatten)]
    pub vault: VaultArgs,
    /// What the environment says about the clouds.
    #[command(flatten)]
    pub cloud: CloudArgs,
    /// Where a test stops the process.
    #[cfg(feature = "step-hook")]
    #[command(flatten)]
    pub steps: StepArgs,
}

/// What the environment says about Vault.
#[derive(Clone, Debug, clap::Args)]
pub struct VaultArgs {
    /// The namespace of servers that have several
    #[arg(long, env = "VAULT_NAMESPACE", hide = true)]
    pub vault_namespace: Option<String>,
    /// Which servers encrypted documents may name
    #[arg(long, env = "SOPS_HC_VAULT_ALLOWLIST", default_value = "", hide = true, value_parser = VaultAllowList::parse)]
    pub sops_hc_vault_allowlist: VaultAllowList,
}

/// How objects are built and applied.
#[derive(Clone, Debug, clap::Args)]
pub struct ApplyArgs {
    /// How many objects of one Kustomization are dry-run at once
    #[arg(long, default_value = "4", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrent_ssa: u16,
    /// How often each Kustomization's objects are all compared with the cluster although nothing seems to have changed; 0 for always
    #[arg(long, default_value = "1h", value_parser = duration)]
    pub drift_sweep_interval: Duration,
    /// Refuse bases that are not in the source's artifact
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go_bool)]
    pub no_remote_bases: bool,
    /// A field manager whose fields the controller takes over; may be given more than once
    #[arg(long, action = ArgAction::Append)]
    pub override_manager: Vec<String>,
    /// Kinds, as group/Kind separated by commas, that are applied after definitions and classes and before the rest
    #[arg(long, value_delimiter = ',', value_parser = group_kind, action = ArgAction::Append)]
    pub custom_apply_stage_kinds: Vec<GroupKind>,
}

/// How other clusters and key services are reached.
#[derive(Clone, Debug, clap::Args)]
pub struct RemoteArgs {
    /// The service account of cloud logins to other clusters where an object names none
    #[arg(long, default_value = "")]
    pub default_kubeconfig_service_account: String,
    /// The service account of logins to key services where an object names none
    #[arg(long, default_value = "")]
    pub default_decryption_service_account: String,
    /// Allow kubeconfigs to start a process for their credentials
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go_bool)]
    pub insecure_kubeconfig_exec: bool,
    /// Allow kubeconfigs to turn the verification of certificates off
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go_bool)]
    pub insecure_kubeconfig_tls: bool,
    /// A Secret in the controller's namespace with age keys for objects that name none
    #[arg(long, default_value = "")]
    pub sops_age_secret: String,
    /// A ConfigMap in the controller's namespace that names the Vault servers to log in to
    #[arg(long, default_value = "")]
    pub sops_vault_configmap: String,
    /// Host that stands in for source-controller's in artifact URLs
    #[arg(long, env = "SOURCE_CONTROLLER_LOCALHOST", default_value = "", hide = true)]
    pub source_controller_localhost: String,
    /// Host that stands in for source-watcher's in artifact URLs
    #[arg(long, env = "SOURCE_WATCHER_LOCALHOST", default_value = "", hide = true)]
    pub source_watcher_localhost: String,
}

/// `group/Kind`; the core group is empty, `/ConfigMap`.
fn group_kind(text: &str) -> Result<GroupKind, String> {
    match text.trim().split_once('/') {
        Some((group, kind)) if !kind.is_empty() && !kind.contains('/') => Ok(GroupKind::new(group, kind)),
        Some(_) | None => Err(format!("{text:?} is not of the form group/Kind")),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn read(line: &str) -> Result<Args, String> {
        let line = std::iter::once(CONTROLLER).chain(line.split_whitespace()).map(OsString::from);
        flux_runtime::args::parse_from(CONTROLLER, |command| command, line).map_err(|err| err.to_string())
    }

    #[test]
    fn defaults_are_upstreams() {
        let args = read("").unwrap();

        assert_eq!((args.apply.concurrent_ssa, args.apply.no_remote_bases), (4, false));
        assert_eq!((args.shared.schedule.concurrent, args.fetch.http_retry), (4, 9));
        assert_eq!(args.dependency.requeue_dependency, Duration::from_secs(30));
        assert_eq!(args.apply.drift_sweep_interval, Duration::from_hours(1));
        assert!(args.apply.custom_apply_stage_kinds.is_empty() && args.apply.override_manager.is_empty());
        assert!(args.service_account.default_service_account.is_empty());
    }

    #[test]
    fn lists_are_read_as_upstream_reads_them() {
        let line = "--custom-apply-stage-kinds=rbac.authorization.k8s.io/Role,/ConfigMap --override-manager=a \
                    --override-manager b";
        let args = read(line).unwrap();

        let expected = [GroupKind::new("rbac.authorization.k8s.io", "Role"), GroupKind::new("", "ConfigMap")];
        assert_eq!(args.apply.custom_apply_stage_kinds, expected);
        assert_eq!(args.apply.override_manager, ["a", "b"]);
    }

    #[test]
    fn a_stage_kind_needs_a_group_and_a_kind() {
        for kind in ["Role", "rbac.authorization.k8s.io/", "a/b/c"] {
            assert!(read(&format!("--custom-apply-stage-kinds={kind}")).is_err(), "{kind}");
        }
    }
}
