//! What hostile templates cannot do.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flux_gotemplate::value::Entries;
use flux_gotemplate::{
    Bound, Budget, Error, FuncError, Function, Functions, Limits, List, Map, MissingKey, Signature, Templates, Type,
    Value,
};

const SMALL: Limits = Limits { output: 1 << 16, steps: 20_000, memory: 1 << 20, depth: 50 };

/// Functions that make lists and maps, change maps, and render templates, as charts have them.
fn functions() -> Arc<Functions> {
    let mut functions = Functions::new();
    functions.add(
        "list",
        Function::plain(Signature::variadic(&[Type::Any], Type::LIST), |_, args| {
            Ok(Value::List(List::new(args.all().to_vec())))
        }),
    );
    functions.add(
        "dict",
        Function::plain(Signature::fixed(&[], Type::MAP), |_, _| Ok(Value::Map(Map::from_entries(Entries::new())))),
    );
    functions.add(
        "set",
        Function::plain(Signature::fixed(&[Type::MAP, Type::Str, Type::Any], Type::MAP), |_, args| {
            args.map(0).insert(args.string(1), args.get(2).clone());
            Ok(args.get(0).clone())
        }),
    );
    functions.add(
        "include",
        Function::plain(Signature::fixed(&[Type::Str, Type::Any], Type::Str), |call, args| {
            let templates = call.templates().ok_or_else(|| FuncError::new("no templates"))?;
            Ok(call.render(templates, args.bytes(0), args.get(1))?.into())
        }),
    );
    functions.add(
        "tpl",
        Function::plain(Signature::fixed(&[Type::Str, Type::Any], Type::Str), |call, args| {
            let mut templates = call.templates().ok_or_else(|| FuncError::new("no templates"))?.fork();
            templates.add(&call.parse(&templates, "tpl", args.string(0))?);
            Ok(call.render(&templates, b"tpl", args.get(1))?.into())
        }),
    );
    Arc::new(functions)
}

fn render_within(tpl: &str, limits: Limits) -> Result<String, Error> {
    let _scope = flux_gotemplate::value::Scope::enter();
    let mut templates = Templates::new(functions(), MissingKey::Invalid);
    templates.parse("t", tpl)?;
    let mut out = Vec::new();
    templates.execute(b"t", &Value::Nil, &mut Budget::new(limits), &mut out)?;
    assert!(out.len() <= limits.output);
    Ok(String::from_utf8_lossy(&out).into_owned())
}

#[track_caller]
fn check_bound(tpl: &str, expected: Bound) {
    assert_eq!(render_within(tpl, SMALL), Err(Error::Bound(expected)), "{tpl}");
}

#[test]
fn output_steps_memory_and_depth_are_bounded() {
    check_bound("{{range 9223372036854775807}}aaaaaaaaaa{{end}}", Bound::Output(1 << 16));
    check_bound("{{range 9223372036854775807}}{{end}}", Bound::Steps(20_000));
    check_bound("{{$x := \"aa\"}}{{range 64}}{{$x = print $x $x}}{{end}}", Bound::Memory(1 << 20));
    check_bound("{{$x := list}}{{range 64}}{{$x = list $x $x}}{{end}}{{$x}}", Bound::Memory(1 << 20));
    check_bound("{{define \"a\"}}{{include \"a\" .}}{{end}}{{include \"a\" .}}", Bound::Depth(50));
    check_bound("{{$t := `{{tpl . .}}`}}{{tpl $t $t}}", Bound::Depth(50));
}

#[test]
fn values_that_contain_themselves_are_refused_where_they_are_printed() {
    assert_eq!(
        render_within("{{$d := dict}}{{$_ := set $d `a` $d}}{{len $d.a.a.a}}{{$d}}", SMALL),
        Err(Error::Bound(Bound::Nesting(5000)))
    );
}

#[test]
fn a_set_cancel_flag_stops_an_execution() {
    let mut templates = Templates::new(functions(), MissingKey::Invalid);
    templates.parse("t", "{{range 1000000}}{{end}}").unwrap();
    let cancelled = AtomicBool::new(true);
    let mut budget = Budget::new(Limits::default()).cancelled_by(&cancelled);
    let done = templates.execute(b"t", &Value::Nil, &mut budget, &mut Vec::new());
    assert_eq!(done, Err(Error::Bound(Bound::Cancelled)));
}

#[test]
fn templates_that_call_themselves_without_end_fail_as_in_go() {
    let err = render_within(
        "{{define \"a\"}}{{if true}}{{template \"a\"}}{{end}}{{end}}{{template \"a\"}}",
        Limits::default(),
    );
    let expected =
        "template: t:1:36: executing \"a\" at <{{template \"a\"}}>: exceeded maximum template depth (100000)";
    assert_eq!(err.unwrap_err().to_string(), expected);
}

#[test]
fn deep_inclusion_does_not_overflow_the_stack() {
    let tpl = "{{define \"a\"}}{{if .}}{{include \"a\" (slice . 1)}}{{else}}end{{end}}{{end}}{{include \"a\" (printf \"%2000s\" \"\")}}";
    assert_eq!(render_within(tpl, Limits::default()).as_deref(), Ok("end"));
}

#[test]
fn deeply_nested_templates_are_parsed_and_executed() {
    let parens = format!("{{{{{}1{}}}}}", "(".repeat(9_999), ")".repeat(9_999));
    assert_eq!(render_within(&parens, Limits::default()).as_deref(), Ok("1"));
    let branches = format!("{}x{}", "{{if true}}".repeat(9_000), "{{end}}".repeat(9_000));
    assert_eq!(render_within(&branches, Limits::default()).as_deref(), Ok("x"));
    let chained = format!("{{{{if false}}}}{}x{{{{end}}}}", "{{else if true}}".repeat(9_000));
    assert_eq!(render_within(&chained, Limits::default()).as_deref(), Ok(""));
    let refused = render_within(&"{{if true}}".repeat(100_000), Limits::default()).unwrap_err();
    assert_eq!(refused.to_string(), "template: t:1: control structures are nested too deep");
}

#[test]
fn the_same_text_parsed_again_gives_the_same_and_is_no_longer_counted() {
    let tpl = "{{range 3}}{{tpl `{{define \"x\"}}<{{.}}>{{end}}{{template \"x\" .}}` .}}{{end}}";
    assert_eq!(render_within(tpl, SMALL).as_deref(), Ok("<0><1><2>"));
    let long = format!("{{{{range 50}}}}{{{{tpl `x{{{{/*{}*/}}}}` .}}}}{{{{end}}}}", " ".repeat(30_000));
    assert_eq!(render_within(&long, SMALL), Ok("x".repeat(50)));
}

#[test]
fn a_fork_does_not_show_its_templates_to_the_set_it_came_from() {
    let mut templates = Templates::new(functions(), MissingKey::Invalid);
    templates
        .parse("t", "{{tpl `{{define \"b\"}}2{{end}}{{template \"a\"}}{{template \"b\"}}` .}}{{define \"a\"}}1{{end}}")
        .unwrap();
    let mut out = Vec::new();
    templates.execute(b"t", &Value::Nil, &mut Budget::new(SMALL), &mut out).unwrap();
    assert_eq!(out, b"12");
    assert!(templates.contains(b"a") && !templates.contains(b"b"));
}

/// A small generator of numbers that look random, the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }
}

#[test]
fn mutated_templates_never_panic_and_stay_within_bounds() {
    let seeds: Vec<String> = include_str!("../testdata/oracle/answers.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["tpl"].as_str().unwrap().to_owned())
        .collect();
    let pieces = [
        "{{",
        "}}",
        "{{- ",
        " -}}",
        "(",
        ")",
        "|",
        ".",
        "$x",
        ":=",
        "`",
        "\"",
        "'",
        "/*",
        "*/",
        "if ",
        "range ",
        "else ",
        "end",
        "define \"t\"",
        "template \"t\" .",
        "include \"t\" .",
        "tpl `{{.}}` .",
        "list ",
        "set ",
        "dict ",
        "printf \"%9999d\" ",
        "99999999",
        "-1",
        "\u{0}",
        "é",
        "\n",
        "break",
        "nil",
    ];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let started = std::time::Instant::now();
    let mut rounds = 0;
    while rounds < 40_000 && started.elapsed().as_millis() < 1_500 {
        rounds += 1;
        let mut text = seeds[random.below(seeds.len())].clone().into_bytes();
        for _ in 0..=random.below(4) {
            let at = random.below(text.len() + 1);
            match random.below(4) {
                0 => drop(text.drain(at..(at + random.below(8)).min(text.len()))),
                1 => drop(text.splice(at..at, pieces[random.below(pieces.len())].bytes())),
                2 => drop(text.splice(at..at, seeds[random.below(seeds.len())].bytes())),
                _ if at < text.len() => text[at] = u8::try_from(random.below(256)).unwrap(),
                _ => {}
            }
        }
        let mut templates = Templates::new(functions(), MissingKey::Invalid);
        if templates.parse("t", text.as_slice()).is_ok() {
            let _scope = flux_gotemplate::value::Scope::enter();
            let data = Value::map([("l".into(), Value::list(vec![Value::Int(1), Value::from("x")]))]);
            let mut out = Vec::new();
            let _ = templates.execute(b"t", &data, &mut Budget::new(SMALL), &mut out);
            assert!(out.len() <= SMALL.output + SMALL.memory, "{}", String::from_utf8_lossy(&text));
        }
    }
    assert!(rounds > 100, "only {rounds} rounds");
}
