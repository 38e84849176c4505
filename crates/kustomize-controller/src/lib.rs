//! Applies what a source holds to a cluster and keeps it so.
