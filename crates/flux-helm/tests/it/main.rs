//! What the crate does with whole charts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod charts;
mod hostile;
mod index;
mod package;
mod post_render;
mod provenance;
mod releases;
mod render;
mod schema;
mod strvals;
mod template;
mod values;
