//! What can go wrong.

/// Why a template could not be parsed or executed. The text is Go's, with name, line and column in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The template's text is not a template.
    #[error("{0}")]
    Parse(String),
    /// The template's execution failed.
    #[error("{text}")]
    Exec {
        /// The whole text.
        text: String,
        /// The template that was executing.
        template: String,
    },
    /// A bound that the caller set was reached.
    #[error(transparent)]
    Bound(#[from] Bound),
}

/// A bound that the caller set, and that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Bound {
    /// More output than allowed.
    #[error("template output is larger than {0} bytes")]
    Output(usize),
    /// More work than allowed.
    #[error("template takes more than {0} steps")]
    Steps(u64),
    /// More memory taken by values than allowed.
    #[error("template makes values of more than {0} bytes")]
    Memory(usize),
    /// Deeper nesting of templates within function calls than allowed.
    #[error("template calls are nested more than {0} deep")]
    Depth(usize),
    /// A value to print is nested deeper than any sane one, or contains itself.
    #[error("value is nested more than {0} deep, or contains itself")]
    Nesting(usize),
    /// The caller does not want the result any more.
    #[error("template execution was cancelled")]
    Cancelled,
}

/// Why a function gave no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FuncError {
    /// The function's own error; execution says `error calling NAME: ` before it.
    #[error("{0}")]
    Failed(String),
    /// A bound was reached: no text is put before it.
    #[error(transparent)]
    Bound(#[from] Bound),
}

impl FuncError {
    /// The function's own error, with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }
}

impl From<Error> for FuncError {
    fn from(err: Error) -> Self {
        match err {
            Error::Parse(text) | Error::Exec { text, .. } => Self::Failed(text),
            Error::Bound(bound) => Self::Bound(bound),
        }
    }
}
