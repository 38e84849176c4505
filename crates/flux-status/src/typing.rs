//! What type a CEL expression has, as far as that shows without the values it reads, and which functions it names.
//!
//! cel-go's compiler knows the same: fields of the variables have any type, literals, operators and functions their own.

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue};

/// The type of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    /// A field of a variable: any type, which no compiler knows.
    Dyn,
    /// Another type, by cel-go's name.
    Other(&'static str),
    /// A type that is not followed here, such as that of an optional value.
    Unfollowed,
}

/// A function that there is none of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnknownFunction(pub(crate) String);

/// Functions and macros by name, with the type of their result; operators aside.
const FUNCTIONS: [(&[&str], Type); 12] = [
    (
        &[
            "bool",
            "contains",
            "startsWith",
            "endsWith",
            "matches",
            "hasValue",
            "sets.contains",
            "sets.equivalent",
            "sets.intersects",
            "@not_strictly_false",
            "@in",
            "_in_",
        ],
        Type::Bool,
    ),
    (
        &[
            "size",
            "int",
            "indexOf",
            "lastIndexOf",
            "getDate",
            "getDayOfMonth",
            "getDayOfWeek",
            "getDayOfYear",
            "getFullYear",
            "getHours",
            "getMilliseconds",
            "getMinutes",
            "getMonth",
            "getSeconds",
        ],
        Type::Other("int"),
    ),
    (&["uint"], Type::Other("uint")),
    (&["double"], Type::Other("double")),
    (
        &[
            "string",
            "charAt",
            "format",
            "join",
            "lowerAscii",
            "upperAscii",
            "replace",
            "reverse",
            "substring",
            "trim",
            "strings.quote",
            "base64.encode",
        ],
        Type::Other("string"),
    ),
    (&["bytes", "base64.decode"], Type::Other("bytes")),
    (&["split"], Type::Other("list(string)")),
    (&["timestamp"], Type::Other("timestamp")),
    (&["duration"], Type::Other("duration")),
    (&["type"], Type::Other("type")),
    (&["dyn"], Type::Dyn),
    (
        &[
            "optional.of",
            "optional.none",
            "optional.ofNonZeroValue",
            "value",
            "or",
            "orValue",
            "optMap",
            "optFlatMap",
            "_?._",
            "_[?_]",
        ],
        Type::Unfollowed,
    ),
];

/// The type of `node`, and an error when it names a function that there is none of.
pub(crate) fn infer(node: &IdedExpr) -> Result<Type, UnknownFunction> {
    match &node.expr {
        Expr::Literal(literal) => Ok(literal_type(literal)),
        Expr::Ident(_) => Ok(Type::Dyn),
        Expr::Select(select) => {
            infer(&select.operand)?;
            Ok(if select.test { Type::Bool } else { Type::Dyn })
        }
        Expr::List(list) => {
            list.elements.iter().try_for_each(|element| infer(element).map(drop))?;
            Ok(Type::Other("list"))
        }
        Expr::Map(map) => {
            map.entries.iter().try_for_each(|entry| entry_types(&entry.expr))?;
            Ok(Type::Other("map"))
        }
        Expr::Struct(made) => {
            made.entries.iter().try_for_each(|entry| entry_types(&entry.expr))?;
            Ok(Type::Unfollowed)
        }
        Expr::Comprehension(comprehension) => {
            let start = infer(&comprehension.accu_init)?;
            for part in [&comprehension.iter_range, &comprehension.loop_cond, &comprehension.loop_step] {
                infer(part)?;
            }
            match &comprehension.result.expr {
                // What `all`, `exists`, `map` and `filter` gather has the type that they begin with.
                Expr::Ident(name) if *name == comprehension.accu_var => Ok(start),
                _ => infer(&comprehension.result),
            }
        }
        Expr::Call(call) => call_type(call),
        Expr::Unspecified => Ok(Type::Unfollowed),
    }
}

fn entry_types(entry: &EntryExpr) -> Result<(), UnknownFunction> {
    match entry {
        EntryExpr::StructField(field) => infer(&field.value).map(drop),
        EntryExpr::MapEntry(entry) => infer(&entry.key).and(infer(&entry.value)).map(drop),
    }
}

fn literal_type(literal: &LiteralValue) -> Type {
    match literal {
        LiteralValue::Boolean(_) => Type::Bool,
        LiteralValue::Bytes(_) => Type::Other("bytes"),
        LiteralValue::Double(_) => Type::Other("double"),
        LiteralValue::Int(_) => Type::Other("int"),
        LiteralValue::Null => Type::Other("null"),
        LiteralValue::String(_) => Type::Other("string"),
        LiteralValue::UInt(_) => Type::Other("uint"),
    }
}

fn call_type(call: &CallExpr) -> Result<Type, UnknownFunction> {
    let arguments: Vec<Type> = call.args.iter().map(infer).collect::<Result<_, _>>()?;
    match (call.func_name.as_str(), arguments.as_slice()) {
        ("_&&_" | "_||_" | "!_" | "_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_", _) => return Ok(Type::Bool),
        ("_?_:_", [_, yes, no]) => return Ok(if yes == no { *yes } else { Type::Unfollowed }),
        ("_[_]", _) => return Ok(Type::Dyn),
        ("-_", [only]) => return Ok(*only),
        ("_+_" | "_-_" | "_*_" | "_/_" | "_%_", [left, right]) => {
            return Ok(if left == right { *left } else { Type::Unfollowed });
        }
        _ => {}
    }
    let named = |name: &str| FUNCTIONS.iter().find(|(names, _)| names.contains(&name)).map(|(_, found)| *found);
    let name = match call.target.as_deref() {
        // A receiver that is only a name may be a namespace.
        Some(IdedExpr { expr: Expr::Ident(namespace), .. }) => {
            let whole = format!("{namespace}.{}", call.func_name);
            if named(&whole).is_some() { whole } else { call.func_name.clone() }
        }
        Some(target) => {
            infer(target)?;
            call.func_name.clone()
        }
        None => call.func_name.clone(),
    };
    named(&name).ok_or(UnknownFunction(name))
}

impl Type {
    /// cel-go's name of the type.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Dyn | Self::Unfollowed => "dyn",
            Self::Other(name) => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use cel::Env;

    use super::*;
    use crate::Expression;

    #[test]
    fn literals_operators_and_functions_tell_the_type() {
        let check = |text: &str, expected: Type| {
            let program = Env::stdlib().compile(text).unwrap();
            assert_eq!(infer(program.expression()), Ok(expected), "{text}");
        };
        for text in [
            "true",
            "dep.a == dep.b",
            "!dep.a",
            "dep.a && dep.b",
            "has(dep.a)",
            "dep.a.all(x, x.b)",
            "dep.a.exists(x, x.b)",
            "dep.a.exists_one(x, x.b)",
            "'a' in dep.b",
            "dep.a.startsWith('x')",
            "dep.a ? true : false",
            "dep.a.filter(x, x.b == 1).all(x, x.c)",
        ] {
            check(text, Type::Bool);
        }
        for text in ["dep.a", "dep.a[0]", "dep.a['b'].c", "self"] {
            check(text, Type::Dyn);
        }
        check("1 + 2", Type::Other("int"));
        check("size(dep.a)", Type::Other("int"));
        check("'a' + 'b'", Type::Other("string"));
        check("dep.a.map(x, x.b)", Type::Other("list"));
        check("{'a': dep.b}", Type::Other("map"));
        check("dep.a + 1", Type::Unfollowed);
    }

    #[test]
    fn an_expression_of_another_type_or_with_an_unknown_function_is_refused() {
        let check = |text: &str, expected: &str| {
            let err = Expression::with_variables(text, &["self", "dep"]).unwrap_err();
            assert_eq!(err.to_string(), expected, "{text}");
        };
        check("dep.status.ready", "CEL expression output type mismatch: expected bool, got dyn");
        check("size(dep.status.conditions)", "CEL expression output type mismatch: expected bool, got int");
        check("isReady(dep)", "failed to parse the CEL expression 'isReady(dep)': undeclared reference to 'isReady'");
        check(
            "dep.a.all(x, x.startWith('b'))",
            "failed to parse the CEL expression 'dep.a.all(x, x.startWith('b'))': undeclared reference to 'startWith'",
        );
        for text in ["dep.?a.orValue(false)", "sets.contains(dep.a, self.b)", "base64.decode(dep.a) == b'x'"] {
            assert!(Expression::with_variables(text, &["self", "dep"]).is_ok(), "{text}");
        }
    }
}
