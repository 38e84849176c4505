//! Which values are encrypted.

use regex::{Regex, RegexBuilder};

use crate::{MetadataError, Rule};

/// How much room a compiled expression may take.
const EXPRESSION_SIZE: usize = 1 << 20;

/// A rule that is ready to be asked.
pub(super) enum Matcher {
    Suffix { suffix: String, encrypts: bool },
    Keys { pattern: Regex, encrypts: bool },
    Comments { pattern: Regex, encrypts: bool },
}

impl Matcher {
    /// An expression that cannot be read is an error: SOPS takes such a one to match nothing, so that values which are
    /// meant to be encrypted stay plain without a word.
    pub(super) fn new(rule: &Rule) -> Result<Self, MetadataError> {
        let pattern = |text: &str| {
            let built = RegexBuilder::new(text).size_limit(EXPRESSION_SIZE).build();
            built.map_err(|_| MetadataError::Expression { field: rule.field() })
        };
        Ok(match rule {
            Rule::UnencryptedSuffix(suffix) => Self::Suffix { suffix: suffix.clone(), encrypts: false },
            Rule::EncryptedSuffix(suffix) => Self::Suffix { suffix: suffix.clone(), encrypts: true },
            Rule::UnencryptedRegex(text) => Self::Keys { pattern: pattern(text)?, encrypts: false },
            Rule::EncryptedRegex(text) => Self::Keys { pattern: pattern(text)?, encrypts: true },
            Rule::UnencryptedCommentRegex(text) => Self::Comments { pattern: pattern(text)?, encrypts: false },
            Rule::EncryptedCommentRegex(text) => Self::Comments { pattern: pattern(text)?, encrypts: true },
        })
    }

    /// Whether the regular expression of the rule, if it has one, matches.
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Suffix { .. } => false,
            Self::Keys { pattern, .. } | Self::Comments { pattern, .. } => pattern.is_match(text),
        }
    }

    fn marks_key(&self, key: &str) -> bool {
        match self {
            Self::Suffix { suffix, .. } => key.ends_with(suffix),
            Self::Keys { pattern, .. } => pattern.is_match(key),
            Self::Comments { .. } => false,
        }
    }

    fn marks_comment(&self, comment: &str) -> bool {
        match self {
            Self::Suffix { .. } | Self::Keys { .. } => false,
            Self::Comments { pattern, .. } => pattern.is_match(comment),
        }
    }

    /// Whether what the rule marks is encrypted, and not all the rest.
    fn encrypts_marked(&self) -> bool {
        let (Self::Suffix { encrypts, .. } | Self::Keys { encrypts, .. } | Self::Comments { encrypts, .. }) = self;
        *encrypts
    }
}

/// What a rule says on the way through a tree. Every key and comment is looked at once, however many values it holds
/// for.
pub(super) struct Marks {
    matcher: Matcher,
    /// For each key of the path, whether it or one above it is marked.
    keys: Vec<bool>,
    /// The open collections.
    levels: Vec<Level>,
}

/// Whether comments that hold for the next value of a collection are marked.
#[derive(Clone, Copy, Default)]
struct Level {
    /// One around the collection.
    above: bool,
    /// One right before the value, but for the last.
    before_last: bool,
    /// One right before the value.
    now: bool,
}

impl Marks {
    pub(super) fn new(matcher: Matcher) -> Self {
        Self { matcher, keys: Vec::new(), levels: Vec::new() }
    }

    /// Starts again at the top.
    pub(super) fn clear(&mut self) {
        self.keys.clear();
        self.levels.clear();
    }

    /// Goes below a key.
    pub(super) fn enter(&mut self, key: &str) {
        let marked = self.keys.last().copied().unwrap_or_default() || self.matcher.marks_key(key);
        self.keys.push(marked);
    }

    /// Comes back from there.
    pub(super) fn leave(&mut self) {
        self.keys.pop();
    }

    /// Goes into a collection.
    pub(super) fn open(&mut self) {
        let above = self.levels.last().is_some_and(|level| level.above || level.now);
        self.levels.push(Level { above, ..Level::default() });
    }

    /// Comes out of it.
    pub(super) fn close(&mut self) {
        self.levels.pop();
    }

    /// Takes note of a comment before the next value.
    pub(super) fn note(&mut self, comment: &str) {
        let marked = self.matcher.marks_comment(comment);
        if let Some(level) = self.levels.last_mut() {
            level.before_last = level.now;
            level.now |= marked;
        }
    }

    /// A value ends what the comments before it hold for.
    pub(super) fn forget(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            *level = Level { above: level.above, ..Level::default() };
        }
    }

    /// Whether the value here is encrypted, or the comment that was noted last.
    pub(super) fn encrypts(&self, is_comment: bool) -> bool {
        let level = self.levels.last().copied().unwrap_or_default();
        // The comment that asks for encryption is not encrypted itself, those after it are.
        let spared = is_comment && self.matcher.encrypts_marked();
        let by_comment = level.above || if spared { level.before_last } else { level.now };
        let marked = by_comment || self.keys.last().copied().unwrap_or_default();
        marked == self.matcher.encrypts_marked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: &Rule, path: &[&str], comments: &[&str], is_comment: bool) -> bool {
        let mut marks = Marks::new(Matcher::new(rule).unwrap());
        for key in path {
            marks.enter(key);
        }
        marks.open();
        for comment in comments {
            marks.note(comment);
        }
        marks.encrypts(is_comment)
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
    fn comments_hold_for_the_next_value_and_all_in_it() {
        let mut marks = Marks::new(Matcher::new(&Rule::EncryptedCommentRegex("secret".to_owned())).unwrap());
        marks.open();
        marks.note(" secret");
        marks.open();
        assert!(marks.encrypts(false));
        marks.note(" other");
        assert!(marks.encrypts(true));
        marks.close();
        marks.forget();
        assert!(!marks.encrypts(false));
    }

    #[test]
    fn an_expression_that_cannot_be_read_is_an_error() {
        let error = |rule| Matcher::new(&rule).err().unwrap().to_string();
        assert_eq!(
            error(Rule::EncryptedRegex("(".to_owned())),
            "metadata field \"encrypted_regex\" is no regular expression that can be used"
        );
        error(Rule::UnencryptedCommentRegex("x{1000}{1000}{1000}".to_owned()));
    }
}
