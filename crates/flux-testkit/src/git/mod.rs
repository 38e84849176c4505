//! Git repositories and servers that speak Git's own protocols, over HTTP, HTTPS and SSH.

mod backend;
mod repository;
mod server;
mod signature;
mod ssh;
mod traffic;

pub use repository::{Change, GitRepository, folder_files, git};
pub use server::{Authentication, GitServer, GitServerOptions, PasswordCheck};
pub use signature::{SshKey, ssh_signature};
pub use ssh::{SshGitServer, SshGitServerOptions};
pub use traffic::{GitFault, GitRequest};
