//! Where artifacts lie.

use std::fmt;
use std::str::FromStr;

use camino::{Utf8Path, Utf8PathBuf};

/// The directory of one object's artifacts: `<lower-case kind>/<namespace>/<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectDirectory(Utf8PathBuf);

impl ObjectDirectory {
    /// The directory of an object.
    pub fn new(kind: &str, namespace: &str, name: &str) -> Result<Self, PathError> {
        let kind = kind.to_ascii_lowercase();
        let parts = [kind.as_str(), namespace, name];
        check_parts(&parts, || parts.join("/"))?;
        Ok(Self(parts.iter().collect()))
    }

    /// The artifact that `file` names.
    pub fn file(&self, file: &str) -> Result<ArtifactPath, PathError> {
        check_parts(&[file], || format!("{}/{file}", self.0))?;
        Ok(ArtifactPath { directory: self.clone(), file: file.to_owned() })
    }

    /// Relative to the storage root.
    pub fn as_path(&self) -> &Utf8Path {
        &self.0
    }
}

impl fmt::Display for ObjectDirectory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// The path of one artifact, relative to the storage root.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArtifactPath {
    directory: ObjectDirectory,
    file: String,
}

impl ArtifactPath {
    /// The directory of the object that it belongs to.
    pub fn directory(&self) -> &ObjectDirectory {
        &self.directory
    }

    /// The last part.
    pub fn file_name(&self) -> &str {
        &self.file
    }
}

impl fmt::Display for ArtifactPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.directory, self.file)
    }
}

impl FromStr for ArtifactPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let invalid = || PathError { path: text.to_owned() };
        let parts: Vec<_> = text.split('/').collect();
        let [kind, namespace, name, file] = parts[..] else { return Err(invalid()) };
        check_parts(&parts, || text.to_owned())?;
        let directory = ObjectDirectory([kind, namespace, name].iter().collect());
        Ok(Self { directory, file: file.to_owned() })
    }
}

/// A text that is no path of an artifact.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("\"{path}\" is no artifact path of the form <kind>/<namespace>/<name>/<file>")]
pub struct PathError {
    /// The text.
    pub path: String,
}

/// Hidden names are the storage's own: files being written.
fn check_parts(parts: &[&str], whole: impl Fn() -> String) -> Result<(), PathError> {
    let invalid = |part: &&str| part.is_empty() || part.starts_with('.') || part.contains(['/', '\\', '\0']);
    if parts.iter().any(invalid) { Err(PathError { path: whole() }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_four_plain_parts() {
        let path = ObjectDirectory::new("GitRepository", "apps", "shop").unwrap().file("abc.tar.gz").unwrap();
        assert_eq!(path.to_string(), "gitrepository/apps/shop/abc.tar.gz");
        assert_eq!(path.to_string().parse::<ArtifactPath>().unwrap(), path);
        for text in ["", "a/b/c", "a/b/c/d/e", "a/../c/d", "/a/b/c", "a/b/c/.d", "a//c/d", "a/b/c/d\\e", "a/b/c/\0"] {
            assert!(text.parse::<ArtifactPath>().is_err(), "{text}");
        }
        assert!(ObjectDirectory::new("GitRepository", "..", "x").is_err());
    }
}
