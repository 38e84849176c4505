//! Bounded waits that say what was missing.

use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use futures::StreamExt as _;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

/// How often a state is looked at that cannot be watched.
const POLL: Duration = Duration::from_millis(25);

/// The value of the first `check` that passes. An error of `check` says what is still missing; the last one is in the
/// failure when `timeout` is over.
pub async fn wait_for<T>(what: &str, timeout: Duration, mut check: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + timeout;
    let mut missing = anyhow!("the first look at it did not end");
    loop {
        match tokio::time::timeout_at(deadline, check()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(err)) => missing = err,
            Err(_) => return Err(missing.context(format!("{what}: not so after {timeout:?}"))),
        }
        if Instant::now() + POLL >= deadline {
            return Err(missing.context(format!("{what}: not so after {timeout:?}")));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The value of the first `check` that passes, looking at the named object, or its absence, whenever it changes.
/// The first line of the failure has the last error of `check`; the object as it was last seen follows.
pub async fn wait_object<K, T>(
    api: &Api<K>,
    name: &str,
    timeout: Duration,
    mut check: impl FnMut(Option<&K>) -> Result<T>,
) -> Result<T>
where
    K: Resource + Clone + Debug + Serialize + DeserializeOwned + Send + 'static,
{
    let deadline = Instant::now() + timeout;
    // On the heap: a watch is large, and would make every future that waits large.
    let mut states = watcher::watch_object(api.clone(), name).default_backoff().boxed();
    let mut missing = anyhow!("nothing was seen of it");
    let mut seen = None;
    while let Ok(Some(state)) = tokio::time::timeout_at(deadline, states.next()).await {
        match state {
            Ok(object) => {
                match check(object.as_ref()) {
                    Ok(value) => return Ok(value),
                    Err(err) => missing = err,
                }
                seen = object;
            }
            Err(err) => missing = anyhow!(err).context("watch"),
        }
    }
    Err(anyhow!("{name}: {missing:#} (waited for {timeout:?})\nlast seen: {}", print(seen.as_ref())?))
}

/// An object as a person reads it, without who manages which field.
fn print<K: Serialize>(object: Option<&K>) -> Result<String> {
    let Some(object) = object else { return Ok("not there".to_owned()) };
    let mut value = serde_json::to_value(object).context("print the object last seen")?;
    if let Some(metadata) = value.get_mut("metadata").and_then(|metadata| metadata.as_object_mut()) {
        metadata.remove("managedFields");
    }
    serde_json::to_string_pretty(&value).context("print the object last seen")
}
