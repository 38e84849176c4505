//! What a Git server was asked, and how it was told to misbehave.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// One request to a Git server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitRequest {
    /// The repository's name, such as `app.git`.
    pub repository: String,
    /// What was asked for: `info/refs`, `git-upload-pack` or `git-receive-pack`, and over SSH the command.
    pub kind: String,
    /// The status of the answer; 200 for an SSH command that was run.
    pub status: u16,
    /// Bytes of the request's body, as they were sent.
    pub received: u64,
    /// Bytes of the answer's body, as they were sent.
    pub sent: u64,
}

/// How a Git server misbehaves from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GitFault {
    /// Not at all.
    #[default]
    None,
    /// Answers each request with this HTTP status.
    Status(u16),
    /// Takes requests and never answers.
    Silent,
    /// The list of refs never ends.
    EndlessRefs,
    /// The pack never ends.
    EndlessPack,
    /// One byte in the middle of the pack is another.
    CorruptPack,
    /// The pack's second half is missing.
    CutPack,
}

/// The record of a server, shared with its connections.
#[derive(Default, Clone)]
pub(super) struct Traffic {
    requests: Arc<Mutex<Vec<Counted>>>,
    fault: Arc<Mutex<GitFault>>,
}

struct Counted {
    request: GitRequest,
    counters: Arc<Counters>,
}

/// Bytes of one request, counted while they flow.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) received: AtomicU64,
    pub(super) sent: AtomicU64,
}

impl Traffic {
    pub(super) fn record(&self, repository: &str, kind: &str, status: u16, counters: Arc<Counters>) {
        let (repository, kind) = (repository.to_owned(), kind.to_owned());
        let request = GitRequest { repository, kind, status, received: 0, sent: 0 };
        self.requests.lock().push(Counted { request, counters });
    }

    pub(super) fn requests(&self) -> Vec<GitRequest> {
        let counted = self.requests.lock();
        let now = counted.iter().map(|Counted { request, counters }| GitRequest {
            received: counters.received.load(Ordering::Acquire),
            sent: counters.sent.load(Ordering::Acquire),
            ..request.clone()
        });
        now.collect()
    }

    pub(super) fn forget(&self) {
        self.requests.lock().clear();
    }

    pub(super) fn fault(&self) -> GitFault {
        *self.fault.lock()
    }

    pub(super) fn set_fault(&self, fault: GitFault) {
        *self.fault.lock() = fault;
    }
}
