//! Why a pattern is none.

/// A fault in a pattern with the part that is at fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {fault}: `{part}`")]
pub(crate) struct SyntaxError {
    fault: Fault,
    part: String,
}

/// What Go calls the faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("invalid character class range")]
    CharacterRange,
    #[error("invalid escape sequence")]
    Escape,
    #[error("invalid named capture")]
    NamedCapture,
    #[error("invalid or unsupported Perl syntax")]
    PerlSyntax,
    #[error("invalid nested repetition operator")]
    NestedRepetition,
    #[error("invalid repeat count")]
    RepeatCount,
    #[error("missing closing ]")]
    MissingBracket,
    #[error("missing closing )")]
    MissingParenthesis,
    #[error("missing argument to repetition operator")]
    MissingArgument,
    #[error("trailing backslash at end of expression")]
    TrailingBackslash,
    #[error("unexpected )")]
    UnexpectedParenthesis,
    #[error("expression nests too deeply")]
    TooDeep,
    #[error("expression too large")]
    TooLarge,
}

impl Fault {
    pub(super) fn at(self, part: &str) -> SyntaxError {
        SyntaxError { fault: self, part: part.to_owned() }
    }
}

impl SyntaxError {
    /// The compiled form would take too much memory.
    pub(super) fn too_large(pattern: &str) -> Self {
        Fault::TooLarge.at(pattern)
    }
}
