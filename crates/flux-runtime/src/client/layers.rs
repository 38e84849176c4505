//! What every request to the API server goes through.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{Request, Response};
use kube::client::Body;
use tower::layer::layer_fn;
use tower::{BoxError, Layer, Service};

use crate::Metrics;

type Answer<B> = Pin<Box<dyn Future<Output = Result<Response<B>, BoxError>> + Send>>;

/// Counts requests by status code, method and host.
#[derive(Clone)]
pub(super) struct Counting<S> {
    inner: S,
    metrics: Metrics,
    host: Arc<str>,
}

impl<S> Counting<S> {
    /// The layer.
    pub(super) fn layer(metrics: Metrics, host: String) -> impl Layer<S, Service = Self> + Clone {
        let host: Arc<str> = host.into();
        layer_fn(move |inner| Self { inner, metrics: metrics.clone(), host: Arc::clone(&host) })
    }
}

impl<S, B> Service<Request<Body>> for Counting<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError, Future: Send + 'static>,
    B: 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = Answer<B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (metrics, host, method) = (self.metrics.clone(), Arc::clone(&self.host), request.method().clone());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            let status = answer.as_ref().map(Response::status);
            let code = status.as_ref().map_or("<error>", http::StatusCode::as_str);
            metrics.api_request(code, method.as_str(), &host);
            answer
        })
    }
}

/// A rate and a burst, shared by all requests.
pub(super) struct Limit(Mutex<Bucket>);

struct Bucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    filled: Instant,
    lifted: bool,
}

impl Limit {
    /// `rate` requests a second with bursts of `burst`; no limit when the rate is not above zero.
    pub(super) fn new(rate: f32, burst: u32) -> Arc<Self> {
        let burst = f64::from(burst.max(1));
        let bucket =
            Bucket { rate: f64::from(rate), burst, tokens: burst, filled: Instant::now(), lifted: rate <= 0.0 };
        Arc::new(Self(Mutex::new(bucket)))
    }

    /// Ends the limit.
    pub(super) fn lift(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lifted = true;
    }

    /// Takes a token, which may be one that comes only later: how long to wait for it.
    fn take(&self, now: Instant) -> Duration {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if bucket.lifted {
            return Duration::ZERO;
        }
        let earned = now.saturating_duration_since(bucket.filled).as_secs_f64() * bucket.rate;
        bucket.tokens = (bucket.tokens + earned).min(bucket.burst) - 1.0;
        bucket.filled = now;
        Duration::try_from_secs_f64((-bucket.tokens / bucket.rate).max(0.0)).unwrap_or(Duration::MAX)
    }
}

/// Holds requests back to a [`Limit`].
#[derive(Clone)]
pub(super) struct Limited<S> {
    inner: S,
    limit: Arc<Limit>,
}

impl<S> Limited<S> {
    /// The layer.
    pub(super) fn layer(limit: Arc<Limit>) -> impl Layer<S, Service = Self> + Clone {
        layer_fn(move |inner| Self { inner, limit: Arc::clone(&limit) })
    }
}

impl<S, B> Service<Request<Body>> for Limited<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError, Future: Send + 'static>,
    B: 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = Answer<B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // A delayed answer stands in for a delayed request: the connection is taken only once the answer is awaited.
        let wait = self.limit.take(Instant::now());
        let answer = self.inner.call(request);
        Box::pin(async move {
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            answer.await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_lets_a_burst_through_and_then_its_rate() {
        let (limit, start) = (Limit::new(10.0, 3), Instant::now());
        let waits: Vec<u128> = (0..5).map(|_| limit.take(start).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 100, 200]);
        assert_eq!(limit.take(start + Duration::from_secs(10)), Duration::ZERO);
    }

    #[test]
    fn a_lifted_limit_holds_nothing_back() {
        let (limit, start) = (Limit::new(1.0, 1), Instant::now());
        limit.lift();
        assert!((0..100).all(|_| limit.take(start).is_zero()));
    }
}
