//! Following the metadata of objects for as long as that is allowed.

use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;
use kube::api::{Api, DynamicObject};
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{self, Event, watcher};

use crate::health::refusal;

/// How long after a failure a watch begins anew, at first and at last.
const RETRIES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// Objects in one page of a list.
const PAGE: u32 = 250;

/// What following tells: that something happened to an object or a list begins or ends; or nothing, which means that changes may be
/// missed until the end of the next list.
pub(crate) type News = Option<Event<PartialObjectMeta<DynamicObject>>>;

/// Follows the objects until `tell` has heard enough, or until that is refused: then the HTTP status. After any other failure they are
/// listed anew.
pub(crate) async fn follow(
    api: &Api<PartialObjectMeta<DynamicObject>>,
    config: watcher::Config,
    mut tell: impl FnMut(News) -> ControlFlow<()>,
) -> Option<u16> {
    let config = config.page_size(PAGE);
    let mut wait = RETRIES.0;
    loop {
        let mut events = pin!(watcher(api.clone(), config.clone()));
        while let Some(event) = events.next().await {
            let news = match event {
                Ok(event) => {
                    wait = RETRIES.0;
                    Some(event)
                }
                Err(err) => {
                    let refused = refusal(&err);
                    if refused.is_none() {
                        tracing::debug!(url = api.resource_url(), error = %err, "watch of metadata failed");
                    }
                    if tell(None).is_break() || refused.is_some() {
                        return refused;
                    }
                    break;
                }
            };
            if tell(news).is_break() {
                return None;
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RETRIES.1);
    }
}
