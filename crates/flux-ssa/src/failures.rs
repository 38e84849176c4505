//! What failed, object by object, in a text that stays short enough for a condition.

use std::fmt;
use std::sync::Arc;

use flux_objects::ObjectId;

/// How many bytes of a text say what is wrong; the rest names objects only.
const TOLD: usize = 22 * 1024;
/// How many bytes a text may have with those that are only named. Conditions hold 32 KiB.
const NAMED: usize = 30 * 1024;

/// One object that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The object.
    pub id: ObjectId,
    /// The file of its source that it came from, where that is known.
    pub file: Option<Arc<str>>,
    /// What is wrong, with the object's name.
    pub text: String,
}

/// All objects that failed, in the objects' order.
///
/// Displayed as the texts of as many as a condition has room for, then the names of the others as far as there is room for
/// them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures(Vec<Failed>);

impl Failures {
    pub(crate) fn new(failed: Vec<Failed>) -> Self {
        Self(failed)
    }

    /// Whether nothing failed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what failed later.
    pub fn extend(&mut self, later: Self) {
        self.0.extend(later.0);
    }

    /// What failed.
    pub fn all(&self) -> &[Failed] {
        &self.0
    }
}

impl Failed {
    fn told(&self) -> String {
        format!("{}{}", self.text, self.place())
    }

    fn named(&self) -> String {
        format!("{}{}", self.id, self.place())
    }

    fn place(&self) -> String {
        self.file.as_ref().map_or_else(String::new, |file| format!(" (in {file:?})"))
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.iter().peekable();
        let mut text = rest.next().map(Failed::told).unwrap_or_default();
        while let Some(told) = rest.peek().map(|failed| failed.told()).filter(|told| text.len() + told.len() < TOLD) {
            text.push_str("; ");
            text.push_str(&told);
            rest.next();
        }
        let mut separator = "; also ";
        while let Some(named) = rest.peek().map(|failed| failed.named()).filter(|name| text.len() + name.len() < NAMED)
        {
            text.push_str(separator);
            text.push_str(&named);
            separator = ", ";
            rest.next();
        }
        formatter.write_str(&text)?;
        match rest.count() {
            0 => Ok(()),
            more => write!(formatter, "; and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(count: usize, length: usize) -> Failures {
        let failed = (0..count).map(|number| {
            let id = ObjectId::parse(&format!("apps_n{number:05}__Service")).unwrap();
            let text = format!("{id} dry-run failed (Invalid): {}", "x".repeat(length));
            Failed { id, file: Some("app/all.yaml".into()), text }
        });
        Failures(failed.collect())
    }

    #[test]
    fn a_few_are_told_in_full_with_their_files() {
        let expected = r#"Service/apps/n00000 dry-run failed (Invalid): x (in "app/all.yaml"); Service/apps/n00001 dry-run failed (Invalid): x (in "app/all.yaml")"#;
        assert_eq!(failures(2, 1).to_string(), expected);
        assert_eq!(failures(0, 1).to_string(), "");
    }

    #[test]
    fn many_are_told_then_named_then_counted_within_the_limit() {
        let text = failures(100, 4096).to_string();
        assert!(text.contains(r#"; also Service/apps/n00005 (in "app/all.yaml"), Service/apps/n00006 (in"#), "{text}");
        assert!(text.ends_with(r#"Service/apps/n00099 (in "app/all.yaml")"#), "{text}");
        let text = failures(10_000, 100).to_string();
        assert!(text.len() < 32_000 && text.ends_with(" more"), "{}", text.len());
    }
}
