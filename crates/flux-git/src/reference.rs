//! What is asked for, and what the server says it is.

use std::fmt;

use gix_hash::ObjectId;

/// What is to be checked out. Which field of an object wins is the caller's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A branch by its short name.
    Branch(String),
    /// A tag by its short name.
    Tag(String),
    /// The highest tag that a version range takes.
    Semver(String),
    /// A reference by its full name, such as `refs/pull/1/head`; a `^{}` at its end asks for the tagged commit.
    Name(String),
    /// A commit by its full hash.
    Commit {
        /// 40 hexadecimal digits.
        id: String,
        /// The branch that must lead to it, which is checked when it is fetched.
        branch: Option<String>,
    },
}

impl Default for Reference {
    /// The branch `master`.
    fn default() -> Self {
        Self::Branch("master".to_owned())
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch(name) => write!(f, "refs/heads/{name}"),
            Self::Tag(name) => write!(f, "refs/tags/{name}"),
            Self::Semver(range) => write!(f, "{range}"),
            Self::Name(name) => f.write_str(name),
            Self::Commit { id, .. } => f.write_str(id),
        }
    }
}

/// A reference as the server had it when asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The name the revision shows: short for branch, tag and range, as given for a full name, the branch or nothing
    /// for a commit.
    pub name: Option<String>,
    /// The full name on the server; none for a commit.
    pub full_name: Option<String>,
    /// The commit.
    pub commit: ObjectId,
    /// The annotated tag object that points to it.
    pub tag: Option<ObjectId>,
}

impl Resolved {
    /// The revision of an artifact: `main@sha1:…`, or `sha1:…` where there is no name.
    pub fn revision(&self) -> String {
        match &self.name {
            Some(name) => format!("{name}@sha1:{}", self.commit),
            None => format!("sha1:{}", self.commit),
        }
    }
}
