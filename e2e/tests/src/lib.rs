//! Whole-toolkit scenarios with real processes: the tests are in `tests/it`, what they share is flux-testkit's `Toolkit`.
