//! Git repositories: resolve, fetch, read, verify.
