//! Named steps of a run at which a test can stop the process, to end it there.
//!
//! Only with the feature `step-hook`, which no release has: without it a step is nothing.

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Source and dependencies are ready.
    Observed,
    /// The artifact is unpacked.
    Fetched,
    /// The objects are built.
    Built,
    /// The objects of a stage passed their dry run.
    Planned,
    /// The objects of a stage are in the status; none of them is written yet.
    Listed,
    /// The objects of a stage are written.
    Applied,
    /// What later stages may need is there.
    Settled,
    /// All stages are written; nothing is deleted yet.
    Pruning,
    /// The first objects that are gone from the source are deleted, and still listed.
    WavePruned,
    /// All such objects are deleted, and still listed.
    Pruned,
    /// There is something whose health is to be waited for.
    Checking,
    /// All is healthy; the status does not say so yet.
    Healthy,
    /// The object is deleted; nothing that it applied is.
    Finalizing,
    /// What the object applied is deleted; the object is still there.
    Finalized,
}

#[cfg(not(feature = "step-hook"))]
pub(crate) fn reached(_: Step) -> std::future::Ready<()> {
    std::future::ready(())
}

#[cfg(feature = "step-hook")]
pub(crate) use hook::reached;

#[cfg(feature = "step-hook")]
/// The steps of a process that a test stops.
pub mod hook {
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::time::Duration;

    use super::Step;

    /// How often is looked whether to go on.
    const LOOK: Duration = Duration::from_millis(10);

    /// Where to stop, and how a test learns of it.
    #[derive(Clone, Debug, clap::Args)]
    pub struct StepArgs {
        /// The step to stop at, by its name in the program
        #[arg(long, hide = true, requires = "step_folder")]
        pub step_stop: Option<String>,
        /// The folder in which a file of the step's name is made when it is reached, and `go` is looked for
        #[arg(long, hide = true)]
        pub step_folder: Option<PathBuf>,
    }

    static STOP: OnceLock<(String, PathBuf)> = OnceLock::new();

    /// From here on runs stop where `args` say.
    pub(crate) fn set(args: StepArgs) {
        if let (Some(step), Some(folder)) = (args.step_stop, args.step_folder) {
            STOP.get_or_init(|| (step, folder));
        }
    }

    /// Stops here if a test wants that, until it says to go on.
    pub(crate) async fn reached(step: Step) {
        let Some((_, folder)) = STOP.get().filter(|(stop, _)| *stop == format!("{step:?}")) else { return };
        if let Err(err) = tokio::fs::write(folder.join(format!("{step:?}")), "").await {
            tracing::error!(error = err.to_string(), "a step could not be told");
        }
        while tokio::fs::metadata(folder.join("go")).await.is_err() {
            tokio::time::sleep(LOOK).await;
        }
    }
}
