//! Server-side apply: dry run, apply, wait, delete.
