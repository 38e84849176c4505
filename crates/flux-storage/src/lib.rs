//! Artifacts on disk: publish, verify, retain, serve.
