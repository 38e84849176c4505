//! Which part of a tree is wanted.

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::error::Failure;

/// The directories of a sparse checkout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sparse {
    /// None means everything.
    directories: Option<Vec<Utf8PathBuf>>,
}

/// How a path lies to what is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// It is wanted.
    Inside,
    /// Something below it is wanted.
    Above,
    /// Nothing of it is wanted.
    Outside,
}

impl Sparse {
    /// Reads directories as users write them: with or without `./` and slashes at the ends. None, or the root among
    /// them, means everything.
    pub(crate) fn parse(directories: &[String]) -> Result<Self, Failure> {
        let mut wanted = Vec::new();
        for directory in directories {
            let mut path = Utf8PathBuf::new();
            for component in Utf8Path::new(directory).components() {
                match component {
                    Utf8Component::Normal(name) => path.push(name),
                    Utf8Component::CurDir | Utf8Component::RootDir => {}
                    Utf8Component::ParentDir | Utf8Component::Prefix(_) => {
                        return Err(Failure::SparseDirectory(directory.clone()));
                    }
                }
            }
            if path.as_str().is_empty() {
                return Ok(Self { directories: None });
            }
            wanted.push(path);
        }
        Ok(Self { directories: (!wanted.is_empty()).then_some(wanted) })
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.directories.is_none()
    }

    /// The wanted directories; none where everything is.
    pub(crate) fn directories(&self) -> &[Utf8PathBuf] {
        self.directories.as_deref().unwrap_or_default()
    }

    pub(crate) fn relation(&self, path: &Utf8Path) -> Relation {
        let Some(directories) = &self.directories else { return Relation::Inside };
        if directories.iter().any(|wanted| path.starts_with(wanted)) {
            return Relation::Inside;
        }
        if directories.iter().any(|wanted| wanted.starts_with(path)) { Relation::Above } else { Relation::Outside }
    }

    /// What is wanted of the repository mounted at `path`.
    pub(crate) fn below(&self, path: &Utf8Path) -> Self {
        if self.relation(path) == Relation::Inside {
            return Self { directories: None };
        }
        let inner = self.directories().iter().filter_map(|wanted| wanted.strip_prefix(path).ok());
        Self { directories: Some(inner.map(Utf8Path::to_path_buf).collect()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sparse(directories: &[&str]) -> Sparse {
        Sparse::parse(&directories.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn directories_are_read_as_users_write_them() {
        assert_eq!(sparse(&["./apps/", "/b//c"]).directories(), ["apps", "b/c"]);
        assert!(sparse(&[]).is_everything());
        assert!(sparse(&["apps", "."]).is_everything());
        assert!(Sparse::parse(&["../x".to_owned()]).is_err());
    }

    #[test]
    fn paths_lie_inside_above_or_outside() {
        let wanted = sparse(&["apps", "b/c"]);
        for (path, relation) in [
            ("apps", Relation::Inside),
            ("apps/x", Relation::Inside),
            ("apps2", Relation::Outside),
            ("b", Relation::Above),
            ("b/d", Relation::Outside),
        ] {
            assert_eq!(wanted.relation(path.into()), relation, "{path}");
        }
        assert_eq!(wanted.below("b".into()).directories(), ["c"]);
        assert!(wanted.below("apps/x".into()).is_everything());
    }
}
