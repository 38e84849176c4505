//! Whole-toolkit scenarios with real processes.
