//! Tokens from outside, kept for most of their life and counted.

use flux_auth::{CacheEvent, Token, TokenCache};
use k8s_openapi::jiff::Timestamp;
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};

use crate::args::TokenCacheArgs;
use crate::{Metrics, ObjectKey};

/// The names are this module's own constants, so a metric that cannot be made is a bug that the first test finds.
const VALID: &str = "metric names and labels are valid and registered once";

/// What a token is for, as the metrics tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenUse {
    /// To read a source.
    Reconcile,
    /// To reach another cluster.
    FetchKubeconfig,
    /// To have AWS decrypt.
    DecryptWithAws,
    /// To have Azure decrypt.
    DecryptWithAzure,
    /// To have Google Cloud decrypt.
    DecryptWithGcp,
    /// To have Vault decrypt.
    DecryptWithVault,
}

impl TokenUse {
    const ALL: [Self; 6] = [
        Self::Reconcile,
        Self::FetchKubeconfig,
        Self::DecryptWithAws,
        Self::DecryptWithAzure,
        Self::DecryptWithGcp,
        Self::DecryptWithVault,
    ];

    fn operation(self) -> &'static str {
        match self {
            Self::Reconcile => "reconcile",
            Self::FetchKubeconfig => "fetch_kubeconfig",
            Self::DecryptWithAws => "decrypt_with_aws",
            Self::DecryptWithAzure => "decrypt_with_azure",
            Self::DecryptWithGcp => "decrypt_with_gcp",
            Self::DecryptWithVault => "decrypt_with_vault",
        }
    }
}

/// The token cache of a controller with upstream's metrics.
pub struct Tokens {
    cache: TokenCache,
    kind: String,
    events: IntCounterVec,
    requests: IntCounterVec,
    evictions: IntCounter,
    cached: IntGauge,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokens({})", self.cache.len())
    }
}

impl Tokens {
    /// An empty cache for the objects of `kind`, whose metrics are served with the others.
    pub fn new(kind: &str, args: TokenCacheArgs, metrics: &Metrics) -> Self {
        let registry = metrics.registry();
        let counters = |name, help, labels: &[&str]| {
            let made = IntCounterVec::new(Opts::new(name, help), labels).expect(VALID);
            registry.register(Box::new(made.clone())).expect(VALID);
            made
        };
        let evictions =
            IntCounter::new("gotk_token_cache_evictions_total", "Tokens that a full cache let go").expect(VALID);
        registry.register(Box::new(evictions.clone())).expect(VALID);
        let cached = IntGauge::new("gotk_token_cached_items", "Tokens in the cache").expect(VALID);
        registry.register(Box::new(cached.clone())).expect(VALID);
        Self {
            cache: TokenCache::new(args.token_cache_max_size, args.token_cache_max_duration),
            kind: kind.to_owned(),
            events: counters(
                "gotk_token_cache_events_total",
                "Tokens found in the cache and not, by object",
                &["event_type", "kind", "name", "namespace", "operation"],
            ),
            requests: counters("gotk_token_cache_requests_total", "Requests of tokens to the cache", &["status"]),
            evictions,
            cached,
        }
    }

    /// The token kept under `key`, or a new one from `issue`, for the run of `object`.
    pub async fn get_or_issue<T: Token, E>(
        &self,
        key: &str,
        (object, usage): (&ObjectKey, TokenUse),
        now: Timestamp,
        issue: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let got = self.cache.get_or_issue(key, now, issue).await;
        let event = match &got {
            Ok((_, CacheEvent::Hit)) => "cache_hit",
            Ok((_, CacheEvent::Miss)) | Err(_) => "cache_miss",
        };
        let status = if got.is_ok() { "success" } else { "failure" };
        let labels = [event, &self.kind, &object.name, &object.namespace, usage.operation()];
        self.events.with_label_values(&labels).inc();
        self.requests.with_label_values(&[status]).inc();
        self.evictions.inc_by(self.cache.evictions().saturating_sub(self.evictions.get()));
        self.cached.set(i64::try_from(self.cache.len()).unwrap_or(i64::MAX));
        got.map(|(token, _)| token)
    }

    /// Drops the series of an object that is gone.
    pub fn forget(&self, object: &ObjectKey) {
        for event in ["cache_hit", "cache_miss"] {
            for usage in TokenUse::ALL {
                let labels = [event, &self.kind, &object.name, &object.namespace, usage.operation()];
                // An object without a series has nothing to drop.
                let _ = self.events.remove_label_values(&labels);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use flux_auth::AccessToken;

    use super::*;

    #[tokio::test]
    async fn hits_misses_and_evictions_are_counted_by_object() {
        let metrics = Metrics::new();
        let args = TokenCacheArgs { token_cache_max_size: 1, token_cache_max_duration: Duration::from_hours(1) };
        let tokens = Tokens::new("GitRepository", args, &metrics);
        let (object, now) = (ObjectKey::new("ns", "app"), Timestamp::UNIX_EPOCH);
        let get = async |key: &str, outcome: Result<(), ()>| {
            let issue = async { outcome.map(|()| AccessToken::new("t".to_owned(), now + Duration::from_hours(1))) };
            tokens.get_or_issue(key, (&object, TokenUse::Reconcile), now, issue).await.is_ok()
        };
        assert!(get("one", Ok(())).await);
        assert!(get("one", Ok(())).await);
        assert!(get("two", Ok(())).await);
        assert!(!get("three", Err(())).await);
        let text = metrics.text();
        let labels = "kind=\"GitRepository\",name=\"app\",namespace=\"ns\",operation=\"reconcile\"";
        for line in [
            &format!("gotk_token_cache_events_total{{event_type=\"cache_hit\",{labels}}} 1"),
            &format!("gotk_token_cache_events_total{{event_type=\"cache_miss\",{labels}}} 3"),
            "gotk_token_cache_requests_total{status=\"success\"} 3",
            "gotk_token_cache_requests_total{status=\"failure\"} 1",
            "gotk_token_cache_evictions_total 1",
            "gotk_token_cached_items 1",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        tokens.forget(&object);
        assert!(!metrics.text().contains("name=\"app\""));
    }
}
