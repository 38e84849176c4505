//! Variable substitution as fluxcd/pkg/envsubst does it.
//!
//! Only the `${...}` form is a variable; `$name` is text, and `$${name}` stands for the text `${name}`. Inside the
//! braces a name may be followed by an operator in the manner of bash: defaults, case, length, substring, trimming by
//! glob, and replacement. The operators `?`, `+`, `:?` and `:+` act as defaults, as they do upstream. Nothing is ever
//! assigned, and no environment is read: the caller's function gives the values.

mod evaluate;
mod functions;
mod glob;
mod parse;

/// What may be used up while one text is evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How deep `${...}` may stand inside one another.
    pub depth: usize,
    /// Comparisons of characters while trimming by glob, over the whole text.
    pub steps: usize,
    /// Bytes of the result.
    pub output: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, steps: 64 << 20, output: 64 << 20 }
    }
}

/// Why a text cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An operator that is cut short or followed by something else than its end.
    #[error("bad substitution")]
    BadSubstitution,
    /// A name that is not followed by an operator or the closing brace.
    #[error("missing closing brace")]
    MissingClosingBrace,
    /// No name after the opening brace.
    #[error("unable to parse variable name")]
    VariableName,
    /// An operator without its argument.
    #[error("unable to parse substitution within function")]
    Argument,
    /// A variable that has neither value nor default, in strict mode.
    #[error("variable not set (strict mode): \"{0}\"")]
    NotSet(String),
    /// A substring that ends before it begins.
    #[error("substring of variable \"{0}\" ends before it begins")]
    Substring(String),
    /// A substring that cuts a character in two.
    #[error("result is not UTF-8")]
    NotUtf8,
    /// `${...}` nested deeper than the limit.
    #[error("substitutions are nested deeper than {0}")]
    TooDeep(usize),
    /// More work or output than the limits allow.
    #[error("substitution needs more than the limit of {0}")]
    TooMuch(usize),
}

/// The text with all substitutions made. `lookup` gives a variable's value, or nothing when it is not set.
///
/// A lookup that gives nothing is an error where the variable has no default; a caller that is not strict answers
/// with an empty value instead.
pub fn evaluate<'v>(text: &str, lookup: impl Fn(&str) -> Option<&'v str>, limits: Limits) -> Result<String, Error> {
    String::from_utf8(evaluate_bytes(text, lookup, limits)?).map_err(|_| Error::NotUtf8)
}

/// As [`evaluate`], for callers that can use a result in which a substring has cut a character in two.
pub fn evaluate_bytes<'v>(
    text: &str,
    lookup: impl Fn(&str) -> Option<&'v str>,
    limits: Limits,
) -> Result<Vec<u8>, Error> {
    let nodes = parse::parse(text, limits.depth)?;
    evaluate::evaluate(&nodes, &lookup, limits)
}

#[cfg(test)]
mod tests;
