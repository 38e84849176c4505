//! Pipelines, commands and operands.

use super::field::quick;
use super::{Done, Exec, MORE_STACK, RED_ZONE, Typed};
use crate::parse::{Command, Expr, Number, Part, PipeId};
use crate::value::{GoStr, Type, Value};

impl<'t> Exec<'t, '_, '_> {
    /// The value of a pipeline; its variables are set.
    pub(super) fn pipeline(&mut self, id: PipeId) -> Done<Typed> {
        let tree = self.tree;
        let pipe = tree.pipe(id);
        self.at(Part::Pipe(pipe));
        let mut value = None;
        for command in &pipe.commands {
            let mut result = self.command(command, value)?;
            // What an interface holds is taken out of it.
            result.interface = false;
            value = Some(result);
        }
        let value = value.unwrap_or_default();
        for variable in &pipe.variables {
            if pipe.assigns {
                self.set_variable(*variable, value.clone())?;
            } else {
                self.variables.push((*variable, value.clone()));
            }
        }
        Ok(value)
    }

    fn not_a_function(&self, args: &'t [Expr], last: Option<&Typed>) -> Done<()> {
        match args.first() {
            Some(first) if args.len() > 1 || last.is_some() => {
                let first = self.show(Part::Expr(first));
                self.fail(&format!("can't give argument to non-function {first}"))
            }
            _ => Ok(()),
        }
    }

    fn command(&mut self, command: &'t Command, last: Option<Typed>) -> Done<Typed> {
        let args = command.args.as_slice();
        let Some(first) = args.first() else {
            return Ok(Typed::default());
        };
        match first {
            Expr::Field(_, fields) => {
                self.at(Part::Expr(first));
                if args.len() == 1
                    && last.is_none()
                    && let Some(value) = quick(&self.dot.value, fields)
                {
                    return Ok(value);
                }
                let dot = self.dot.clone();
                return self.fields(dot, first, fields, args, last);
            }
            Expr::Chain(_, node, fields) => return self.chain(first, node, fields, args, last),
            Expr::Identifier(_, name, hint) => {
                self.at(Part::Expr(first));
                return self.function(name, *hint, Part::Command(command), args, last);
            }
            Expr::Pipe(id) => {
                self.not_a_function(args, last.as_ref())?;
                return self.parenthesized(*id);
            }
            Expr::Variable(_, id, fields) => {
                self.at(Part::Expr(first));
                let value = self.variable(*id)?;
                if fields.is_empty() {
                    let value = value.clone();
                    self.not_a_function(args, last.as_ref())?;
                    return Ok(value);
                }
                if args.len() == 1
                    && last.is_none()
                    && let Some(value) = quick(&value.value, fields)
                {
                    return Ok(value);
                }
                let value = value.clone();
                return self.fields(value, first, fields, args, last);
            }
            Expr::Dot(_) | Expr::Nil(_) | Expr::Bool(..) | Expr::Number(..) | Expr::Str(..) => {}
        }
        self.at(Part::Expr(first));
        self.not_a_function(args, last.as_ref())?;
        match first {
            Expr::Dot(_) => Ok(self.dot.clone()),
            Expr::Nil(_) => self.fail("nil is not a command"),
            _ => self.constant(first),
        }
    }

    /// The value of a pipeline in parentheses. Go's stack is as deep as templates can nest them; ours is made so.
    pub(super) fn parenthesized(&mut self, id: PipeId) -> Done<Typed> {
        stacker::maybe_grow(RED_ZONE, MORE_STACK, || self.pipeline(id))
    }

    fn chain(
        &mut self,
        expr: &'t Expr,
        node: &'t Expr,
        fields: &'t [GoStr],
        args: &'t [Expr],
        last: Option<Typed>,
    ) -> Done<Typed> {
        self.at(Part::Expr(expr));
        if matches!(node, Expr::Nil(_)) {
            let chain = self.show(Part::Expr(expr));
            return self.fail(&format!("indirection through explicit nil in {chain}"));
        }
        self.at(Part::Expr(node));
        let receiver = self.operand(node)?.unwrap_or_default();
        self.fields(receiver, expr, fields, args, last)
    }

    /// The value of an operand that is no constant; `None` for constants.
    fn operand(&mut self, expr: &'t Expr) -> Done<Option<Typed>> {
        Ok(Some(match expr {
            Expr::Dot(_) => self.dot.clone(),
            Expr::Field(_, fields) => {
                if let Some(value) = quick(&self.dot.value, fields) {
                    value
                } else {
                    let dot = self.dot.clone();
                    self.fields(dot, expr, fields, &[], None)?
                }
            }
            Expr::Variable(_, id, fields) => {
                let value = self.variable(*id)?;
                if fields.is_empty() {
                    value.clone()
                } else if let Some(value) = quick(&value.value, fields) {
                    value
                } else {
                    let value = value.clone();
                    self.fields(value, expr, fields, &[], None)?
                }
            }
            Expr::Pipe(id) => self.parenthesized(*id)?,
            Expr::Identifier(_, name, hint) => self.function(name, *hint, Part::Expr(expr), &[], None)?,
            Expr::Chain(_, node, fields) => self.chain(expr, node, fields, &[], None)?,
            Expr::Nil(_) | Expr::Bool(..) | Expr::Number(..) | Expr::Str(..) => return Ok(None),
        }))
    }

    /// The value of an argument of the declared type.
    pub(super) fn argument(&mut self, declared: Type, expr: &'t Expr) -> Done<Typed> {
        self.at(Part::Expr(expr));
        if let Expr::Nil(_) = expr {
            return match super::check::zero(declared) {
                Some(value) => Ok(Typed::plain(value)),
                None => self.fail(&format!("cannot assign nil to {declared}")),
            };
        }
        if let Some(value) = self.operand(expr)? {
            return self.checked(value, declared);
        }
        self.literal(declared, expr)
    }

    fn literal(&mut self, declared: Type, expr: &'t Expr) -> Done<Typed> {
        let number = if let Expr::Number(_, number) = expr { Some(&**number) } else { None };
        let int = number.and_then(|number| number.int);
        let uint = number.and_then(|number| number.uint);
        let (value, wanted) = match declared {
            Type::Any | Type::Reflect => return self.constant(expr),
            Type::Bool => (if let Expr::Bool(_, value) = expr { Some(Value::Bool(*value)) } else { None }, "bool"),
            Type::Str => (if let Expr::Str(_, _, value) = expr { Some(value.clone()) } else { None }, "string"),
            Type::Int => (int.map(Value::Int), "integer"),
            Type::Int64 => (int.map(Value::Int64), "integer"),
            Type::Duration => (int.map(Value::Duration), "integer"),
            #[expect(clippy::cast_possible_truncation, reason = "Go cuts off the upper bits here")]
            Type::Int32 => (int.map(|value| Value::Int32(value as i32)), "integer"),
            #[expect(clippy::cast_possible_truncation, reason = "Go cuts off the upper bits here")]
            Type::Uint8 => (uint.map(|value| Value::Uint8(value as u8)), "unsigned integer"),
            Type::Uint64 => (uint.map(Value::Uint64), "unsigned integer"),
            Type::Float64 => (number.and_then(|number| number.float).map(Value::Float), "float"),
            Type::Complex128 => {
                (number.and_then(|number| number.complex).map(|value| Value::Complex(value.into())), "complex")
            }
            Type::List(_) | Type::Map(_) | Type::NamedMap(_) | Type::Error | Type::Func(_) | Type::Object(_) => {
                let expr = self.show(Part::Expr(expr));
                return self.fail(&format!("can't handle {expr} for arg of type {declared}"));
            }
        };
        if let Some(value) = value {
            return Ok(Typed::plain(value));
        }
        let expr = self.show(Part::Expr(expr));
        self.fail(&format!("expected {wanted}; found {expr}"))
    }

    /// The value of a constant where no type is asked for.
    fn constant(&mut self, expr: &'t Expr) -> Done<Typed> {
        let value = match expr {
            Expr::Bool(_, value) => Value::Bool(*value),
            Expr::Str(_, _, value) => value.clone(),
            Expr::Number(_, number) => self.ideal(number)?,
            Expr::Identifier(..)
            | Expr::Variable(..)
            | Expr::Dot(_)
            | Expr::Nil(_)
            | Expr::Field(..)
            | Expr::Chain(..)
            | Expr::Pipe(_) => Value::Nil,
        };
        Ok(Typed::plain(value))
    }

    fn ideal(&self, number: &Number) -> Done<Value> {
        if let Some(value) = number.complex {
            return Ok(Value::Complex(value.into()));
        }
        let text = number.text.as_bytes();
        let is_hex = matches!(text, [b'0', b'x' | b'X', _, ..]) && !text.iter().any(|byte| b"pP".contains(byte));
        let is_rune = text.first() == Some(&b'\'');
        let looks_float = text.iter().any(|byte| b".eEpP".contains(byte));
        if let Some(value) = number.float
            && !is_hex
            && !is_rune
            && looks_float
        {
            return Ok(Value::Float(value));
        }
        match (number.int, number.uint) {
            (Some(value), _) => Ok(Value::Int(value)),
            (None, Some(_)) => self.fail(&format!("{} overflows int", number.text)),
            (None, None) => Ok(Value::Nil),
        }
    }
}
