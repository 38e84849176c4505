//! An async runtime of a server's own, so that a test may block its thread while the server answers.

use anyhow::{Context as _, Result};
use tokio::runtime::{Builder, Handle, Runtime};

/// A runtime whose tasks end when it is dropped, also from within another runtime.
pub(crate) struct Background(Option<Runtime>);

impl Background {
    pub(crate) fn new(name: &str) -> Result<(Self, Handle)> {
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name(name).enable_all().build();
        let runtime = runtime.with_context(|| format!("start the runtime of the {name}"))?;
        let handle = runtime.handle().clone();
        Ok((Self(Some(runtime)), handle))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
