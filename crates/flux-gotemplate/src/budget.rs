//! What a rendering may use, and what it has used.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Bound, Error};
use crate::function::Functions;
use crate::templates::{Parsed, Templates};
use crate::value::{GoStr, Value};

/// What a rendering may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes written, those to the results of functions such as `include` counted too.
    pub output: usize,
    /// Nodes of templates executed, and elements visited by functions.
    pub steps: u64,
    /// Bytes of all values made on the way, kept or not.
    pub memory: usize,
    /// Executions within executions, as `include` and `tpl` make them.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { output: 64 << 20, steps: 200_000_000, memory: 1 << 30, depth: 10_000 }
    }
}

/// What is left of the limits of one rendering; handed through all executions that belong to it.
pub struct Budget<'a> {
    limits: Limits,
    output: usize,
    steps: u64,
    memory: usize,
    depth: usize,
    cancelled: Option<&'a AtomicBool>,
    state: Option<&'a dyn Any>,
    parsed: HashMap<(GoStr, GoStr), Known>,
    /// Empty lists of arguments, to be used again.
    pub(crate) spare: Vec<Vec<Value>>,
}

/// A text that was parsed during the rendering, and the functions it was parsed for.
struct Known {
    functions: Arc<Functions>,
    parsed: Parsed,
}

/// Texts remembered after they were parsed; charts evaluate the same few again and again.
const MOST_PARSED: usize = 1024;

/// What a parsed text takes, in bytes for each of its own.
const PARSED_BYTES: usize = 16;

/// Steps between two looks at the cancel flag.
const LOOK_EVERY: u64 = 1024;

impl<'a> Budget<'a> {
    /// The full budget.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            output: limits.output,
            steps: limits.steps,
            memory: limits.memory,
            depth: 0,
            cancelled: None,
            state: None,
            parsed: HashMap::new(),
            spare: Vec::new(),
        }
    }

    /// Stops with [`Bound::Cancelled`] soon after the flag is set.
    #[must_use]
    pub fn cancelled_by(mut self, flag: &'a AtomicBool) -> Self {
        self.cancelled = Some(flag);
        self
    }

    /// Hands `state` to the functions, see [`crate::Call::state`].
    #[must_use]
    pub fn with_state(mut self, state: &'a dyn Any) -> Self {
        self.state = Some(state);
        self
    }

    pub(crate) fn state(&self) -> Option<&'a dyn Any> {
        self.state
    }

    #[inline]
    pub(crate) fn step(&mut self) -> Result<(), Bound> {
        self.steps(1)
    }

    #[inline]
    pub(crate) fn steps(&mut self, count: u64) -> Result<(), Bound> {
        let before = self.steps;
        let Some(left) = before.checked_sub(count) else {
            return Err(Bound::Steps(self.limits.steps));
        };
        self.steps = left;
        if before / LOOK_EVERY != left / LOOK_EVERY {
            self.look()?;
        }
        Ok(())
    }

    fn look(&self) -> Result<(), Bound> {
        match self.cancelled {
            Some(flag) if flag.load(Ordering::Relaxed) => Err(Bound::Cancelled),
            _ => Ok(()),
        }
    }

    #[inline]
    pub(crate) fn output(&mut self, bytes: usize) -> Result<(), Bound> {
        let left = self.output.checked_sub(bytes);
        self.output = left.ok_or(Bound::Output(self.limits.output))?;
        Ok(())
    }

    #[inline]
    pub(crate) fn memory(&mut self, bytes: usize) -> Result<(), Bound> {
        let left = self.memory.checked_sub(bytes);
        self.memory = left.ok_or(Bound::Memory(self.limits.memory))?;
        Ok(())
    }

    /// The text, parsed; from memory when it was parsed before.
    pub(crate) fn parse(&mut self, templates: &Templates, name: GoStr, text: GoStr) -> Result<Parsed, Error> {
        let functions = templates.functions();
        let key = (name, text);
        if let Some(known) = self.parsed.get(&key)
            && Arc::ptr_eq(&known.functions, functions)
        {
            return Ok(known.parsed.clone());
        }
        self.memory(key.1.len().saturating_mul(PARSED_BYTES))?;
        let parsed = templates.parse_only(key.0.clone(), key.1.clone())?;
        if self.parsed.len() < MOST_PARSED {
            self.parsed.insert(key, Known { functions: Arc::clone(functions), parsed: parsed.clone() });
        }
        Ok(parsed)
    }

    pub(crate) fn memory_left(&self) -> usize {
        self.memory
    }

    /// The bound in the terms of the whole rendering, when it was about what is left of its memory.
    pub(crate) fn whole(&self, bound: Bound) -> Bound {
        match bound {
            Bound::Memory(_) => Bound::Memory(self.limits.memory),
            Bound::Output(_) | Bound::Steps(_) | Bound::Depth(_) | Bound::Nesting(_) | Bound::Cancelled => bound,
        }
    }

    pub(crate) fn enter(&mut self) -> Result<(), Bound> {
        if self.depth >= self.limits.depth {
            return Err(Bound::Depth(self.limits.depth));
        }
        self.depth += 1;
        self.look()
    }

    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }
}
