//! A real control plane, Git server and object builders for tests.
