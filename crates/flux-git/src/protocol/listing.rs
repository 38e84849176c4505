//! The references a server has.

use gix_hash::ObjectId;

use crate::error::Failure;
use crate::protocol::{AGENT, Advertisement};
use crate::transport::Connection;
use crate::transport::packet::{Packet, push_delimiter, push_flush, push_line};

/// A reference on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteRef {
    /// The full name.
    pub(crate) name: String,
    /// What it points to.
    pub(crate) id: ObjectId,
    /// What the annotated tag it points to leads to.
    pub(crate) peeled: Option<ObjectId>,
}

impl RemoteRef {
    /// The commit, and the annotated tag on the way to it.
    pub(crate) fn commit_and_tag(&self) -> (ObjectId, Option<ObjectId>) {
        match self.peeled {
            Some(commit) => (commit, Some(self.id)),
            None => (self.id, None),
        }
    }
}

/// The references below `prefixes`, which the greeting may already have told.
pub(crate) async fn list(
    connection: &mut Connection,
    advertisement: &Advertisement,
    prefixes: &[String],
) -> Result<Vec<RemoteRef>, Failure> {
    if advertisement.version < 2 {
        return Ok(advertisement.refs.clone());
    }
    let mut request = Vec::new();
    push_line(&mut request, "command=ls-refs");
    push_line(&mut request, AGENT);
    if advertisement.tells_format() {
        push_line(&mut request, "object-format=sha1");
    }
    push_delimiter(&mut request);
    push_line(&mut request, "peel");
    for prefix in prefixes {
        push_line(&mut request, &format!("ref-prefix {prefix}"));
    }
    push_flush(&mut request);
    connection.send(request, 2).await?;

    let mut refs = RefCollector::new(prefixes);
    loop {
        match connection.reader.expect().await? {
            Packet::Flush => {
                connection.reader.finish().await;
                return Ok(refs.finish());
            }
            packet => refs.add_v2(packet.line()?)?,
        }
    }
}

/// Keeps the references that were asked for.
pub(crate) struct RefCollector<'a> {
    prefixes: &'a [String],
    refs: Vec<RemoteRef>,
}

impl<'a> RefCollector<'a> {
    pub(crate) fn new(prefixes: &'a [String]) -> Self {
        Self { prefixes, refs: Vec::new() }
    }

    /// Takes a line of version 0 or 1; tells whether it was a reference.
    pub(crate) fn add_v0(&mut self, line: &str) -> Result<bool, Failure> {
        if line.starts_with("shallow ") {
            return Ok(false);
        }
        let (id, name) = line.split_once(' ').ok_or_else(unreadable)?;
        let id = parse_id(id)?;
        if name == "capabilities^{}" {
            return Ok(false);
        }
        match name.strip_suffix("^{}") {
            Some(name) => {
                if let Some(tag) = self.refs.last_mut().filter(|last| last.name == name) {
                    tag.peeled = Some(id);
                }
            }
            None if self.wanted(name) => self.refs.push(RemoteRef { name: name.to_owned(), id, peeled: None }),
            None => {}
        }
        Ok(true)
    }

    /// Takes a line of version 2.
    fn add_v2(&mut self, line: &str) -> Result<(), Failure> {
        let mut words = line.split(' ');
        let (id, name) = words.next().zip(words.next()).ok_or_else(unreadable)?;
        if id == "unborn" || !self.wanted(name) {
            return Ok(());
        }
        let peeled = words.find_map(|word| word.strip_prefix("peeled:")).map(parse_id).transpose()?;
        self.refs.push(RemoteRef { name: name.to_owned(), id: parse_id(id)?, peeled });
        Ok(())
    }

    /// What was kept.
    pub(crate) fn finish(self) -> Vec<RemoteRef> {
        self.refs
    }

    fn wanted(&self, name: &str) -> bool {
        self.prefixes.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }
}

fn parse_id(hex: &str) -> Result<ObjectId, Failure> {
    ObjectId::from_hex(hex.as_bytes()).map_err(|_| unreadable())
}

fn unreadable() -> Failure {
    Failure::Protocol("a line of the reference listing cannot be read".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn id(hex: &str) -> ObjectId {
        ObjectId::from_hex(hex.as_bytes()).unwrap()
    }

    #[test]
    fn both_versions_tell_the_same() {
        let prefixes = ["refs/tags/".to_owned()];
        let wanted = [RemoteRef { name: "refs/tags/v1".into(), id: id(A), peeled: Some(id(B)) }];
        let mut old = RefCollector::new(&prefixes);
        for line in [format!("{B} refs/heads/main"), format!("{A} refs/tags/v1"), format!("{B} refs/tags/v1^{{}}")] {
            assert!(old.add_v0(&line).unwrap());
        }
        assert!(!old.add_v0(&format!("shallow {A}")).unwrap());
        assert_eq!(old.refs, wanted);
        let mut new = RefCollector::new(&prefixes);
        new.add_v2(&format!("{A} refs/tags/v1 peeled:{B}")).unwrap();
        new.add_v2(&format!("{B} refs/heads/main")).unwrap();
        new.add_v2("unborn HEAD symref-target:refs/heads/main").unwrap();
        assert_eq!(new.refs, wanted);
    }

    #[test]
    fn lines_that_are_no_reference_are_errors() {
        let mut refs = RefCollector::new(&[]);
        assert!(refs.add_v0("nonsense").is_err());
        assert!(refs.add_v0("xyz refs/heads/main").is_err());
        assert!(refs.add_v2("xyz").is_err());
    }
}
