//! Where the project's own files are.

use std::path::{Path, PathBuf};

/// The folder of the workspace that this crate was compiled in.
pub fn workspace_root() -> PathBuf {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_root.ancestors().nth(2).unwrap_or(crate_root).to_path_buf()
}
