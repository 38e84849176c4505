//! Why a build fails.

use camino::Utf8PathBuf;
use flux_files::FilesError;

/// Why a build failed.
///
/// The outermost error says where; its sources lead through the chain of kustomizations to the cause. Paths are
/// relative to the root of the files.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A step failed.
    #[error("{step}")]
    Step {
        /// What was done, on what.
        step: String,
        /// The cause.
        #[source]
        source: Box<Error>,
    },
    /// Several things failed that do not depend on one another.
    #[error("{}", joined(.0))]
    Several(Vec<Error>),
    /// A file cannot be read.
    #[error("cannot read file")]
    File(#[source] FilesError),
    /// A file is not YAML.
    #[error("MalformedYAMLError: {problem} in File: {path}")]
    Malformed {
        /// The file, as the kustomization names it.
        path: Utf8PathBuf,
        /// Where and what.
        problem: flux_yaml::Error,
    },
    /// An object cannot be printed or converted.
    #[error("{object}")]
    Object {
        /// The object.
        object: String,
        /// Where and what.
        #[source]
        source: flux_yaml::Error,
    },
    /// A kustomization file is not one.
    #[error("invalid Kustomization: {message}: {path}:{line}")]
    Kustomization {
        /// The file.
        path: Utf8PathBuf,
        /// The line.
        line: u32,
        /// What is wrong.
        message: String,
    },
    /// A variable cannot be substituted.
    #[error("post build failed for '{object}': envsubst error")]
    Substitute {
        /// The object.
        object: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What a kustomization asks for cannot be done.
    #[error("{0}")]
    Invalid(String),
}

impl Error {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }

    /// This error as the cause of a failed step.
    pub(crate) fn during(self, step: impl Into<String>) -> Self {
        Self::Step { step: step.into(), source: Box::new(self) }
    }

    /// Whether a file is not YAML, so that it was meant to be one.
    pub(crate) fn is_malformed(&self) -> bool {
        match self {
            Self::Malformed { .. } => true,
            Self::Step { source, .. } => source.is_malformed(),
            Self::Several(_)
            | Self::File(_)
            | Self::Object { .. }
            | Self::Kustomization { .. }
            | Self::Substitute { .. }
            | Self::Invalid(_) => false,
        }
    }

    /// This error with the object that it is about behind it.
    pub(crate) fn about(self, object: &impl std::fmt::Display) -> Self {
        Self::Invalid(format!("{}: in {object}", self.chain()))
    }

    /// The whole chain in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(err) = cause {
            text.push_str(": ");
            text.push_str(&err.to_string());
            cause = err.source();
        }
        text
    }
}

impl From<FilesError> for Error {
    fn from(err: FilesError) -> Self {
        Self::File(err)
    }
}

fn joined(errors: &[Error]) -> String {
    errors.iter().map(Error::chain).collect::<Vec<_>>().join("; ")
}

/// The results, or everything that went wrong.
pub(crate) fn all<T>(results: impl IntoIterator<Item = Result<T, Error>>) -> Result<Vec<T>, Error> {
    let mut good = Vec::new();
    let mut bad = Vec::new();
    for result in results {
        match result {
            Ok(value) => good.push(value),
            Err(err) => bad.push(err),
        }
    }
    match bad.len() {
        0 => Ok(good),
        1 => Err(bad.remove(0)),
        _ => Err(Error::Several(bad)),
    }
}
