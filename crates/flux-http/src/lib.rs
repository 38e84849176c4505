//! One way to configure HTTP clients, and to fetch an artifact.
