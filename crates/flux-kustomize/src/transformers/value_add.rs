//! A value put into fields of chosen objects, whole or as a part of a path.

use flux_yaml::{Limits, Node};

use super::namespace;
use crate::Error;
use crate::fields::{Places, split};
use crate::kustomization::Selector;
use crate::record::{Field as _, Mode, record};
use crate::resource::{Resource, plain_key};
use crate::select::Select;
use crate::target::Target;

record! {
    #[doc = "Which field of which objects."]
    struct ValueTarget {
        selector: Option<Selector> = "selector",
        field_path: String = "fieldPath",
        position: i64 = "filePathPosition",
    }
    #[doc = "A file of targets."]
    struct TargetFile {
        targets: Vec<ValueTarget> = "targets",
    }
}

const NAMESPACE: &str = "metadata/namespace";

/// A value and where it goes.
pub(crate) struct ValueAdd {
    value: String,
    targets: Vec<ValueTarget>,
}

impl ValueAdd {
    /// Without a value the name of the kustomization's directory is meant.
    pub(crate) fn prepare(
        target: &Target<'_>,
        value: &str,
        mut targets: Vec<ValueTarget>,
        file: &str,
    ) -> Result<Self, Error> {
        let value = match value.trim() {
            "" => target.directory.file_name().unwrap_or_default(),
            value => value,
        };
        if !file.is_empty() {
            let place = target.place(file)?;
            let node = flux_yaml::parse(&target.read(file)?, Limits::default())
                .map_err(|problem| Error::Malformed { path: file.into(), problem })?
                .unwrap_or_else(Node::null);
            targets.extend(TargetFile::read(&node, Mode::Lenient).map_err(|problem| problem.in_file(&place))?.targets);
        }
        if targets.is_empty() {
            return Err(Error::invalid("must specify at least one target"));
        }
        for ValueTarget { selector: _, field_path, position } in &targets {
            if field_path.is_empty() {
                return Err(Error::invalid("fieldPath cannot be empty"));
            }
            if *position < 0 {
                return Err(Error::invalid(format!("value of FilePathPosition ({position}) cannot be negative")));
            }
        }
        Ok(Self { value: value.to_owned(), targets })
    }

    pub(crate) fn apply(&self, resources: &mut [Resource]) -> Result<(), Error> {
        for ValueTarget { selector, field_path, position } in &self.targets {
            let select = selector.as_ref().map(Select::new).transpose()?;
            let position = usize::try_from(*position).unwrap_or_default();
            for resource in resources.iter_mut() {
                if !select.as_ref().is_none_or(|select| select.takes(resource)) {
                    continue;
                }
                if field_path == NAMESPACE {
                    let mut nowhere = Places::new([]);
                    namespace::set_one(resource, &self.value, &mut nowhere, false, namespace::Subjects::Default)?;
                } else {
                    let title = resource.title();
                    add(&mut resource.node, field_path, position, &self.value).map_err(|err| err.about(&title))?;
                }
            }
        }
        Ok(())
    }
}

/// Puts the value into a field, which is made where it is missing. A position above zero puts it into a path.
pub(crate) fn add(object: &mut Node, field_path: &str, position: usize, value: &str) -> Result<(), Error> {
    let mut found = object;
    for part in split(field_path) {
        if found.is_null() {
            *found = Node::mapping(Vec::new());
        }
        let Some(entries) = found.entries_mut() else {
            return Err(Error::invalid(format!("wrong node kind: expected MappingNode at {part:?} of {field_path:?}")));
        };
        let at = entries.iter().position(|(key, _)| key.text() == Some(part.as_str())).unwrap_or_else(|| {
            entries.push((plain_key(&part), Node::null()));
            entries.len() - 1
        });
        found = &mut entries[at].1;
    }
    let old = match found.text() {
        Some(_) if found.is_null() => "",
        Some(text) => text,
        None => return Err(Error::invalid(format!("wrong node kind: expected ScalarNode at {field_path:?}"))),
    };
    let new = if position == 0 { value.to_owned() } else { inserted(old, position - 1, value) };
    *found = Node { line: found.line, style: found.style, ..Node::string(new) };
    Ok(())
}

/// A path with a part put in; beyond its end the part comes last, and a path from the root stays one.
fn inserted(path: &str, position: usize, part: &str) -> String {
    if path.is_empty() {
        return part.to_owned();
    }
    let (root, inner) = path.strip_prefix('/').map_or(("", path), |inner| ("/", inner));
    let mut parts: Vec<&str> = inner.split('/').filter(|part| !part.is_empty()).collect();
    parts.insert(position.min(parts.len()), part);
    format!("{root}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_put_into_a_path() {
        for (path, position, expected) in [
            ("", 0, "P"),
            ("/", 0, "/P"),
            ("pie", 0, "P/pie"),
            ("/pie", 0, "/P/pie"),
            ("raw", 1, "raw/P"),
            ("a/nice/warm/pie", 3, "a/nice/warm/P/pie"),
            ("/raw", 9, "/raw/P"),
        ] {
            assert_eq!(inserted(path, position, "P"), expected);
        }
    }

    #[test]
    fn missing_fields_are_made() {
        let mut node = flux_yaml::parse("a: {b: x/y}", Limits::default()).unwrap().unwrap();
        add(&mut node, "a/b", 1, "v").unwrap();
        add(&mut node, "c/d", 0, "v").unwrap();
        assert_eq!(flux_yaml::print(&node).unwrap(), "a:\n  b: v/x/y\nc:\n  d: v\n");
        assert!(add(&mut node, "a/b/c", 0, "v").is_err());
    }
}
