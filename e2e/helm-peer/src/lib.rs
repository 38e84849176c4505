//! Helm's own library as a program beside this project, and what both are compared on.
//!
//! - [`program`] builds `main.go` and its neighbours; `helm-peer --help` tells what the program does;
//! - [`charts`] and [`index`] write what is rendered and read by both.

pub mod charts;
pub mod index;
mod program;

pub use program::program;
