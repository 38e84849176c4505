//! The characters of a line.

/// What is left of a line.
pub(super) struct Scanner<'t> {
    rest: &'t str,
    /// Whether a backslash takes the meaning from the next character.
    escapes: bool,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str, escapes: bool) -> Self {
        Self { rest: text, escapes }
    }

    /// The text up to one of `stops`, and which one it was; none at the end of the line.
    pub(super) fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut text = String::new();
        loop {
            match self.next() {
                None => return (text, None),
                Some(stop) if stops.contains(&stop) => return (text, Some(stop)),
                Some('\\') if self.escapes => match self.next() {
                    Some(escaped) => text.push(escaped),
                    None => return (text, None),
                },
                Some(other) => text.push(other),
            }
        }
    }

    /// Takes the character if it comes next.
    pub(super) fn take(&mut self, wanted: char) -> bool {
        self.rest.strip_prefix(wanted).is_some_and(|rest| {
            self.rest = rest;
            true
        })
    }

    /// Takes blanks, and a comma behind them; whether a comma or the end came.
    pub(super) fn ends_here(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        self.rest.is_empty() || self.take(',')
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn rest(&self) -> &'t str {
        self.rest
    }

    /// Goes on behind this many bytes.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let next = characters.next();
        self.rest = characters.as_str();
        next
    }
}
