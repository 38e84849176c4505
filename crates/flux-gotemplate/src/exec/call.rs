//! Calls of functions and methods, and printing.

use super::{Done, Exec, Typed, quoted};
use crate::call::Call;
use crate::error::FuncError;
use crate::fmt;
use crate::funcs::builtin::{self, Builtin};
use crate::function::{Callee, Function, Hint};
use crate::parse::{Expr, Part};
use crate::value::{GoStr, Type, Value};

impl<'t> Exec<'t, '_, '_> {
    /// Calls the function of that name. The first of `args` stands for the function itself.
    pub(super) fn function(
        &mut self,
        name: &'t GoStr,
        hint: Hint,
        part: Part<'t>,
        args: &'t [Expr],
        last: Option<Typed>,
    ) -> Done<Typed> {
        match self.templates.functions().find(name.as_bytes(), hint) {
            Some(Callee::Function(function)) => self.call(function, part, name, args, last),
            Some(Callee::Builtin(builtin)) => self.builtin(builtin, part, name, args, last),
            None => self.fail(&format!("{} is not a defined function", quoted(name.as_bytes()))),
        }
    }

    /// Calls a function or method whose arguments are checked against its signature.
    pub(super) fn call(
        &mut self,
        function: &Function,
        part: Part<'t>,
        name: &GoStr,
        args: &'t [Expr],
        last: Option<Typed>,
    ) -> Done<Typed> {
        let signature = function.signature;
        let args = args.get(1..).unwrap_or_default();
        let mut values = self.budget.spare.pop().unwrap_or_default();
        self.arguments(&mut values, name, signature.params, signature.variadic, args, last, |_, _| {})?;
        self.budget.step()?;
        let result = {
            let mut call = Call::within(self.budget, self.templates);
            function.run(&mut call, &values)
        };
        values.clear();
        self.budget.spare.push(values);
        match result {
            Ok(Value::Nil) if signature.result != Type::Any => {
                Ok(Typed { value: super::check::zero_of(signature.result), interface: false })
            }
            Ok(value) => self.counted(Typed { value, interface: signature.result == Type::Any }),
            Err(err) => self.failed(part, name, err),
        }
    }

    /// Evaluates and checks arguments; `seen` learns of each whether it is an interface.
    #[expect(clippy::too_many_arguments, reason = "the parts of a call, which two kinds of functions share")]
    fn arguments(
        &mut self,
        values: &mut Vec<Value>,
        name: &GoStr,
        params: &'static [Type],
        variadic: bool,
        args: &'t [Expr],
        last: Option<Typed>,
        mut seen: impl FnMut(usize, bool),
    ) -> Done<()> {
        let given = args.len() + usize::from(last.is_some());
        if variadic && given + 1 < params.len() {
            return self.fail(&format!(
                "wrong number of args for {name}: want at least {} got {}",
                params.len() - 1,
                args.len()
            ));
        }
        if !variadic && given != params.len() {
            return self.fail(&format!("wrong number of args for {name}: want {} got {given}", params.len()));
        }
        let rest = params.last().copied().unwrap_or(Type::Any);
        for (index, arg) in args.iter().enumerate() {
            let declared = params.get(index).copied().unwrap_or(rest);
            let value = self.argument(declared, arg)?;
            seen(index, value.interface);
            values.push(value.value);
        }
        if let Some(last) = last {
            let declared = params.get(args.len()).copied().unwrap_or(rest);
            let value = self.checked(last, declared)?;
            seen(args.len(), value.interface);
            values.push(value.value);
        }
        Ok(())
    }

    fn builtin(
        &mut self,
        builtin: Builtin,
        part: Part<'t>,
        name: &'t GoStr,
        args: &'t [Expr],
        last: Option<Typed>,
    ) -> Done<Typed> {
        self.budget.step()?;
        let signature = builtin.signature();
        let operands = args.get(1..).unwrap_or_default();
        if matches!(builtin, Builtin::And | Builtin::Or) {
            return self.short_circuit(builtin == Builtin::Or, name, operands, last);
        }
        let callee = if builtin == Builtin::Call { self.callee(operands, last.as_ref()) } else { String::new() };
        let mut values = self.budget.spare.pop().unwrap_or_default();
        let mut interfaces = 0_u64;
        self.arguments(&mut values, name, signature.params, signature.variadic, operands, last, |index, interface| {
            if interface && index < 64 {
                interfaces |= 1 << index;
            }
        })?;
        let result = {
            let mut call = Call::within(self.budget, self.templates);
            builtin::run(builtin, &mut call, &values, interfaces, &callee)
        };
        values.clear();
        self.budget.spare.push(values);
        match result {
            Ok(value) => self.counted(value),
            Err(err) => self.failed(part, name, err),
        }
    }

    /// What errors of `call` name the function.
    fn callee(&self, operands: &'t [Expr], last: Option<&Typed>) -> String {
        if let Some(first) = operands.first() {
            return self.show(Part::Expr(first));
        }
        match last {
            None => String::new(),
            Some(Typed { value: Value::Str(text), interface: false }) => text.to_text().into_owned(),
            Some(last) if last.is_invalid() => "<invalid Value>".to_owned(),
            Some(last) => format!("<{} Value>", last.type_name()),
        }
    }

    /// `and` and `or`: the first operand that decides, else the last.
    fn short_circuit(&mut self, wanted: bool, name: &GoStr, args: &'t [Expr], last: Option<Typed>) -> Done<Typed> {
        if args.is_empty() && last.is_none() {
            return self.fail(&format!("wrong number of args for {name}: want at least 1 got 0"));
        }
        let mut value = Typed::default();
        for arg in args {
            value = self.argument(Type::Reflect, arg)?;
            if value.value.truth() == wanted {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    /// The value, after what it takes is counted.
    fn counted(&mut self, value: Typed) -> Done<Typed> {
        let bytes = match &value.value {
            Value::Str(text) | Value::Bytes(text) => text.len(),
            // An element, and what there may be of a string in it.
            Value::List(list) => list.len() * 2 * size_of::<Value>(),
            // A new map, or an old one with one more entry; larger ones are counted by who makes them.
            Value::Map(_) => 8 * size_of::<Value>(),
            Value::Nil
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Int32(_)
            | Value::Int64(_)
            | Value::Uint8(_)
            | Value::Uint64(_)
            | Value::Float(_)
            | Value::Complex(_)
            | Value::Duration(_)
            | Value::Error(_)
            | Value::Func(_)
            | Value::Object(_) => 0,
        };
        self.budget.memory(bytes)?;
        Ok(value)
    }

    fn failed<T>(&mut self, part: Part<'t>, name: &GoStr, err: FuncError) -> Done<T> {
        self.at(part);
        match err {
            FuncError::Bound(bound) => Err(bound.into()),
            FuncError::Failed(message) => {
                // Each level of templates within templates copies what those below say.
                self.budget.memory(message.len())?;
                self.fail(&format!("error calling {name}: {message}"))
            }
        }
    }

    /// Writes the value of an action.
    pub(super) fn print(&mut self, value: &Value) -> Done<()> {
        let start = self.out.len();
        if let Value::Str(text) = value {
            self.out.extend_from_slice(text.as_bytes());
        } else if let Value::Nil = value {
            self.out.extend_from_slice(b"<no value>");
        } else if let Value::Func(_) = value {
            let action = self.part.map(|part| self.show(part)).unwrap_or_default();
            return self.fail(&format!("can't print {action} of type {}", value.type_name()));
        } else {
            fmt::append_printable(self.out, value, self.budget.memory_left())
                .map_err(|bound| self.budget.whole(bound))?;
        }
        self.budget.output(self.out.len() - start)?;
        Ok(())
    }
}
