//! Lines of values, and command lines made of them.

use flux_gotemplate::{Map, Value};
use flux_helm::values::Options;
use flux_helm::values::strvals::{Grammar, parse, parse_files_into, parse_into};

use crate::values::{json, map};

fn words(err: &dyn std::error::Error) -> String {
    err.source().map_or_else(|| err.to_string(), |cause| format!("{err}: {}", words(cause)))
}

fn set(grammar: Grammar, into: &str, line: &str) -> String {
    let into = map(into);
    match parse_into(line, grammar, &into) {
        Ok(()) => json(&into),
        Err(err) => words(&err),
    }
}

#[track_caller]
fn check(grammar: Grammar, into: &str, cases: &[(&str, &str)]) {
    for (line, expected) in cases {
        assert_eq!(set(grammar, into, line), *expected, "{line}");
    }
}

#[test]
fn plain_values_have_the_types_that_they_look_like() {
    let line = "i=5,n=-5,p=+5,z=0,o=010,big=9223372036854775808,f=1.5,t=TRUE,f2=fAlſe,nil=Null,e=";
    let values = parse(line, Grammar::Typed).unwrap();
    let types = |values: &Map| {
        values.entries().iter().map(|(key, value)| format!("{key}:{}", value.type_name())).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        types(&values),
        "big:string e:string f:string f2:bool i:int64 n:int64 nil:<nil> o:string p:int64 t:bool z:int64"
    );
    assert_eq!(types(&parse("i=5,t=true,nil=null", Grammar::Text).unwrap()), "i:string nil:string t:string");
    assert_eq!(
        types(&parse("i=5,t=true,nil=null,l=[1]", Grammar::Json).unwrap()),
        "i:float64 l:[]interface {} nil:<nil> t:bool"
    );
}

#[test]
fn names_lists_and_escapes_are_read_as_helm_reads_them() {
    check(
        Grammar::Typed,
        r#"{"l":[1,{"x":1}],"m":{"a":1}}"#,
        &[
            ("m.b=2", r#"{"l":[1,{"x":1}],"m":{"a":1,"b":2}}"#),
            ("l[1].y=2", r#"{"l":[1,{"x":1,"y":2}],"m":{"a":1}}"#),
            ("l[0].y=2", r#"{"l":[{"y":2},{"x":1}],"m":{"a":1}}"#),
            ("l[3]=x", r#"{"l":[1,{"x":1},null,"x"],"m":{"a":1}}"#),
            ("n[1][0]=x", r#"{"l":[1,{"x":1}],"m":{"a":1},"n":[null,["x"]]}"#),
            ("m=null,l={a,,b}", r#"{"l":["a","","b"],"m":null}"#),
            ("l={}", r#"{"l":[""],"m":{"a":1}}"#),
            (r"m=a\,b\=c,l=\{1}", r#"{"l":"{1}","m":"a,b=c"}"#),
            ("m\\.n=1", r#"{"l":[1,{"x":1}],"m":{"a":1},"m.n":1}"#),
            ("l={1}m=2", r#"{"l":[1],"m":2}"#),
            // Nothing more where the line ends within an index, as Helm has it.
            ("m=1,l[0", r#"{"l":[1,{"x":1}],"m":1}"#),
            ("n[0].a=", r#"{"l":[1,{"x":1}],"m":{"a":1},"n":[]}"#),
            ("=5", r#"{"l":[1,{"x":1}],"m":{"a":1}}"#),
        ],
    );
}

#[test]
fn faults_are_told_in_go_s_words() {
    check(
        Grammar::Typed,
        r#"{"s":"text","n":null,"l":["a"]}"#,
        &[
            ("s.a=1", "unable to parse key: interface conversion: interface {} is string, not map[string]interface {}"),
            ("n.a=1", "unable to parse key: interface conversion: interface is nil, not map[string]interface {}"),
            ("s[0]=1", "unable to parse key: interface conversion: interface {} is string, not []interface {}"),
            ("l[0][1]=1", "unable to parse key: interface conversion: interface {} is string, not []interface {}"),
            ("a[x]=1", r#"error parsing index: strconv.Atoi: parsing "x": invalid syntax"#),
            ("a[70000]=1", "index of 70000 is greater than maximum supported index of 65536"),
            (
                "a[99999999999999999999]=1",
                r#"error parsing index: strconv.Atoi: parsing "99999999999999999999": value out of range"#,
            ),
            ("a[0]é=1", "unexpected data at end of array index: ['é']"),
            ("a={1", "list must terminate with '}'"),
            ("a.b.=1", r#"key map "b" has no value"#),
        ],
    );
    check(
        Grammar::Json,
        "{}",
        &[
            (r#"a={"x":1},b=[1,2] ,c=,d= "#, r#"{"a":{"x":1},"b":[1,2],"c":null,"d":null}"#),
            (r#"l[1]={"x":1},m=2"#, r#"{"l":[null,{"x":1}],"m":2}"#),
            ("a=1b=2", r#"{"a":1,"b":2}"#),
            ("a=text", "invalid character 'e' in literal true (expecting 'r')"),
            ("a=[1", "unexpected EOF"),
        ],
    );
    check(
        Grammar::Literal,
        "{}",
        &[(r"a.b[0]=x\,y={1},z", r#"{"a":{"b":["x\\,y={1},z"]}}"#), ("a", r#"key "a" has no value"#)],
    );
}

#[test]
fn lines_cannot_ask_for_more_than_their_length_allows() {
    let deep = format!("a{}=x", "[0]".repeat(100_000));
    assert_eq!(set(Grammar::Typed, "{}", &deep), "value nested deeper than 1000 levels");
    let deep = format!("a{}=x", "[0].a".repeat(100_000));
    assert_eq!(set(Grammar::Literal, "{}", &deep), "value nested deeper than 1000 levels");
    let wide: Vec<String> = (0..1_000).map(|at| format!("a[{at}][65536]=x")).collect();
    assert_eq!(set(Grammar::Typed, "{}", &wide.join(",")), "lists grow by more than 2000000 items");
    let again = "a[65536]=1,".repeat(50_000);
    assert!(parse(&again, Grammar::Typed).is_ok());
}

#[test]
fn files_are_read_where_a_line_names_them() {
    let values = Map::new();
    let mut read = |name: &str| match name {
        "missing" => Err("no such file".into()),
        name => Ok(Value::from(format!("<{name}>"))),
    };
    parse_files_into("a=x,b={y,z}", &values, &mut read).unwrap();
    assert_eq!(json(&values), r#"{"a":"<x>","b":["<y>","<z>"]}"#);
    assert_eq!(words(&parse_files_into("a=missing", &values, &mut read).unwrap_err()), "no such file");
}

#[test]
fn a_command_line_is_merged_in_helm_s_order() {
    let line = |text: &str| vec![text.to_owned()];
    let mut open = |name: &str| match name {
        "one" => Ok(b"a: {file: one, x: 1}\nall: file".to_vec()),
        "two" => Ok(b"a: {file: two}".to_vec()),
        "bad" => Ok(b"- a".to_vec()),
        name => Err(format!("open {name}: no such file").into()),
    };
    let options = Options {
        files: vec!["one".to_owned(), "two".to_owned()],
        json: vec![r#"{"a":{"json":1},"all":"object"}"#.to_owned(), r#"all="json""#.to_owned()],
        set: line("all=set,a.n=1"),
        text: line("all=text,a.s=1"),
        from_files: line("all=two"),
        literal: line("lit=a,b"),
    };
    assert_eq!(
        json(&options.merged(&mut open).unwrap()),
        r#"{"a":{"file":"two","json":1,"n":1,"s":"1","x":1},"all":"a: {file: two}","lit":"a,b"}"#
    );
    let mut fails = |options: Options| words(&options.merged(&mut open).err().unwrap());
    assert_eq!(fails(Options { files: line("none"), ..Options::default() }), "open none: no such file");
    assert!(
        fails(Options { files: line("bad"), ..Options::default() })
            .starts_with("failed to parse bad: cannot unmarshal")
    );
    assert_eq!(
        fails(Options { json: line("{"), ..Options::default() }),
        "failed parsing --set-json data JSON: unexpected end of JSON input"
    );
    assert_eq!(
        fails(Options { set: line("a"), ..Options::default() }),
        r#"failed parsing --set data: key "a" has no value"#
    );
    assert_eq!(
        fails(Options { from_files: line("a=none"), ..Options::default() }),
        "failed parsing --set-file data: open none: no such file"
    );
}

#[test]
fn faults_can_be_told_without_the_values() {
    let masked = |grammar, line: &str| parse(line, grammar).err().unwrap().without_values();
    assert_eq!(masked(Grammar::Typed, "a=abc,hunter2"), "key has no value");
    assert_eq!(masked(Grammar::Typed, "a=abc,hunter2,b"), "key has no value (cannot end with ,)");
    assert_eq!(masked(Grammar::Typed, "a=abc,hunter2.=1"), "key map has no value");
    assert_eq!(masked(Grammar::Typed, "a=b,l[hunter2]=1"), "error parsing index: invalid syntax");
    assert_eq!(masked(Grammar::Typed, "a=b,l[0]hunter2=1"), "unexpected data at end of array index");
    assert_eq!(masked(Grammar::Typed, "a=b,l[-12345]=1"), "negative index not allowed");
    assert_eq!(masked(Grammar::Typed, "a=b,l[1234567]=1"), "index is greater than maximum supported index of 65536");
    assert_eq!(masked(Grammar::Json, "a=hunter2"), "invalid character looking for beginning of value");
    assert_eq!(masked(Grammar::Json, "a=1e999"), "json: cannot unmarshal number into Go value of type float64");
    assert_eq!(masked(Grammar::Typed, "a={b"), "list must terminate with '}'");
}
