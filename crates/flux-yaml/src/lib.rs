//! YAML as Go reads and prints it.
