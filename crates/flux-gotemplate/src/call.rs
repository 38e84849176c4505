//! What a running function can ask of the rendering it is part of.

use std::any::Any;

use crate::budget::Budget;
use crate::error::{Error, FuncError};
use crate::function::Function;
use crate::templates::{Parsed, Templates};
use crate::value::{GoStr, Value};

/// One call of a function during an execution.
pub struct Call<'c, 'a> {
    budget: &'c mut Budget<'a>,
    templates: Option<&'c Templates>,
}

/// The stack that an execution within an execution may need, and how much more is taken when there is less.
const RED_ZONE: usize = 256 << 10;
const MORE_STACK: usize = 4 << 20;

impl<'c, 'a> Call<'c, 'a> {
    /// A call outside of any execution, for running a body on its own.
    pub fn new(budget: &'c mut Budget<'a>) -> Self {
        Self { budget, templates: None }
    }

    pub(crate) fn within(budget: &'c mut Budget<'a>, templates: &'c Templates) -> Self {
        Self { budget, templates: Some(templates) }
    }

    /// The set that the calling template belongs to; `None` outside of executions.
    pub fn templates(&self) -> Option<&'c Templates> {
        self.templates
    }

    /// The text parsed as the template `name` for the set, which does not get it yet. The same text is parsed once in a
    /// rendering.
    pub fn parse(
        &mut self,
        templates: &Templates,
        name: impl Into<GoStr>,
        text: impl Into<GoStr>,
    ) -> Result<Parsed, Error> {
        self.budget.parse(templates, name.into(), text.into())
    }

    /// What the template `name` of the set writes for the data, as a part of this rendering.
    pub fn render(&mut self, templates: &Templates, name: &[u8], data: &Value) -> Result<GoStr, Error> {
        self.nested(|budget, out| templates.execute(name, data, budget, out))
    }

    /// What the text itself writes for the data, as a part of this rendering, also where the set has another template
    /// of its name. The set must have got what was parsed.
    pub fn render_parsed(&mut self, templates: &Templates, parsed: &Parsed, data: &Value) -> Result<GoStr, Error> {
        self.nested(|budget, out| templates.execute_parsed(parsed, data, budget, out))
    }

    fn nested(
        &mut self,
        execute: impl FnOnce(&mut Budget<'a>, &mut Vec<u8>) -> Result<(), Error>,
    ) -> Result<GoStr, Error> {
        self.budget.enter()?;
        let mut out = Vec::with_capacity(256);
        let budget = &mut *self.budget;
        let done = stacker::maybe_grow(RED_ZONE, MORE_STACK, || execute(budget, &mut out));
        self.budget.leave();
        done.map(|()| out.into())
    }

    /// Takes `bytes` of the rendering's memory. To be asked before making a value whose size its arguments decide
    /// (`repeat`, `until`); what a function returns is counted by the executor anyway.
    pub fn charge(&mut self, bytes: usize) -> Result<(), FuncError> {
        Ok(self.budget.memory(bytes)?)
    }

    /// How many bytes of the rendering's memory are left, for bounding what is made piece by piece.
    pub fn memory_left(&self) -> usize {
        self.budget.memory_left()
    }

    /// Takes `count` of the rendering's steps, and looks whether it was cancelled. To be asked in loops whose length
    /// the arguments decide.
    pub fn steps(&mut self, count: u64) -> Result<(), FuncError> {
        Ok(self.budget.steps(count)?)
    }

    /// What Go's `fmt.Sprint` gives.
    pub fn sprint(&mut self, args: &[Value]) -> Result<GoStr, FuncError> {
        let text = crate::fmt::sprint(args, self.budget.memory_left()).map_err(|bound| self.budget.whole(bound))?;
        self.charge(text.len())?;
        Ok(text.into())
    }

    /// What Go's `fmt.Sprintln` gives.
    pub fn sprintln(&mut self, args: &[Value]) -> Result<GoStr, FuncError> {
        let text = crate::fmt::sprintln(args, self.budget.memory_left()).map_err(|bound| self.budget.whole(bound))?;
        self.charge(text.len())?;
        Ok(text.into())
    }

    /// What Go's `fmt.Sprintf` gives.
    pub fn sprintf(&mut self, format: &[u8], args: &[Value]) -> Result<GoStr, FuncError> {
        let text =
            crate::fmt::sprintf(format, args, self.budget.memory_left()).map_err(|bound| self.budget.whole(bound))?;
        self.charge(text.len())?;
        Ok(text.into())
    }

    /// The value by `%v`; the same string when it is one.
    pub fn text_of(&mut self, value: &Value) -> Result<GoStr, FuncError> {
        if let Value::Str(text) = value { Ok(text.clone()) } else { self.sprint(std::slice::from_ref(value)) }
    }

    /// What the host handed in with [`Budget::with_state`], when it is a `T`: its clock, its random numbers.
    pub fn state<T: Any>(&self) -> Option<&'a T> {
        self.budget.state()?.downcast_ref()
    }

    /// Calls a function value with arguments that fit its signature.
    pub fn invoke(&mut self, function: &Function, args: &[Value]) -> Result<Value, FuncError> {
        function.run(self, args)
    }
}
