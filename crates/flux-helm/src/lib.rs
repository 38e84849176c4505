//! Helm 4 as a library: charts and their values go in, manifests, hooks and release records come out.
//!
//! A pure function of its input: no network, no cluster, no clock. What a rendering needs of the world (random numbers,
//! the time, objects of a cluster) is handed in. The steps, each in its own module:
//!
//! - [`chart`]: what a chart is made of, and how it is read from files, archives and folders.
//! - [`repository`]: which charts a repository has.
//! - [`values`]: what a chart is told: read, merged, coalesced with its own and those of its subcharts.
//! - [`render`]: templates and values to text, as `helm template` does.
//! - [`manifest`]: text to sorted objects and hooks.
//! - [`post_render`]: what Flux changes in the text before it is sorted.
//! - [`release`]: what Helm remembers of an installed chart.

pub mod chart;
mod gate;
pub mod manifest;
pub mod post_render;
pub mod release;
pub mod render;
pub mod repository;
mod time;
pub mod values;

pub use time::Time;
