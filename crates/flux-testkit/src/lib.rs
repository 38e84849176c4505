//! Real parts for tests and demonstrations: a Kubernetes control plane, Git servers, an event sink, controller processes.
//!
//! [`ControlPlane`] is etcd, kube-apiserver, kube-controller-manager, kube-scheduler and fake nodes on this machine. A test
//! binary shares one with [`ControlPlane::shared`] and each test works in its own [`ControlPlane::namespace`]. Clients belong to
//! the runtime of the test that made them, so nothing here hands one from test to test. [`apply_yaml`] puts objects of any kind
//! there; [`wait_for`] and [`wait_object`] wait for a state with a bound and say what was missing when it passes.
//!
//! [`GitServer`] and [`SshGitServer`] serve [`GitRepository`]s with git itself, count what they are asked and misbehave when
//! told to; [`EventSink`] stands where notification-controller would; [`Controller`] runs a controller of this workspace as a
//! process that can be killed, frozen and started again on the same ports. [`Toolkit`] is both controllers and a Git server for
//! one namespace. [`SopsKey`] encrypts documents. Servers have threads of their own, so a test may block while it talks to them.
//!
//! What is started here ends with the process that started it, also when that process is killed.

mod background;
mod controller;
mod controlplane;
mod events;
mod git;
mod listen;
mod objects;
mod port;
mod program;
mod progress;
mod sops;
mod tls;
mod toolkit;
mod wait;
mod webhook;
mod workspace;

pub use controller::{Controller, Memory, RunningController};
pub use controlplane::{Component, ControlPlane, TestNamespace, client_from};
pub use events::{EventSink, PostedEvent, SinkMood};
pub use git::{
    Authentication, Change, GitFault, GitRepository, GitRequest, GitServer, GitServerOptions, PasswordCheck,
    SshGitServer, SshGitServerOptions, SshKey, folder_files, git, ssh_signature,
};
pub use objects::{apply_crds, apply_yaml, parse_yaml};
pub use port::ReservedPort;
pub use program::workspace_program;
pub use progress::Progress;
pub use sops::SopsKey;
pub use tls::{ClientCertificates, TestAuthority, TestCertificate};
pub use toolkit::{Toolkit, ready};
pub use wait::{wait_for, wait_object};
pub use webhook::{Admission, AdmissionWebhook};
pub use workspace::workspace_root;
