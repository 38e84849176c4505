//! Execution of parsed templates.
//!
//! Lists, branches, ranges and calls of templates are frames on the heap, so that templates may call themselves a
//! hundred thousand times, as in Go. Only operands are evaluated by recursion.

mod call;
mod check;
mod eval;
mod field;
mod frame;
mod range;

use std::borrow::Cow;

pub(crate) use check::{assignable, zero_of};
pub(crate) use field::zero_element;
pub(crate) use frame::run;

use crate::budget::Budget;
use crate::error::{Bound, Error};
use crate::parse::{Part, Tree, VariableId};
use crate::strconv::quote;
use crate::templates::Templates;
use crate::value::{GoStr, Value};

/// Calls of templates within templates beyond this are refused, as Go does.
const MOST_TEMPLATES: usize = 100_000;

/// The stack that a level of operands may need, and how much more is taken when there is less.
const RED_ZONE: usize = 128 << 10;
const MORE_STACK: usize = 2 << 20;

/// A value, and whether Go's reflection would see it in an `interface {}`.
///
/// Elements of maps and lists are seen so: asking a field of such a nil is an error, asking one of no value is not.
#[derive(Clone, Default)]
pub(crate) struct Typed {
    pub(crate) value: Value,
    pub(crate) interface: bool,
}

impl Typed {
    pub(crate) fn plain(value: Value) -> Self {
        Self { value, interface: false }
    }

    pub(crate) fn interface(value: Value) -> Self {
        Self { value, interface: true }
    }

    /// Whether there is no value at all, not even a typed nil.
    fn is_invalid(&self) -> bool {
        !self.interface && matches!(self.value, Value::Nil)
    }

    /// The static type's name.
    fn type_name(&self) -> Cow<'static, str> {
        if self.interface { Cow::Borrowed("interface {}") } else { self.value.type_name() }
    }
}

/// One execution of a template and of those that it calls.
struct Exec<'t, 'b, 'a> {
    templates: &'t Templates,
    budget: &'b mut Budget<'a>,
    out: &'b mut Vec<u8>,
    tree: &'t Tree,
    /// What is evaluated, for errors.
    part: Option<Part<'t>>,
    dot: Typed,
    variables: Vec<(VariableId, Typed)>,
    /// Where the variables of the current template start.
    base: usize,
    frames: Vec<frame::Frame<'t>>,
    /// Calls of templates within templates.
    depth: usize,
}

/// What ends an execution; boxed, so that what is passed up the stack stays small.
pub(crate) struct Stop(Box<Error>);

impl From<Error> for Stop {
    fn from(err: Error) -> Self {
        Self(Box::new(err))
    }
}

impl From<Bound> for Stop {
    fn from(bound: Bound) -> Self {
        Self(Box::new(Error::Bound(bound)))
    }
}

type Done<T> = Result<T, Stop>;

impl<'t> Exec<'t, '_, '_> {
    #[inline]
    fn at(&mut self, part: Part<'t>) {
        self.part = Some(part);
    }

    /// The error of that message at the place of evaluation.
    #[cold]
    fn error(&self, message: &str) -> Stop {
        let template = self.tree.name.to_text().into_owned();
        let text = match self.part {
            None => format!("template: {template}: {message}"),
            Some(part) => {
                let (line, column) = self.tree.line_and_column(self.tree.at(part));
                format!(
                    "template: {}:{line}:{column}: executing {} at <{}>: {message}",
                    self.tree.parse_name,
                    quoted(self.tree.name.as_bytes()),
                    String::from_utf8_lossy(&self.tree.print(part)),
                )
            }
        };
        Error::Exec { text, template }.into()
    }

    fn fail<T>(&self, message: &str) -> Done<T> {
        Err(self.error(message))
    }

    fn show(&self, part: Part<'_>) -> String {
        String::from_utf8_lossy(&self.tree.print(part)).into_owned()
    }

    /// The value, or what it points at, by `%v`, for errors.
    fn show_value(&self, value: &Value) -> Done<String> {
        let text =
            crate::fmt::dereferenced(value, self.budget.memory_left()).map_err(|bound| self.budget.whole(bound))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn set_variable(&mut self, id: VariableId, value: Typed) -> Done<()> {
        let own = self.variables.get_mut(self.base..).unwrap_or_default();
        match own.iter_mut().rev().find(|(known, _)| *known == id) {
            Some((_, slot)) => {
                *slot = value;
                Ok(())
            }
            None => self.undefined(id),
        }
    }

    fn variable(&self, id: VariableId) -> Done<&Typed> {
        let own = self.variables.get(self.base..).unwrap_or_default();
        match own.iter().rev().find(|(known, _)| *known == id) {
            Some((_, value)) => Ok(value),
            None => self.undefined(id),
        }
    }

    fn undefined<T>(&self, id: VariableId) -> Done<T> {
        let name = GoStr::from(self.tree.variable(id));
        self.fail(&format!("undefined variable: {name}"))
    }
}

fn quoted(text: &[u8]) -> String {
    String::from_utf8_lossy(&quote(text)).into_owned()
}
