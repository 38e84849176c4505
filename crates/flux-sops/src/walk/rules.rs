//! Which values are encrypted.

use regex::{Regex, RegexBuilder};

use crate::Rule;

/// A rule that is ready to be asked.
pub(super) enum Matcher {
    Suffix { suffix: String, encrypts: bool },
    Keys { pattern: Pattern, encrypts: bool },
    Comments { pattern: Pattern, encrypts: bool },
}

/// A regular expression, or none where the document's cannot be read: SOPS takes such a one to match nothing.
pub(super) struct Pattern(Option<Regex>);

impl Pattern {
    fn new(text: &str) -> Self {
        Self(RegexBuilder::new(text).size_limit(1 << 20).build().ok())
    }

    fn matches(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

impl Matcher {
    pub(super) fn new(rule: &Rule) -> Self {
        match rule {
            Rule::UnencryptedSuffix(suffix) => Self::Suffix { suffix: suffix.clone(), encrypts: false },
            Rule::EncryptedSuffix(suffix) => Self::Suffix { suffix: suffix.clone(), encrypts: true },
            Rule::UnencryptedRegex(text) => Self::Keys { pattern: Pattern::new(text), encrypts: false },
            Rule::EncryptedRegex(text) => Self::Keys { pattern: Pattern::new(text), encrypts: true },
            Rule::UnencryptedCommentRegex(text) => Self::Comments { pattern: Pattern::new(text), encrypts: false },
            Rule::EncryptedCommentRegex(text) => Self::Comments { pattern: Pattern::new(text), encrypts: true },
        }
    }

    /// Whether the regular expression of the rule, if it has one, matches.
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Suffix { .. } => false,
            Self::Keys { pattern, .. } | Self::Comments { pattern, .. } => pattern.matches(text),
        }
    }

    /// Whether the value at `path`, or the comment there, is encrypted.
    pub(super) fn encrypts(&self, path: &[String], comments: &[Vec<String>], is_comment: bool) -> bool {
        match self {
            Self::Suffix { suffix, encrypts } => path.iter().any(|key| key.ends_with(suffix)) == *encrypts,
            Self::Keys { pattern, encrypts } => path.iter().any(|key| pattern.matches(key)) == *encrypts,
            Self::Comments { pattern, encrypts: false } => {
                !comments.iter().flatten().any(|comment| pattern.matches(comment))
            }
            Self::Comments { pattern, encrypts: true } => {
                // The comment that asks for encryption is not encrypted itself, those after it are.
                let total = comments.iter().map(Vec::len).sum::<usize>();
                let own = usize::from(is_comment && comments.last().is_some_and(|last| !last.is_empty()));
                comments.iter().flatten().take(total - own).any(|comment| pattern.matches(comment))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: &Rule, path: &[&str], comments: &[&str], is_comment: bool) -> bool {
        let path: Vec<_> = path.iter().map(|key| (*key).to_owned()).collect();
        let comments = [comments.iter().map(|text| (*text).to_owned()).collect()];
        Matcher::new(rule).encrypts(&path, &comments, is_comment)
    }

    #[test]
    fn rules_on_keys_hold_for_all_below_them() {
        let rule = Rule::EncryptedRegex("^(data|stringData)$".to_owned());
        assert!(check(&rule, &["data", "x"], &[], false));
        assert!(!check(&rule, &["metadata", "x"], &[], false));
        let rule = Rule::UnencryptedSuffix("_plain".to_owned());
        assert!(!check(&rule, &["a_plain", "b"], &[], false));
        assert!(check(&rule, &["a"], &[], false));
    }

    #[test]
    fn a_comment_that_asks_for_encryption_stays_plain() {
        let rule = Rule::EncryptedCommentRegex("secret".to_owned());
        assert!(check(&rule, &["a"], &[" secret"], false));
        assert!(!check(&rule, &["a"], &[" secret"], true));
        assert!(check(&rule, &["a"], &[" secret", " more"], true));
        assert!(!check(&rule, &["a"], &[], false));
        let rule = Rule::UnencryptedCommentRegex("public".to_owned());
        assert!(!check(&rule, &["a"], &[" public"], true));
        assert!(check(&rule, &["a"], &[], false));
    }

    #[test]
    fn an_expression_that_cannot_be_read_matches_nothing() {
        assert!(!check(&Rule::EncryptedRegex("(".to_owned()), &["a"], &[], false));
        assert!(check(&Rule::UnencryptedRegex("(".to_owned()), &["a"], &[], false));
    }
}
