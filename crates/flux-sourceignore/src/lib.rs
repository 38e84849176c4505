//! The .sourceignore rules and their defaults.
