//! What was done to objects, in the words of events and messages.

use std::fmt;

use crate::Entry;

/// What happened to one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// It was not there.
    Created,
    /// It differed.
    Configured,
    /// It was as desired.
    Unchanged,
    /// It was deleted.
    Deleted,
    /// Its marks, or its owner, say to leave it alone.
    Skipped,
}

impl Action {
    /// The word in a change text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Deleted => "deleted",
            Self::Skipped => "skipped",
        }
    }

    /// Whether the cluster is another than before.
    pub fn is_change(self) -> bool {
        match self {
            Self::Created | Self::Configured | Self::Deleted => true,
            Self::Unchanged | Self::Skipped => false,
        }
    }
}

/// One object and what was done to it. Displayed as `Deployment/apps/web configured`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which object.
    pub entry: Entry,
    /// What was done.
    pub action: Action,
    /// Whether the object was seen to be ready (kstatus Current) when this was done, so that waiting for it is over.
    pub settled: bool,
    /// Whether the object is deleted by the cluster once it is done: a Job with a time to live.
    pub vanishes: bool,
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.entry.id, self.action.as_str())
    }
}

/// What was done to the objects of a run, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// One for each object, unchanged and skipped ones too.
    pub changes: Vec<Change>,
}

impl ChangeSet {
    /// The text of an event: a line for each object that was changed; empty when none was.
    pub fn text(&self) -> String {
        let lines: Vec<String> =
            self.changes.iter().filter(|change| change.action.is_change()).map(ToString::to_string).collect();
        lines.join("\n")
    }

    /// Whether any object was changed.
    pub fn has_changes(&self) -> bool {
        self.changes.iter().any(|change| change.action.is_change())
    }

    /// The entries of all objects that are there afterwards, the skipped ones too: the new inventory.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        self.changes.iter().filter(|change| change.action != Action::Deleted).map(|change| change.entry.clone())
    }
}

impl Extend<Change> for ChangeSet {
    fn extend<I: IntoIterator<Item = Change>>(&mut self, changes: I) {
        self.changes.extend(changes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ObjectId;

    #[test]
    fn the_text_has_a_line_for_each_changed_object() {
        let change = |id: &str, action| Change {
            entry: Entry { id: ObjectId::parse(id).unwrap(), version: "v1".into() },
            action,
            settled: false,
            vanishes: false,
        };
        let set = ChangeSet {
            changes: vec![
                change("_apps__Namespace", Action::Created),
                change("apps_web_apps_Deployment", Action::Configured),
                change("apps_web__Service", Action::Unchanged),
                change("apps_env__ConfigMap", Action::Skipped),
            ],
        };
        assert_eq!(set.text(), "Namespace/apps created\nDeployment/apps/web configured");
        assert_eq!(set.entries().count(), 4);
    }
}
