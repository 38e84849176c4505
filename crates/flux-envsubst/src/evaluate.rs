//! From nodes to text.

use crate::functions::{self, Work};
use crate::parse::{Node, Variable};
use crate::{Error, Limits};

pub(crate) fn evaluate<'v>(
    nodes: &[Node],
    lookup: &dyn Fn(&str) -> Option<&'v str>,
    limits: Limits,
) -> Result<Vec<u8>, Error> {
    let mut work = Work::new(limits);
    let mut output = Vec::new();
    for node in nodes {
        write(node, lookup, &mut work, &mut output)?;
    }
    Ok(output)
}

fn write<'v>(
    node: &Node,
    lookup: &dyn Fn(&str) -> Option<&'v str>,
    work: &mut Work,
    output: &mut Vec<u8>,
) -> Result<(), Error> {
    let bytes = match node {
        Node::Text(text) => text.as_bytes().to_vec(),
        Node::Variable(variable) => value(variable, lookup, work)?,
    };
    work.output(bytes.len())?;
    output.extend(bytes);
    Ok(())
}

fn value<'v>(variable: &Variable, lookup: &dyn Fn(&str) -> Option<&'v str>, work: &mut Work) -> Result<Vec<u8>, Error> {
    let mut arguments = Vec::with_capacity(variable.arguments.len());
    for argument in &variable.arguments {
        let mut bytes = Vec::new();
        write(argument, lookup, work, &mut bytes)?;
        arguments.push(bytes);
    }
    let operator = variable.operator.as_str();
    let value = match lookup(&variable.name) {
        Some(value) => value,
        None if matches!(operator, "=" | ":=" | ":-" | ":?" | ":+") => "",
        None => return Err(Error::NotSet(variable.name.clone())),
    };
    functions::apply(&variable.name, operator, value, &arguments, work)
}
