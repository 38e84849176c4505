//! Values of charts and their subcharts.

use std::sync::atomic::AtomicBool;

use flux_gotemplate::data::{JsonStyle, Target, read_json, write_json};
use flux_gotemplate::{Map, Value};
use flux_helm::Time;
use flux_helm::chart::{Chart, Dependency, File, Metadata, load_files};
use flux_helm::values::{CoalesceError, coalesce, dependencies, merge, path_value, read, read_within, table};

pub(crate) fn map(json: &str) -> Map {
    read_json(json.as_bytes(), Target::Map).unwrap().as_map().unwrap().clone()
}

pub(crate) fn json(values: &Map) -> String {
    String::from_utf8(write_json(&values.clone().into(), JsonStyle::Raw, 1 << 24).unwrap()).unwrap()
}

pub(crate) fn chart(name: &str, values: &str, dependencies: Vec<Chart>) -> Chart {
    let metadata = Metadata { name: name.to_owned(), version: "1.0.0".to_owned(), ..Metadata::default() };
    Chart { values: map(values), dependencies, ..Chart::new(metadata) }
}

fn wants(name: &str) -> Dependency {
    Dependency { name: name.to_owned(), version: ">=0.1.0".to_owned(), ..Dependency::default() }
}

#[track_caller]
fn refuses(text: &[u8], expected: &str) {
    let err = read(text).err().unwrap();
    let cause = std::error::Error::source(&err).map(|cause| format!(": {cause}")).unwrap_or_default();
    assert_eq!(format!("{err}{cause}"), expected);
}

#[test]
fn later_documents_of_a_file_win_over_earlier_ones() {
    let values = read(b"a: 1\nm: {x: 1}\r\n--- # next\nm: {z: on}\na: 2\n---\n---\n").unwrap();
    assert_eq!(json(&values), r#"{"a":2,"m":{"x":1,"z":true}}"#);
    assert_eq!(json(&read(b"").unwrap()), "{}");
    assert_eq!(json(&read(b"---\nnull\n").unwrap()), "{}");
}

#[test]
fn a_file_that_is_no_table_is_refused_with_go_s_words() {
    refuses(b"a: 1\n---b\n", "error reading yaml document: invalid Yaml document separator: b");
    refuses(
        b"- a\n",
        "cannot unmarshal yaml document: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into \
         Go value of type map[string]interface {}",
    );
    assert_eq!(read_within(b"a: 1", 3).err().unwrap().to_string(), "values larger than 3 bytes");
}

#[test]
fn the_user_wins_over_the_parent_and_the_parent_over_the_child() {
    let child = chart("child", r#"{"a":"child","b":"child","c":"child","n":null}"#, vec![]);
    let parent = chart("parent", r#"{"child":{"a":"parent","b":"parent"},"x":1,"gone":{"y":1}}"#, vec![child]);
    let values = coalesce(&parent, &map(r#"{"child":{"a":"user"},"x":null,"z":null}"#)).unwrap().values;
    assert_eq!(json(&values), r#"{"child":{"a":"user","b":"parent","c":"child","global":{}},"gone":{"y":1},"z":null}"#);
    let values = merge(&parent, &map(r#"{"child":{"a":null},"x":null}"#)).unwrap().values;
    assert_eq!(
        json(&values),
        r#"{"child":{"a":null,"b":"parent","c":"child","global":{},"n":null},"gone":{"y":1},"x":null}"#
    );
}

#[test]
fn nested_tables_of_globals_are_one_for_a_chart_and_its_subcharts() {
    let children = ["a", "b"].map(|name| chart(name, r#"{"global":{"t":{"deep":{"own":1}}}}"#, vec![]));
    let parent = chart("parent", r#"{"global":{"t":{"deep":{"x":1}}}}"#, children.into());
    let values = coalesce(&parent, &Map::new()).unwrap().values;
    let deep = |path: &str| table(&values, path).unwrap();
    assert!(deep("global.t.deep").is(&deep("a.global.t.deep")));
    assert!(!deep("global.t").is(&deep("a.global.t")));
    // What a subchart adds there shows in the parent, and in the next subchart.
    assert_eq!(json(&deep("global.t")), r#"{"deep":{"own":1,"x":1}}"#);
}

#[test]
fn what_was_handed_in_stays_as_it_is() {
    let child = chart("child", r#"{"global":{"g":{"h":{"i":1}}},"n":null}"#, vec![]);
    let mut parent = chart("parent", r#"{"m":{"a":1,"n":null}}"#, vec![child]);
    let user = map(r#"{"m":{"b":1,"a":null},"global":{"g":{"h":{"j":1}}}}"#);
    coalesce(&parent, &user).unwrap().values.insert("new".into(), Value::Nil);
    dependencies::process(&mut parent, &user).unwrap();
    assert_eq!(json(&user), r#"{"global":{"g":{"h":{"j":1}}},"m":{"a":null,"b":1}}"#);
    assert_eq!(json(&parent.values), r#"{"m":{"a":1,"n":null}}"#);
    assert_eq!(json(&parent.dependencies[0].values), r#"{"global":{"g":{"h":{"i":1}}},"n":null}"#);
}

#[test]
fn tables_and_plain_values_in_each_other_s_place_are_told_without_the_values() {
    let parent = chart("p", r#"{"a":{"t":{"x":1},"v":"secret"},"b":2}"#, vec![]);
    let coalesced = coalesce(&parent, &map(r#"{"a":{"t":1,"v":{}},"b":{}}"#)).unwrap();
    let warnings: Vec<String> = coalesced.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "cannot overwrite table with non table for p.a.t",
            "destination for p.a.v is a table. Ignoring non-table value",
            "skipped value for p.b: Not a table.",
        ]
    );
}

#[test]
fn values_for_a_subchart_have_to_be_a_table() {
    let parent = chart("p", "{}", vec![chart("c", "{}", vec![])]);
    let err = coalesce(&parent, &map(r#"{"c":"text"}"#)).err().unwrap();
    assert_eq!(err.to_string(), "type mismatch on c: values of a subchart have to be a table, not string");
}

#[test]
fn paths_lead_to_tables_or_to_values() {
    let values = map(r#"{"a":{"b":{"c":1}},"d":2}"#);
    let value = |path: &str| match path_value(&values, path) {
        Ok(value) => json(&Map::from_iter([("v".into(), value)])),
        Err(err) => err.to_string(),
    };
    assert_eq!(value("a.b.c"), r#"{"v":1}"#);
    assert_eq!(value("d"), r#"{"v":2}"#);
    assert_eq!(value("a.b"), r#""b" is not a value"#);
    assert_eq!(value("a.x.c"), r#""c" is not a value"#);
    assert_eq!(value(""), "YAML path cannot be empty");
    assert_eq!(table(&values, "a.d").err().unwrap().to_string(), r#""d" is not a table"#);
}

#[test]
fn conditions_decide_over_tags_and_disabled_subcharts_are_gone() {
    let names = |chart: &Chart| chart.dependencies.iter().map(|sub| sub.name().to_owned()).collect::<Vec<_>>();
    let process = |user: &str| {
        let subcharts = ["a", "b", "extra"].map(|name| chart(name, "{}", vec![]));
        let mut parent = chart("p", r#"{"b":{"on":true}}"#, subcharts.into());
        parent.metadata.dependencies = vec![
            Dependency { tags: vec!["t".to_owned(), "u".to_owned()], ..wants("a") },
            Dependency { condition: "b.no,b.text,b.on".to_owned(), tags: vec!["t".to_owned()], ..wants("b") },
            Dependency { alias: "again".to_owned(), ..wants("a") },
        ];
        let warnings = dependencies::process(&mut parent, &map(user)).unwrap();
        (names(&parent), warnings.len())
    };
    assert_eq!(process("{}"), (vec!["extra".into(), "a".into(), "b".into(), "again".into()], 0));
    assert_eq!(process(r#"{"tags":{"t":false}}"#), (vec!["extra".into(), "b".into(), "again".into()], 0));
    assert_eq!(process(r#"{"tags":{"t":false,"u":true},"b":{"on":false,"text":"x"}}"#).0, ["extra", "a", "again"]);
    assert_eq!(process(r#"{"tags":{"t":1},"b":{"text":"x"}}"#).1, 3);
}

#[test]
fn conditions_of_inner_subcharts_are_looked_up_below_the_outer_one() {
    let mut outer = chart("outer", r#"{"inner":{"on":false}}"#, vec![chart("inner", "{}", vec![])]);
    outer.metadata.dependencies = vec![Dependency { condition: "inner.on".to_owned(), ..wants("inner") }];
    let mut root = chart("root", "{}", vec![outer]);
    root.metadata.dependencies = vec![wants("outer")];
    let inner = |user: &str| {
        let mut root = root.clone();
        dependencies::process(&mut root, &map(user)).unwrap();
        root.dependencies[0].dependencies.len()
    };
    assert_eq!((inner("{}"), inner(r#"{"outer":{"inner":{"on":true}}}"#)), (0, 1));
}

#[test]
fn imports_that_put_a_table_into_itself_are_refused() {
    let mut root = chart("root", "{}", vec![chart("sub", r#"{"a":{"b":{"c":1}}}"#, vec![])]);
    let pair = |child: &str, parent: &str| serde_json::json!({ "child": child, "parent": parent });
    root.metadata.dependencies =
        vec![Dependency { import_values: vec![pair("a.b", "x"), pair("a", "x.y")], ..wants("sub") }];
    assert_eq!(dependencies::process(&mut root, &Map::new()), Err(CoalesceError::TooDeep));
}

#[test]
fn imports_that_double_with_each_line_are_refused() {
    let values: Vec<String> = (0..40).map(|at| format!(r#""t{at}":{{}}"#)).collect();
    let mut root = chart("root", "{}", vec![chart("sub", &format!("{{{}}}", values.join(",")), vec![])]);
    let pair = |child: usize, parent: &str| serde_json::json!({ "child": format!("t{child}"), "parent": parent });
    let mut import_values = vec![pair(0, "t0")];
    for at in 1..40 {
        import_values.push(pair(at, &format!("t{at}")));
        import_values.push(pair(at - 1, &format!("t{at}.l")));
        import_values.push(pair(at - 1, &format!("t{at}.r")));
    }
    root.metadata.dependencies = vec![Dependency { import_values, ..wants("sub") }];
    assert!(matches!(dependencies::process(&mut root, &Map::new()), Err(CoalesceError::TooMany(_))));
}

#[test]
fn aliases_that_multiply_charts_are_refused() {
    let mut inner = chart("c0", "{}", vec![]);
    for at in 1..=5 {
        let below = inner.name().to_owned();
        inner = chart(&format!("c{at}"), "{}", vec![inner]);
        inner.metadata.dependencies =
            (0..10).map(|alias| Dependency { alias: format!("a{alias}"), ..wants(&below) }).collect();
    }
    assert_eq!(dependencies::process(&mut inner, &Map::new()), Err(CoalesceError::TooManyCharts(10_000)));
}

#[test]
fn processing_ends_when_it_is_cancelled() {
    let mut root = chart("root", "{}", vec![chart("sub", "{}", vec![])]);
    root.metadata.dependencies = vec![wants("sub")];
    let cancelled = AtomicBool::new(true);
    let result = dependencies::process_until(&mut root, &Map::new(), Some(&cancelled));
    assert_eq!(result, Err(CoalesceError::Cancelled));
}

#[test]
fn below_an_empty_list_of_dependencies_conditions_count_but_not_below_no_list() {
    let inner = |list: &str| {
        let files = [
            ("Chart.yaml", format!("apiVersion: v2\nname: root\nversion: 1.0.0\n{list}")),
            (
                "charts/outer/Chart.yaml",
                "apiVersion: v2\nname: outer\nversion: 1.0.0\ndependencies:\n- {name: inner, version: '*', condition: \
                 inner.on}\n"
                    .to_owned(),
            ),
            ("charts/outer/charts/inner/Chart.yaml", "apiVersion: v2\nname: inner\nversion: 1.0.0\n".to_owned()),
        ];
        let file = |(name, text): (&str, String)| File {
            name: name.to_owned(),
            data: text.as_bytes().into(),
            modified: Time::zero(),
        };
        let mut root = load_files(files.map(file).into(), &flux_helm::chart::LoadLimits::default()).unwrap();
        dependencies::process(&mut root, &map(r#"{"outer":{"inner":{"on":false}}}"#)).unwrap();
        root.dependencies[0].dependencies.len()
    };
    assert_eq!((inner("dependencies: []\n"), inner(""), inner("dependencies: null\n")), (0, 1, 1));
}

#[test]
fn faults_of_files_can_be_told_without_the_values() {
    let masked = |text: &str| read(text.as_bytes()).err().unwrap().without_values();
    let cases = [
        ("a: 1\n---hunter2\n", "error reading yaml document: invalid Yaml document separator"),
        (
            "? \n: hunter2\n",
            "cannot unmarshal yaml document: error converting YAML to JSON: unsupported map key of type: %!s(<nil>)",
        ),
        ("{hunter2: 1}: 2\n", "cannot unmarshal yaml document: error converting YAML to JSON: yaml: invalid map key"),
        (
            "a: 1\nb: !!int hunter2\n",
            "cannot unmarshal yaml document: error converting YAML to JSON: yaml: invalid YAML",
        ),
        ("a: *hunter2\n", "cannot unmarshal yaml document: error converting YAML to JSON: yaml: invalid YAML"),
        (
            "a: [1\n",
            "cannot unmarshal yaml document: error converting YAML to JSON: yaml: line 1: did not find expected ',' or ']'",
        ),
        (
            "hunter2\n",
            "cannot unmarshal yaml document: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string \
             into Go value of type map[string]interface {}",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(masked(text), expected, "{text}");
    }
}
