//! Functions that templates call: their signatures, their bodies, and the table of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::call::Call;
use crate::error::FuncError;
use crate::funcs::builtin::Builtin;
use crate::value::{GoStr, List, Map, Type, Value};

/// What a function takes and gives. Calls are checked against it as Go's reflection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The parameters' types; of a variadic function, the last is that of each further argument.
    pub params: &'static [Type],
    /// Whether the last parameter takes any number of arguments, none too.
    pub variadic: bool,
    /// The result's declared type.
    pub result: Type,
}

impl Signature {
    /// A function of exactly these parameters.
    pub const fn fixed(params: &'static [Type], result: Type) -> Self {
        Self { params, variadic: false, result }
    }

    /// A function whose last parameter may come any number of times.
    pub const fn variadic(params: &'static [Type], result: Type) -> Self {
        Self { params, variadic: true, result }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("func(")?;
        for (index, param) in self.params.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            if self.variadic && index + 1 == self.params.len() {
                f.write_str("...")?;
            }
            write!(f, "{param}")?;
        }
        write!(f, ") {}", self.result)
    }
}

/// The body of a function that needs nothing but its arguments and the call.
pub type Plain = fn(&mut Call<'_, '_>, Args<'_>) -> Result<Value, FuncError>;

/// The body of a function that holds something of the host's.
pub type Closure = dyn Fn(&mut Call<'_, '_>, Args<'_>) -> Result<Value, FuncError> + Send + Sync;

/// A function: the arguments that reach its body fit its signature.
#[derive(Clone)]
pub struct Function {
    /// What it takes and gives.
    pub signature: Signature,
    body: Body,
}

#[derive(Clone)]
enum Body {
    Plain(Plain),
    Closure(Arc<Closure>),
}

impl Function {
    /// A function without state.
    pub const fn plain(signature: Signature, body: Plain) -> Self {
        Self { signature, body: Body::Plain(body) }
    }

    /// A function that holds something of the host's, such as a method bound to its value.
    pub fn closure(
        signature: Signature,
        body: impl Fn(&mut Call<'_, '_>, Args<'_>) -> Result<Value, FuncError> + Send + Sync + 'static,
    ) -> Self {
        Self { signature, body: Body::Closure(Arc::new(body)) }
    }

    pub(crate) fn run(&self, call: &mut Call<'_, '_>, args: &[Value]) -> Result<Value, FuncError> {
        match &self.body {
            Body::Plain(body) => body(call, Args(args)),
            Body::Closure(body) => body(call, Args(args)),
        }
    }
}

/// The arguments of a call, already checked against the function's signature.
///
/// The typed getters give the type's zero value for an argument of another type: the check has made that impossible
/// for parameters declared with that type.
#[derive(Clone, Copy)]
pub struct Args<'a>(&'a [Value]);

static NIL: Value = Value::Nil;

impl<'a> Args<'a> {
    /// Arguments for calling a body directly.
    pub fn new(values: &'a [Value]) -> Self {
        Self(values)
    }

    /// All arguments.
    pub fn all(self) -> &'a [Value] {
        self.0
    }

    /// The number of arguments.
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The argument at `index`, nil when there is none.
    pub fn get(self, index: usize) -> &'a Value {
        self.0.get(index).unwrap_or(&NIL)
    }

    /// The arguments from `index` on: those of the variadic parameter.
    pub fn rest(self, index: usize) -> &'a [Value] {
        self.0.get(index..).unwrap_or_default()
    }

    /// A parameter of [`Type::Str`], as bytes.
    pub fn bytes(self, index: usize) -> &'a [u8] {
        if let Value::Str(text) | Value::Bytes(text) = self.get(index) { text.as_bytes() } else { &[] }
    }

    /// A parameter of [`Type::Str`].
    pub fn string(self, index: usize) -> GoStr {
        if let Value::Str(text) | Value::Bytes(text) = self.get(index) { text.clone() } else { GoStr::default() }
    }

    /// A parameter of [`Type::Str`] as text, with U+FFFD for each bad byte.
    pub fn text(self, index: usize) -> std::borrow::Cow<'a, str> {
        crate::value::to_text(self.bytes(index))
    }

    /// A parameter of any signed integer type.
    pub fn int(self, index: usize) -> i64 {
        self.get(index).as_signed().unwrap_or_default()
    }

    /// A parameter of [`Type::Float64`].
    pub fn float(self, index: usize) -> f64 {
        if let Value::Float(value) = self.get(index) { *value } else { 0.0 }
    }

    /// A parameter of [`Type::Bool`].
    pub fn bool(self, index: usize) -> bool {
        matches!(self.get(index), Value::Bool(true))
    }

    /// A parameter of a map type; nil comes as the nil map.
    pub fn map(self, index: usize) -> Map {
        self.get(index).as_map().cloned().unwrap_or_else(Map::nil_plain)
    }

    /// A parameter of a list type; nil comes as the nil list.
    pub fn list(self, index: usize) -> List {
        self.get(index).as_list().cloned().unwrap_or_else(|| List::nil(&Type::Any))
    }
}

/// The functions that templates may call, besides the builtin ones, which they may replace.
#[derive(Clone, Default)]
pub struct Functions {
    index: HashMap<&'static str, usize>,
    list: Vec<(&'static str, Function)>,
    replaces_builtin: bool,
}

/// Where a function was found when a template was parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    Listed(u32),
    Builtin(Builtin),
}

/// A function that a template calls.
pub(crate) enum Callee<'f> {
    Function(&'f Function),
    Builtin(Builtin),
}

impl Functions {
    /// No functions but the builtin ones.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function, or replaces the one of that name.
    pub fn add(&mut self, name: &'static str, function: Function) {
        self.replaces_builtin |= Builtin::named(name).is_some();
        if let Some(slot) = self.index.get(name).and_then(|at| self.list.get_mut(*at)) {
            slot.1 = function;
        } else {
            self.index.insert(name, self.list.len());
            self.list.push((name, function));
        }
    }

    /// Adds functions without state from a table.
    pub fn extend(&mut self, table: &[(&'static str, Signature, Plain)]) {
        for (name, signature, body) in table {
            self.add(name, Function::plain(*signature, *body));
        }
    }

    /// The function of that name.
    pub fn get(&self, name: &str) -> Option<&Function> {
        let at = *self.index.get(name)?;
        self.list.get(at).map(|(_, function)| function)
    }

    /// Where the function of that name is to be found again, if there is one.
    pub(crate) fn hint(&self, name: &[u8]) -> Option<Hint> {
        let text = std::str::from_utf8(name).ok()?;
        match self.index.get(text) {
            Some(at) => Some(Hint::Listed(u32::try_from(*at).ok()?)),
            None => Builtin::named(text).map(Hint::Builtin),
        }
    }

    /// The function of that name, which is likely where the hint says.
    pub(crate) fn find(&self, name: &[u8], hint: Hint) -> Option<Callee<'_>> {
        match hint {
            Hint::Listed(at) => {
                if let Some((known, function)) = self.list.get(at as usize)
                    && known.as_bytes() == name
                {
                    return Some(Callee::Function(function));
                }
            }
            Hint::Builtin(builtin) if !self.replaces_builtin => return Some(Callee::Builtin(builtin)),
            Hint::Builtin(_) => {}
        }
        let name = std::str::from_utf8(name).ok()?;
        match self.get(name) {
            Some(function) => Some(Callee::Function(function)),
            None => Builtin::named(name).map(Callee::Builtin),
        }
    }

    /// The names, in the order of their adding.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.list.iter().map(|(name, _)| *name)
    }
}
