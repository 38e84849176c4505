//! Lexical rules for paths below a root.

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::FilesError;

/// `path` without `.` and `..`, relative to the root; the root itself is the empty path.
///
/// Absolute paths and paths that climb above the root are errors.
pub fn clean(path: &Utf8Path) -> Result<Utf8PathBuf, FilesError> {
    let mut clean = Utf8PathBuf::new();
    for component in path.components() {
        match component {
            Utf8Component::CurDir => {}
            Utf8Component::Normal(name) => clean.push(name),
            Utf8Component::ParentDir => {
                if !clean.pop() {
                    return Err(FilesError::Escapes(path.to_owned()));
                }
            }
            Utf8Component::RootDir | Utf8Component::Prefix(_) => {
                return Err(FilesError::Escapes(path.to_owned()));
            }
        }
    }
    Ok(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_resolved_without_looking_at_the_disk() {
        assert_eq!(clean("./a/../b/./c".into()).unwrap(), "b/c");
        assert_eq!(clean(".".into()).unwrap(), "");
    }

    #[test]
    fn paths_above_the_root_and_absolute_paths_are_refused() {
        for path in ["..", "a/../../b", "/etc/passwd"] {
            assert!(matches!(clean(path.into()), Err(FilesError::Escapes(_))), "{path}");
        }
    }
}
