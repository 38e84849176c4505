//! What a chart repository says of its charts.

pub mod index;
