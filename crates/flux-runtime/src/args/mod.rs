//! The flags that controllers share, one struct a concern, with upstream's names and defaults.
//!
//! An app flattens [`SharedArgs`] and the groups that it needs besides into its own `clap` struct, and reads the command
//! line with [`parse`]. Where an app's default or environment variable differs, it changes that one argument:
//! `parse::<Args>("source-controller", |command| command.mut_arg("concurrent", |arg| arg.default_value("2")))`.

mod cloud;
mod values;

use std::ffi::OsString;
use std::time::Duration;

use clap::{ArgAction, ArgMatches, Command, Parser};

pub use cloud::{Address, AwsArgs, AzureArgs, CloudArgs, GcpArgs};
pub use values::{Encoding, Level, duration, feature_gates, go_bool};

/// Reads the process's command line; `tune` may change arguments beforehand. `Err` holds what to print, and a
/// requested help or version too.
pub fn parse<A: Parser>(name: &'static str, tune: impl FnOnce(Command) -> Command) -> Result<A, clap::Error> {
    parse_from(name, tune, std::env::args_os())
}

/// The same for a given command line, whose first word is the program.
pub fn parse_from<A: Parser>(
    name: &'static str,
    tune: impl FnOnce(Command) -> Command,
    line: impl IntoIterator<Item = OsString>,
) -> Result<A, clap::Error> {
    let mut command = tune(A::command().name(name));
    let mut matches: ArgMatches = command.try_get_matches_from_mut(line)?;
    A::from_arg_matches_mut(&mut matches).map_err(|err| err.format(&mut command))
}

/// What every controller takes.
#[derive(Clone, Debug, clap::Args)]
pub struct SharedArgs {
    /// How logs look.
    #[command(flatten)]
    pub log: LogArgs,
    /// Where metrics and probes listen.
    #[command(flatten)]
    pub servers: ServerArgs,
    /// Where events go.
    #[command(flatten)]
    pub events: EventArgs,
    /// Leader election.
    #[command(flatten)]
    pub election: ElectionArgs,
    /// Which objects are watched.
    #[command(flatten)]
    pub watch: WatchArgs,
    /// How the API server is called.
    #[command(flatten)]
    pub api: ApiArgs,
    /// How many runs work at once, and when they repeat.
    #[command(flatten)]
    pub schedule: ScheduleArgs,
    /// Feature gates.
    #[command(flatten)]
    pub features: FeatureArgs,
}

/// `--log-level` and `--log-encoding`.
#[derive(Clone, Debug, clap::Args)]
pub struct LogArgs {
    /// Log level
    #[arg(long, value_enum, default_value = "info")]
    pub log_level: Level,
    /// Log encoding
    #[arg(long, value_enum, default_value = "json")]
    pub log_encoding: Encoding,
}

/// `--metrics-addr` and `--health-addr`.
#[derive(Clone, Debug, clap::Args)]
pub struct ServerArgs {
    /// Address of the metrics endpoint; "0" turns it off
    #[arg(long, default_value = ":8080")]
    pub metrics_addr: String,
    /// Address of the health endpoint; "0" turns it off
    #[arg(long, default_value = ":9440")]
    pub health_addr: String,
}

/// `--events-addr`.
#[derive(Clone, Debug, clap::Args)]
pub struct EventArgs {
    /// Address of the events receiver; empty posts none
    #[arg(long, default_value = "")]
    pub events_addr: String,
}

/// The leader election flags.
#[derive(Clone, Debug, clap::Args)]
pub struct ElectionArgs {
    /// Elect one active controller among several replicas
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go_bool)]
    pub enable_leader_election: bool,
    /// Give leadership up when stopping, so that the next leader need not wait for the lease's end
    #[arg(long, default_value = "true", default_missing_value = "true", num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go_bool)]
    pub leader_election_release_on_cancel: bool,
    /// How long others wait before they take over a lease that is not renewed
    #[arg(long, default_value = "35s", value_parser = duration)]
    pub leader_election_lease_duration: Duration,
    /// How long the leader tries to renew before it gives up
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub leader_election_renew_deadline: Duration,
    /// How long to wait between tries
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub leader_election_retry_period: Duration,
}

/// Which objects the controller sees.
#[derive(Clone, Debug, clap::Args)]
pub struct WatchArgs {
    /// Watch all namespaces; otherwise only the controller's own
    #[arg(long, default_value = "true", default_missing_value = "true", num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go_bool)]
    pub watch_all_namespaces: bool,
    /// Reconcile only objects with these labels
    #[arg(long, default_value = "")]
    pub watch_label_selector: String,
    /// Labels of the ConfigMaps and Secrets whose changes cause reconciliations
    #[arg(long, default_value = "reconcile.fluxcd.io/watch=Enabled")]
    pub watch_configs_label_selector: String,
    /// The namespace the controller runs in
    #[arg(long, env = "RUNTIME_NAMESPACE", default_value = "", hide = true)]
    pub runtime_namespace: String,
    /// The name that events and leases carry for this instance; the host's name when empty
    #[arg(long, env = "HOSTNAME", default_value = "", hide = true)]
    pub runtime_hostname: String,
}

/// How the API server is called.
#[derive(Clone, Debug, clap::Args)]
pub struct ApiArgs {
    /// Requests a second to an API server without flow control
    #[arg(long, default_value = "50")]
    pub kube_api_qps: f32,
    /// Requests in one burst to an API server without flow control
    #[arg(long, default_value = "300")]
    pub kube_api_burst: u32,
}

/// How many runs work at once, and when they repeat.
#[derive(Clone, Debug, clap::Args)]
pub struct ScheduleArgs {
    /// How many reconciliations may work at once
    #[arg(long, default_value = "4")]
    pub concurrent: usize,
    /// The first delay after a failed reconciliation
    #[arg(long, default_value = "750ms", value_parser = duration)]
    pub min_retry_delay: Duration,
    /// The longest delay after failed reconciliations
    #[arg(long, default_value = "15m", value_parser = duration)]
    pub max_retry_delay: Duration,
}

/// `--feature-gates`.
#[derive(Clone, Debug, clap::Args)]
pub struct FeatureArgs {
    /// Feature gates as Name=bool, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = feature_gates, action = ArgAction::Append)]
    pub feature_gates: Vec<(String, bool)>,
}

/// `--interval-jitter-percentage`, for the controllers that have intervals.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct JitterArgs {
    /// How far an interval may be stretched or shortened, in percent
    #[arg(long, default_value = "5", value_parser = clap::value_parser!(u8).range(0..=99))]
    pub interval_jitter_percentage: u8,
}

/// `--requeue-dependency`, for the controllers that wait for other objects.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct DependencyArgs {
    /// When to look again at a dependency that is not ready
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub requeue_dependency: Duration,
}

/// `--no-cross-namespace-refs`, for the controllers whose objects refer to others.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct AccessArgs {
    /// Refuse references to objects in other namespaces
    #[arg(long, default_value = "false", default_missing_value = "true", num_args = 0..=1, require_equals = true, action = ArgAction::Set, value_parser = go_bool)]
    pub no_cross_namespace_refs: bool,
}

/// `--default-service-account`.
#[derive(Clone, Debug, clap::Args)]
pub struct ServiceAccountArgs {
    /// The service account used where an object names none
    #[arg(long, default_value = "")]
    pub default_service_account: String,
}

/// `--http-retry`, for the controllers that fetch artifacts.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct FetchArgs {
    /// How often a failed download of an artifact is repeated
    #[arg(long, default_value = "9")]
    pub http_retry: u32,
}

/// The token cache's flags.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct TokenCacheArgs {
    /// How many tokens are kept; 0 keeps none
    #[arg(long, default_value = "100")]
    pub token_cache_max_size: usize,
    /// How long a token is kept at most
    #[arg(long, default_value = "1h", value_parser = duration)]
    pub token_cache_max_duration: Duration,
}

#[cfg(test)]
mod tests;
