//! Waits until one object no longer exists.

use std::pin::pin;
use std::time::Duration;

use futures::TryStreamExt as _;
use kube::Client;
use kube::core::params::WatchParams;
use kube::core::{Request, WatchEvent};
use serde_json::Value;

use crate::request::{self, Place};

/// How often the object is read where it cannot be watched.
const POLL: Duration = Duration::from_secs(2);
/// How long one watch lasts, in seconds; then the object is read again.
const WATCH_SECONDS: u32 = 30;

/// Completes when the object with that uid is gone; another object of the same name is another object. Failures of
/// the API server are waited out: the caller bounds the time.
pub(crate) async fn wait(client: &Client, place: Place<'_>, uid: &str) {
    loop {
        let version = match request::get(client, place).await {
            Ok(Some(object)) if object.uid() == uid => Some(object.resource_version().to_owned()),
            Ok(_) => return,
            Err(_) => None,
        };
        let watched = match version {
            Some(version) => watch(client, place, uid, &version).await,
            None => Watched::NotAtAll,
        };
        match watched {
            Watched::Gone => return,
            Watched::ForAWhile => {}
            Watched::NotAtAll => tokio::time::sleep(POLL).await,
        }
    }
}

enum Watched {
    Gone,
    ForAWhile,
    NotAtAll,
}

async fn watch(client: &Client, place: Place<'_>, uid: &str, version: &str) -> Watched {
    let params = WatchParams::default().fields(&format!("metadata.name={}", place.name)).timeout(WATCH_SECONDS);
    let Ok(request) = Request::new(place.resolved.path(place.namespace)).watch(&params, version) else {
        return Watched::NotAtAll;
    };
    let Ok(events) = client.request_events::<Value>(request).await else { return Watched::NotAtAll };
    let mut events = pin!(events);
    loop {
        match events.try_next().await {
            Ok(Some(WatchEvent::Deleted(object))) if object["metadata"]["uid"] == uid => return Watched::Gone,
            Ok(Some(WatchEvent::Error(_))) | Err(_) => return Watched::NotAtAll,
            Ok(Some(_)) => {}
            Ok(None) => return Watched::ForAWhile,
        }
    }
}
