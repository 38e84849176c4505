//! Turns Git repositories into versioned artifacts and serves them.
