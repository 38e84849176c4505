//! What is wrong with values, as a tree of lines.

use boon::{ErrorKind, InstanceToken, ValidationError};

use super::groups::{Place, hidden, with_groups};
use super::patterns::Originals;
use super::words::{self, single_quoted};

/// Whether texts of what was looked at may be shown.
#[derive(Clone, Copy)]
pub(super) enum Shown<'a> {
    /// It is a schema.
    Plain,
    /// It is values, which may be secret; the schema's patterns were these.
    Masked(&'a Originals),
}

/// A line, and those below it.
pub(super) struct Fault {
    /// Where in the values, unless the line says that itself.
    pub(super) at: Option<Vec<String>>,
    pub(super) words: String,
    pub(super) causes: Vec<Fault>,
}

impl Fault {
    /// The faults that the library found.
    pub(super) fn of(error: &ValidationError<'_, '_>, shown: Shown<'_>) -> Self {
        let at = tokens(error);
        let place = match &error.kind {
            ErrorKind::Schema { url } | ErrorKind::Reference { url, .. } => Place { schema: url, depth: at.len() },
            _ => Place { schema: error.schema_url, depth: at.len() },
        };
        let mut causes = Self::causes(error, place, shown);
        if let ErrorKind::Schema { url } = &error.kind {
            let words = format!("jsonschema validation failed with {}", single_quoted(url));
            return Self { at: None, words, causes };
        }
        // A reference is worth a line only where it fails in several ways.
        if matches!(error.kind, ErrorKind::Reference { .. }) && causes.len() == 1 {
            return causes.remove(0);
        }
        Self { at: Some(at), words: words::of(&error.kind, shown), causes }
    }

    fn causes(error: &ValidationError<'_, '_>, place: Place<'_>, shown: Shown<'_>) -> Vec<Self> {
        let errors = causes(error);
        let below = |place: Place<'_>, parent: &ErrorKind<'_, '_>| {
            let fault = |cause: &ValidationError<'_, '_>| {
                with_groups(place, parent, cause.schema_url, &tokens(cause), Self::of(cause, shown))
            };
            errors.iter().map(fault).collect::<Vec<_>>()
        };
        let flat = matches!(error.kind, ErrorKind::Schema { .. } | ErrorKind::Reference { .. });
        if let Some(group) = hidden(place, errors).filter(|_| flat) {
            let at: Vec<_> = errors.first().map(tokens).into_iter().flatten().take(group.depth).collect();
            let causes = below(group, &ErrorKind::Group);
            let fault = Self { at: Some(at.clone()), words: words::GROUP.to_owned(), causes };
            return vec![with_groups(place, &ErrorKind::Group, group.schema, &at, fault)];
        }
        below(place, &error.kind)
    }

    /// All lines, the outermost without a dash.
    pub(super) fn tree(&self) -> String {
        let mut lines = Vec::new();
        self.write(0, &mut lines);
        lines.join("\n")
    }

    /// The lines below the outermost one, each ended.
    pub(super) fn list(&self) -> String {
        let mut lines = Vec::new();
        self.causes.iter().for_each(|cause| cause.write(1, &mut lines));
        lines.join("\n")
    }

    fn write(&self, level: usize, lines: &mut Vec<String>) {
        let dash = if level == 0 { String::new() } else { format!("{}- ", "  ".repeat(level - 1)) };
        let at = self.at.as_ref().map_or_else(String::new, |at| format!("at {}: ", single_quoted(&pointer(at))));
        lines.push(format!("{dash}{at}{}", self.words));
        self.causes.iter().for_each(|cause| cause.write(level + 1, lines));
    }
}

/// What lies below a fault. Where a text is not in its format, the sibling library looks no further at it.
fn causes<'e, 's, 'v>(error: &'e ValidationError<'s, 'v>) -> &'e [ValidationError<'s, 'v>] {
    match error.causes.split_first() {
        Some((first, others))
            if matches!(first.kind, ErrorKind::Format { .. })
                && others.iter().all(|other| other.schema_url.starts_with(first.schema_url)) =>
        {
            std::slice::from_ref(first)
        }
        _ => &error.causes,
    }
}

/// The tokens of the place in the values.
pub(super) fn tokens(error: &ValidationError<'_, '_>) -> Vec<String> {
    let token = |token: &InstanceToken<'_>| match token {
        InstanceToken::Prop(name) => name.to_string(),
        InstanceToken::Item(index) => index.to_string(),
    };
    error.instance_location.tokens.iter().map(token).collect()
}

/// The tokens as a JSON pointer.
fn pointer(tokens: &[String]) -> String {
    let escaped = tokens.iter().map(|token| token.replace('~', "~0").replace('/', "~1"));
    escaped.fold(String::new(), |pointer, token| pointer + "/" + &token)
}
