//! Credentials from outside: GitHub App tokens and their cache.
