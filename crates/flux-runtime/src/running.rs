//! The runs in flight, and the word that one of them is out of date.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// Tells one run that a newer one is due.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt {
    token: CancellationToken,
    by: Arc<Mutex<Option<String>>>,
}

impl Interrupt {
    /// The run is out of date because of `by`; the first reason is the one that counts.
    pub(crate) fn raise(&self, by: &str) {
        self.by.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| by.to_owned());
        self.token.cancel();
    }

    /// Completes once the run is out of date, with the reason.
    pub(crate) async fn raised(&self) -> String {
        self.token.cancelled().await;
        self.by.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }
}
