//! Fields and methods of host objects, named maps and functions, as Go 1.26 answers for the like types.

use std::sync::Arc;

use flux_gotemplate::value::{Entries, MapType, Shape};
use flux_gotemplate::{
    Budget, FuncError, Function, Functions, GoStr, Limits, Map, MissingKey, Object, Signature, Templates, Type, Value,
};

/// A pointer to a struct with methods.
struct Caps;

impl Object for Caps {
    fn type_name(&self) -> &'static str {
        "*main.Caps"
    }

    fn shape(&self) -> Shape {
        Shape::Struct(vec![
            ("Name", Value::from("n")),
            ("Count", Value::Int(2)),
            ("Inner", Value::object(Inner)),
            ("Nil", Value::Nil),
        ])
    }

    fn method(&self, name: &str) -> Option<Function> {
        match name {
            "Has" => Some(Function::plain(Signature::fixed(&[Type::Str], Type::Bool), |_, args| {
                Ok(Value::Bool(args.bytes(0) == b"x"))
            })),
            "Fail" => Some(Function::plain(Signature::fixed(&[Type::Str], Type::Str), |_, args| {
                Err(FuncError::new(format!("no {}", args.text(0))))
            })),
            "Join" => Some(join()),
            _ => None,
        }
    }
}

/// A function that prints its arguments.
fn join() -> Function {
    Function::plain(Signature::variadic(&[Type::Int, Type::Str], Type::Str), |call, args| {
        let rest = Value::List(flux_gotemplate::List::of(&Type::Str, args.rest(1).to_vec()));
        Ok(call.sprint(&[args.get(0).clone(), rest])?.into())
    })
}

/// A struct with a text of its own.
struct Inner;

impl Object for Inner {
    fn type_name(&self) -> &'static str {
        "main.Inner"
    }

    fn shape(&self) -> Shape {
        Shape::Struct(vec![("Major", Value::from("1"))])
    }

    fn text(&self) -> Option<GoStr> {
        Some("v1".into())
    }
}

fn files_methods(map: &Map, name: &str) -> Option<Function> {
    let map = map.clone();
    (name == "Get").then(|| {
        Function::closure(Signature::fixed(&[Type::Str], Type::Str), move |_, args| {
            let bytes = match map.get(args.bytes(0)) {
                Some(Value::Bytes(bytes)) => bytes,
                _ => GoStr::default(),
            };
            Ok(Value::Str(bytes))
        })
    })
}

fn values_methods(map: &Map, name: &str) -> Option<Function> {
    let len = map.len();
    (name == "Keys").then(|| {
        Function::closure(Signature::fixed(&[], Type::Int), move |_, _| Ok(Value::Int(i64::try_from(len).unwrap())))
    })
}

static FILES: MapType = MapType { name: Some("main.Files"), elem: &Type::BYTES, methods: files_methods };
static VALUES: MapType = MapType { name: Some("main.Values"), elem: &Type::Any, methods: values_methods };

fn data() -> Value {
    let files = Entries::from([("a".into(), Value::Bytes("hi".into())), ("b".into(), Value::Bytes(GoStr::default()))]);
    let values = Entries::from([("k".into(), Value::from("w")), ("n".into(), Value::Nil)]);
    Value::map([
        ("o".into(), Value::object(Caps)),
        ("f".into(), Value::Map(Map::typed(&FILES, files))),
        ("v".into(), Value::Map(Map::typed(&VALUES, values))),
        ("fn".into(), Value::Func(Arc::new(join()))),
    ])
}

#[test]
fn objects_answer_as_go_values_of_their_shape() {
    let answers = [
        (
            "{{.o.Name}} {{.o.Count}} {{.o.Inner}} {{.o.Inner.Major}} {{.o.Has \"x\"}} {{\"y\" | .o.Has}}",
            "n 2 v1 1 true false",
        ),
        ("{{.o.Has}}", "!template: t:1:4: executing \"t\" at <.o.Has>: wrong number of args for Has: want 1 got 0"),
        ("{{.o.Has 1}}", "!template: t:1:9: executing \"t\" at <1>: expected string; found 1"),
        (
            "{{.o.Has \"x\" \"y\"}}",
            "!template: t:1:4: executing \"t\" at <.o.Has>: wrong number of args for Has: want 1 got 2",
        ),
        (
            "{{.o.Nope}}",
            "!template: t:1:4: executing \"t\" at <.o.Nope>: can't evaluate field Nope in type interface {}",
        ),
        (
            "{{.o.Nope.X}}",
            "!template: t:1:4: executing \"t\" at <.o.Nope.X>: can't evaluate field Nope in type interface {}",
        ),
        (
            "{{.o.Name 1}}",
            "!template: t:1:4: executing \"t\" at <.o.Name>: Name has arguments but cannot be invoked as function",
        ),
        (
            "{{1 | .o.Name}}",
            "!template: t:1:8: executing \"t\" at <.o.Name>: Name has arguments but cannot be invoked as function",
        ),
        ("{{.o.Name.X}}", "!template: t:1:4: executing \"t\" at <.o.Name.X>: can't evaluate field X in type string"),
        (
            "{{.o.Inner.Nope}}",
            "!template: t:1:4: executing \"t\" at <.o.Inner.Nope>: can't evaluate field Nope in type main.Inner",
        ),
        ("{{.o.Nil}}", "<no value>"),
        ("{{.o.Nil.X}}", "!template: t:1:4: executing \"t\" at <.o.Nil.X>: nil pointer evaluating interface {}.X"),
        ("{{.o.Fail \"q\"}}", "!template: t:1:4: executing \"t\" at <.o.Fail>: error calling Fail: no q"),
        ("{{print (.o.Fail \"q\")}}", "!template: t:1:11: executing \"t\" at <.o.Fail>: error calling Fail: no q"),
        ("{{.o.Join 1}} {{.o.Join 1 \"a\" \"b\"}} {{\"c\" | .o.Join 2 \"a\"}}", "1 [] 1 [a b] 2 [a c]"),
        (
            "{{.o.Join}}",
            "!template: t:1:4: executing \"t\" at <.o.Join>: wrong number of args for Join: want at least 1 got 0",
        ),
        ("{{.o.Join \"a\"}}", "!template: t:1:10: executing \"t\" at <\"a\">: expected integer; found \"a\""),
        ("{{.o.Join 1 2}}", "!template: t:1:12: executing \"t\" at <2>: expected string; found 2"),
        ("{{.o}}", "{n 2 v1 <nil>}"),
        (
            "{{printf \"%v %+v %T %s\" .o .o .o .o}}",
            "&{n 2 v1 <nil>} &{Name:n Count:2 Inner:v1 Nil:<nil>} *main.Caps &{n %!s(int=2) v1 <nil>}",
        ),
        ("{{printf \"%v %T %s %d\" .o.Inner .o.Inner .o.Inner .o.Inner}}", "v1 main.Inner v1 {%!d(string=1)}"),
        ("{{print .o.Inner}}|{{html .o.Inner}}", "v1|v1"),
        (
            "{{with .o}}{{.Name}}{{.Nope}}{{end}}",
            "n!template: t:1:22: executing \"t\" at <.Nope>: can't evaluate field Nope in type *main.Caps",
        ),
        ("{{range .o}}{{end}}", "!template: t:1:8: executing \"t\" at <.o>: range can't iterate over {n 2 v1 <nil>}"),
        ("{{len .o}}", "!template: t:1:2: executing \"t\" at <len .o>: error calling len: len of type main.Caps"),
        (
            "{{index .o 1}}",
            "!template: t:1:2: executing \"t\" at <index .o 1>: error calling index: can't index item of type main.Caps",
        ),
        ("{{eq .o .o}} {{eq .o nil}}", "true false"),
        ("{{if .o}}yes{{end}}", "yes"),
        (
            "{{.f.Get \"a\"}}|{{.f.Get \"zz\"}}|{{.f.a}}|{{.f.zz}}|{{len .f}}|{{index .f \"a\"}}",
            "hi||[104 105]|[]|2|[104 105]",
        ),
        ("{{.f}} {{printf \"%T %s\" .f .f}}", "map[a:[104 105] b:[]] main.Files map[a:hi b:]"),
        ("{{.f.Get}}", "!template: t:1:4: executing \"t\" at <.f.Get>: wrong number of args for Get: want 1 got 0"),
        (
            "{{.f.Get.X \"a\"}}",
            "!template: t:1:4: executing \"t\" at <.f.Get.X>: wrong number of args for Get: want 1 got 0",
        ),
        ("{{.f.a.x}}", "!template: t:1:4: executing \"t\" at <.f.a.x>: can't evaluate field x in type []uint8"),
        ("{{.f.zz.x}}", "!template: t:1:4: executing \"t\" at <.f.zz.x>: can't evaluate field x in type []uint8"),
        ("{{range $k, $v := .f}}{{$k}}={{$v}};{{end}}", "a=[104 105];b=[];"),
        (
            "{{.v.k}} {{.v.Keys}} {{.v.n}} {{.v.zz}} {{len .v}} {{index .v \"k\"}} {{printf \"%T\" .v}} {{.v}}",
            "w 2 <no value> <no value> 2 w main.Values map[k:w n:<nil>]",
        ),
        (
            "{{.v.Keys 1}}",
            "!template: t:1:4: executing \"t\" at <.v.Keys>: wrong number of args for Keys: want 0 got 1",
        ),
        ("{{.v.k.x}}", "!template: t:1:4: executing \"t\" at <.v.k.x>: can't evaluate field x in type interface {}"),
        ("{{.v.zz.x}}", "!template: t:1:4: executing \"t\" at <.v.zz.x>: nil pointer evaluating interface {}.x"),
        ("{{range $k, $v := .v}}{{$k}}={{$v}};{{end}}", "k=w;n=<no value>;"),
        ("{{call .fn 1}} {{call .fn 1 \"a\" \"b\"}}", "1 [] 1 [a b]"),
        (
            "{{call .fn}}",
            "!template: t:1:2: executing \"t\" at <call .fn>: error calling call: wrong number of args for .fn: got 0 want at least 1",
        ),
        (
            "{{call .fn \"a\"}}",
            "!template: t:1:2: executing \"t\" at <call .fn \"a\">: error calling call: arg 0: value has type string; should be int",
        ),
        (
            "{{call .fn 1 2}}",
            "!template: t:1:2: executing \"t\" at <call .fn 1 2>: error calling call: arg 1: value has type int; should be string",
        ),
        (
            "{{call .fn nil}}",
            "!template: t:1:2: executing \"t\" at <call .fn nil>: error calling call: arg 0: value is nil; should be of type int",
        ),
        (
            "{{.fn}}",
            "!template: t:1:2: executing \"t\" at <{{.fn}}>: can't print {{.fn}} of type func(int, ...string) string",
        ),
        ("{{.fn 1}}", "!template: t:1:2: executing \"t\" at <.fn>: fn is not a method but has arguments"),
        ("{{(.fn) 1}}", "!template: t:1:2: executing \"t\" at <(.fn) 1>: can't give argument to non-function .fn"),
        (
            "{{call .o.Has \"x\"}}",
            "!template: t:1:9: executing \"t\" at <.o.Has>: wrong number of args for Has: want 1 got 0",
        ),
        (
            "{{$o := .o}}{{$o.Has \"x\"}} {{$o.Name}} {{$o.Nope}}",
            "true n !template: t:1:43: executing \"t\" at <$o.Nope>: can't evaluate field Nope in type *main.Caps",
        ),
        ("{{(.o).Has \"x\"}} {{(.o).Name}}", "true n"),
        ("{{(.o).Has}}", "!template: t:1:3: executing \"t\" at <.o>: wrong number of args for Has: want 1 got 0"),
        ("{{and .o (.o.Has \"x\")}}", "true"),
    ];
    let data = data();
    for (tpl, expected) in answers {
        let mut templates = Templates::new(Arc::new(Functions::new()), MissingKey::Zero);
        templates.parse("t", tpl).unwrap();
        let mut out = Vec::new();
        let done = templates.execute(b"t", &data, &mut Budget::new(Limits::default()), &mut out);
        if let Err(err) = done {
            out.extend_from_slice(format!("!{err}").as_bytes());
        }
        let got = String::from_utf8(out).unwrap();
        assert_eq!(got, expected, "{tpl}");
    }
}

#[test]
fn templates_and_values_can_be_shared_between_threads() {
    fn can_be_shared<T: Send + Sync>() {}
    can_be_shared::<Templates>();
    can_be_shared::<Value>();
    can_be_shared::<flux_gotemplate::Parsed>();
}
