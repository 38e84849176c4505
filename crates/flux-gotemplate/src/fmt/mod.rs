//! Go's fmt: `Sprint`, `Sprintln` and `Sprintf` over template values.
//!
//! The output is bounded, and so is the depth of values: a map may contain itself.

mod number;
mod text;
mod value;
mod verbs;

use crate::error::Bound;
use crate::value::{Kind, Value};

/// How deep values are printed.
const MOST_LEVELS: usize = 5_000;

/// What Go's `Sprint` gives: the values by `%v`, with blanks between two that are both no strings.
pub fn sprint(args: &[Value], limit: usize) -> Result<Vec<u8>, Bound> {
    let mut out = Vec::new();
    append_print(&mut out, args, limit)?;
    Ok(out)
}

/// Appends what [`sprint`] gives.
pub fn append_print(out: &mut Vec<u8>, args: &[Value], limit: usize) -> Result<(), Bound> {
    let mut printer = Printer::new(out, limit);
    let mut after_string = true;
    for arg in args {
        let is_string = arg.kind() == Kind::Str;
        if !is_string && !after_string {
            printer.out.push(b' ');
        }
        printer.argument(arg, 'v');
        after_string = is_string;
    }
    printer.finish()
}

/// Appends the value as templates print it: by `%v`, and what a pointer points at.
pub(crate) fn append_printable(out: &mut Vec<u8>, value: &Value, limit: usize) -> Result<(), Bound> {
    let mut printer = Printer::new(out, limit);
    printer.indirect(value);
    printer.finish()
}

/// The value by `%v`, or what it points at.
pub(crate) fn dereferenced(value: &Value, limit: usize) -> Result<Vec<u8>, Bound> {
    let mut out = Vec::new();
    let mut printer = Printer::new(&mut out, limit);
    printer.dereferenced(value);
    printer.finish()?;
    Ok(out)
}

/// What Go's `Sprintln` gives: the values by `%v`, blanks between, a line's end after.
pub fn sprintln(args: &[Value], limit: usize) -> Result<Vec<u8>, Bound> {
    let mut out = Vec::new();
    let mut printer = Printer::new(&mut out, limit);
    for (index, arg) in args.iter().enumerate() {
        if index > 0 {
            printer.out.push(b' ');
        }
        printer.argument(arg, 'v');
    }
    printer.out.push(b'\n');
    printer.finish()?;
    Ok(out)
}

/// What Go's `Sprintf` gives, `%!` complaints included.
pub fn sprintf(format: &[u8], args: &[Value], limit: usize) -> Result<Vec<u8>, Bound> {
    let mut out = Vec::with_capacity(format.len() + 16 * args.len());
    let mut printer = Printer::new(&mut out, limit);
    printer.format(format, args);
    printer.finish()?;
    Ok(out)
}

/// Flags, width and precision of a verb.
#[derive(Clone, Copy, Default)]
struct Flags {
    width: Option<usize>,
    precision: Option<usize>,
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v`: structs with their fields' names.
    plus_v: bool,
    /// `%#v`: Go syntax.
    sharp_v: bool,
}

struct Printer<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    limit: usize,
    flags: Flags,
    /// Inside of a complaint: the text methods of values are not asked.
    complaining: bool,
    failed: Option<Bound>,
}

impl<'o> Printer<'o> {
    fn new(out: &'o mut Vec<u8>, limit: usize) -> Self {
        let start = out.len();
        Self { out, start, limit, flags: Flags::default(), complaining: false, failed: None }
    }

    /// Whether printing must stop: too much was written, or too deep.
    fn full(&mut self) -> bool {
        if self.out.len() - self.start > self.limit {
            self.failed.get_or_insert(Bound::Memory(self.limit));
        }
        self.failed.is_some()
    }

    fn finish(mut self) -> Result<(), Bound> {
        self.full();
        self.failed.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{List, Map};

    #[track_caller]
    fn check(format: &str, args: &[Value], expected: &str) {
        let text = sprintf(format.as_bytes(), args, 1 << 20).unwrap();
        assert_eq!(String::from_utf8_lossy(&text), expected, "{format}");
    }

    #[test]
    fn verbs_widths_and_flags_print_as_in_go() {
        let int = Value::Int(-42);
        check(
            "%d|%5d|%-5d|%05d|%+d|% d|%x|%#x|%o|%O|%b|%c|%U",
            &vec![int.clone(); 12],
            "-42|  -42|-42  |-0042|-42|-42|-2a|-0x2a|-52|-0o52|-101010|\u{fffd}|%!U(MISSING)",
        );
        check(
            "%q|%x|%X|% x|%10.2s|%-5s|",
            &vec![Value::from("héy"); 6],
            "\"héy\"|68c3a979|68C3A979|68 c3 a9 79|        hé|héy  |",
        );
        check(
            "%6.2f|%e|%g|%v|%t",
            &vec![Value::Float(1e6); 5],
            "1000000.00|1.000000e+06|1e+06|1e+06|%!t(float64=1e+06)",
        );
        check("%v %T %[1]d %s", &[Value::Bool(true)], "true %!T(MISSING) %!d(bool=true) %!s(MISSING)");
        check("%d", &[Value::Nil], "%!d(<nil>)");
        check("%z %!", &[Value::Int(1)], "%!z(int=1) %!!(MISSING)");
        check("%", &[], "%!(NOVERB)");
        check("a", &[Value::Int(1), Value::Nil], "a%!(EXTRA int=1, <nil>)");
        check("%*d|%.*f", &[Value::Int(4), Value::Int(7), Value::Int(1), Value::Float(2.55)], "   7|2.5");
    }

    #[test]
    fn maps_print_sorted_and_lists_in_brackets() {
        let map = Value::map([("b".into(), Value::Int(1)), ("a".into(), Value::Nil)]);
        let list = Value::list(vec![map, Value::from("x"), Value::Nil]);
        check("%v", std::slice::from_ref(&list), "[map[a:<nil> b:1] x <nil>]");
        check("%q", std::slice::from_ref(&list), "[map[\"a\":<nil> \"b\":'\\x01'] \"x\" <nil>]");
        check(
            "%#v",
            &[list],
            "[]interface {}{map[string]interface {}{\"a\":interface {}(nil), \"b\":1}, \"x\", interface {}(nil)}",
        );
        check("%v %s", &[Value::Bytes("hi".into()), Value::Bytes("hi".into())], "[104 105] hi");
    }

    #[test]
    fn values_that_contain_themselves_are_refused() {
        let map = Map::new();
        map.insert("self".into(), Value::Map(map.clone()));
        assert_eq!(sprint(&[Value::Map(map.clone())], 1 << 20), Err(Bound::Nesting(MOST_LEVELS)));
        assert_eq!(sprint(&[Value::Map(map.clone())], 100), Err(Bound::Memory(100)));
        map.replace(crate::value::Entries::new());
    }

    #[test]
    fn print_puts_blanks_between_operands_that_are_no_strings() {
        let args = [
            Value::Int(1),
            Value::Int(2),
            Value::from("a"),
            Value::from("b"),
            Value::Nil,
            Value::List(List::nil(&crate::Type::Any)),
        ];
        assert_eq!(sprint(&args, 100).unwrap(), b"1 2ab<nil> []");
        assert_eq!(sprintln(&args[2..4], 100).unwrap(), b"a b\n");
    }
}
