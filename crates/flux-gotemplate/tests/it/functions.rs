//! The table of functions, and bounds under hostile arguments.

use std::sync::Arc;

use flux_gotemplate::funcs::{helm_data, sprig};
use flux_gotemplate::{Budget, Error, Functions, Limits, MissingKey, Templates, Value};

fn functions() -> Functions {
    let world: Arc<dyn sprig::World> = Arc::new(super::vectors::World::default());
    let mut functions = Functions::new();
    sprig::add_to(&mut functions, &world);
    helm_data::add_to(&mut functions);
    functions
}

/// What a template ends with that may use a megabyte.
fn within_a_megabyte(tpl: &str) -> Result<usize, Error> {
    let limits = Limits { output: 1 << 20, steps: 1 << 20, memory: 1 << 20, ..Limits::default() };
    let mut templates = Templates::new(Arc::new(functions()), MissingKey::Zero);
    templates.parse("t", tpl)?;
    let mut out = Vec::new();
    templates.execute(b"t", &Value::Nil, &mut Budget::new(limits), &mut out)?;
    Ok(out.len())
}

#[test]
fn texts_and_lists_that_arguments_make_large_are_bounded() {
    for tpl in [
        r#"{{ repeat 1000000000 "x" }}"#,
        "{{ until 1000000000 | len }}",
        "{{ untilStep 0 9223372036854775807 1 | len }}",
        "{{ seq 1 2000000000 }}",
        r#"{{ indent 100000 (repeat 1000 "\n") }}"#,
        r#"{{ join (repeat 100000 ",") (until 1000) }}"#,
        r#"{{ replace "" (repeat 100000 "x") (repeat 1000 "y") }}"#,
        r#"{{ regexReplaceAll "" (repeat 1000 "y") (repeat 100000 "x") }}"#,
        r#"{{ mustRegexReplaceAllLiteral "y" (repeat 1000 "y") (repeat 100000 "x") }}"#,
        r#"{{ wrapWith 1 (repeat 100000 "x") (repeat 1000 "y") }}"#,
    ] {
        assert!(matches!(within_a_megabyte(tpl), Err(Error::Bound(_))), "{tpl}");
    }
}

#[test]
fn values_that_share_their_parts_are_not_written_out_without_end() {
    let nested = r#"{{ $x := dict "k" "v" }}{{ range until 60 }}{{ $x = dict "a" $x "b" $x }}{{ end }}"#;
    for function in [
        "toJson",
        "mustToJson",
        "toPrettyJson",
        "toRawJson",
        "toYaml",
        "mustToYaml",
        "toYamlPretty",
        "toToml",
        "deepCopy",
        "toString",
    ] {
        let tpl = format!("{nested}{{{{ $x | {function} }}}}");
        assert!(matches!(within_a_megabyte(&tpl), Err(Error::Bound(_))), "{function}");
    }
    let lists = "{{ $x := list 1 }}{{ range until 60 }}{{ $x = list $x $x }}{{ end }}";
    for rest in ["{{ toToml (dict \"k\" $x) }}", "{{ deepEqual $x (deepCopy $x) }}", "{{ toYaml $x }}"] {
        assert!(matches!(within_a_megabyte(&format!("{lists}{rest}")), Err(Error::Bound(_))), "{rest}");
    }
}

#[test]
fn a_map_that_contains_itself_is_an_error() {
    let cycle = r#"{{ $x := dict }}{{ $_ := set $x "x" $x }}"#;
    for rest in [
        "{{ mustToJson $x }}",
        "{{ mustToYaml $x }}",
        "{{ deepCopy $x | len }}",
        "{{ merge $x (dict \"x\" $x) | len }}",
    ] {
        let result = within_a_megabyte(&format!("{cycle}{rest}"));
        // A map merged into itself has nothing new.
        assert!(result.is_err() || rest.contains("merge"), "{rest}: {result:?}");
    }
}

#[test]
fn the_documented_table_names_every_function() {
    let table = include_str!("../../../../docs/template-functions.md");
    let documented: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once('`').map(|(name, _)| name))
        // The objects that templates see have a table of their own.
        .filter(|name| !name.starts_with('.'))
        .collect();
    let functions = functions();
    let missing: Vec<&str> = functions.names().filter(|name| !documented.contains(name)).collect();
    assert!(missing.is_empty(), "not in docs/template-functions.md: {missing:?}");
    let elsewhere = ["include", "tpl", "required", "lookup"];
    let builtin = [
        "and", "break", "call", "continue", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not",
        "or", "print", "printf", "println", "slice", "urlquery",
    ];
    let known = |name: &&str| functions.get(name).is_some() || elsewhere.contains(name) || builtin.contains(name);
    let unknown: Vec<&str> = documented.into_iter().filter(|name| !known(name)).collect();
    assert!(unknown.is_empty(), "no functions: {unknown:?}");
}
