//! The flags of source-controller.

use std::time::Duration;

use camino::Utf8PathBuf;
use clap::Command;
use flux_runtime::args::{
    CloudArgs, DependencyArgs, JitterArgs, ServiceAccountArgs, SharedArgs, TokenCacheArgs, duration,
};
use flux_tar::Algorithm;

/// The controller's name: of its lease, its logs and its events, and its field manager.
pub const CONTROLLER: &str = "source-controller";

/// Turns sources into artifacts and serves them.
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
    /// `--default-service-account`.
    #[command(flatten)]
    pub service_account: ServiceAccountArgs,
    /// `--token-cache-max-size` and `--token-cache-max-duration`.
    #[command(flatten)]
    pub token_cache: TokenCacheArgs,
    /// What the environment says about the clouds.
    #[command(flatten)]
    pub cloud: CloudArgs,
    /// Where artifacts are kept and served.
    #[command(flatten)]
    pub storage: StorageArgs,
    /// How Git servers are talked to.
    #[command(flatten)]
    pub git: GitArgs,
    /// Bounds of Helm repositories and charts.
    #[command(flatten)]
    pub helm: HelmArgs,
}

/// Where artifacts are kept and served.
#[derive(Clone, Debug, clap::Args)]
pub struct StorageArgs {
    /// The directory of the artifacts; it must exist
    #[arg(long, env = "STORAGE_PATH", default_value = "/data")]
    pub storage_path: Utf8PathBuf,
    /// Where the artifact server listens
    #[arg(long, env = "STORAGE_ADDRESS", default_value = ":9090")]
    pub storage_addr: String,
    /// The host, or host and port, that artifact URLs name; follows from --storage-addr when empty
    #[arg(long, env = "STORAGE_ADV_ADDR", default_value = "")]
    pub storage_adv_addr: String,
    /// The age from which an artifact that is not the current one is removed
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub artifact_retention_ttl: Duration,
    /// How many artifacts of an object are kept at most
    #[arg(long, default_value = "2")]
    pub artifact_retention_records: usize,
    /// How artifacts are digested: sha256, sha384, sha512, sha1 or blake3
    #[arg(long, default_value = "sha256")]
    pub artifact_digest_algo: Algorithm,
}

/// How Git servers are talked to.
#[derive(Clone, Debug, clap::Args)]
pub struct GitArgs {
    /// The key exchange algorithms for SSH, the preferred first, separated by commas
    #[arg(long, value_delimiter = ',')]
    pub ssh_kex_algos: Vec<String>,
    /// The host key algorithms for SSH, the preferred first, separated by commas
    #[arg(long, value_delimiter = ',')]
    pub ssh_hostkey_algos: Vec<String>,
    /// The directory of the Git objects that are kept between runs; it is made when missing, and must not be the
    /// directory of the artifacts
    #[arg(long, env = "GIT_STORE_PATH", default_value = "/tmp/source-controller/git")]
    pub git_store_path: Utf8PathBuf,
    /// How many bytes of Git objects are kept; above it the least used repositories are dropped and fetched again
    #[arg(long, default_value = "2147483648")]
    pub git_store_max_size: u64,
}

/// Bounds of Helm repositories and charts. Accepted, so that upstream's manifests start; nothing reads them yet.
#[derive(Clone, Debug, clap::Args)]
pub struct HelmArgs {
    /// How many Helm repository indexes are cached
    #[arg(long, default_value = "0", hide = true)]
    pub helm_cache_max_size: usize,
    /// How long an index is cached
    #[arg(long, default_value = "15m", value_parser = duration, hide = true)]
    pub helm_cache_ttl: Duration,
    /// How often expired indexes are removed from the cache
    #[arg(long, default_value = "1m", value_parser = duration, hide = true)]
    pub helm_cache_purge_interval: Duration,
    /// The largest index, in bytes
    #[arg(long, default_value = "52428800", hide = true)]
    pub helm_index_max_size: u64,
    /// The largest chart, in bytes
    #[arg(long, default_value = "10485760", hide = true)]
    pub helm_chart_max_size: u64,
    /// The largest file of a chart, in bytes
    #[arg(long, default_value = "5242880", hide = true)]
    pub helm_chart_file_max_size: u64,
}

/// What upstream's source-controller does differently from its sisters: two runs at once, and two addresses that the
/// environment may name.
pub fn tune(command: Command) -> Command {
    command
        .mut_arg("concurrent", |arg| arg.default_value("2"))
        .mut_arg("metrics_addr", |arg| arg.env("METRICS_ADDR"))
        .mut_arg("events_addr", |arg| arg.env("EVENTS_ADDR"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn read(line: &str) -> Result<Args, String> {
        let line = std::iter::once(CONTROLLER).chain(line.split_whitespace()).map(OsString::from);
        flux_runtime::args::parse_from(CONTROLLER, tune, line).map_err(|err| err.to_string())
    }

    #[test]
    fn defaults_are_upstreams() {
        let Args { shared, storage, helm, dependency, .. } = read("").unwrap();
        assert_eq!(shared.schedule.concurrent, 2);
        assert_eq!((storage.storage_path.as_str(), storage.storage_addr.as_str()), ("/data", ":9090"));
        assert_eq!((storage.artifact_retention_ttl.as_secs(), storage.artifact_retention_records), (60, 2));
        assert_eq!(storage.artifact_digest_algo, Algorithm::Sha256);
        assert_eq!((helm.helm_index_max_size, helm.helm_cache_ttl.as_secs()), (52_428_800, 900));
        assert_eq!(dependency.requeue_dependency.as_secs(), 30);
    }

    #[test]
    fn lists_and_algorithms_are_read() {
        let args = read("--ssh-kex-algos=a,b --artifact-digest-algo=blake3 --git-store-max-size=5").unwrap();
        assert_eq!(args.git.ssh_kex_algos, ["a", "b"]);
        assert_eq!(args.storage.artifact_digest_algo, Algorithm::Blake3);
        assert_eq!(args.git.git_store_max_size, 5);
        assert!(read("--artifact-digest-algo=md5").unwrap_err().contains("unknown digest algorithm"));
    }
}
