//! Values against schemas, with the faults that Helm's own library names.

use flux_gotemplate::Map;
use flux_helm::Time;
use flux_helm::chart::{Chart, File};
use flux_helm::render::{Capabilities, Context, Identity, Mode, Notes, Request, template};
use flux_helm::values::schema::{Check, Documents, validate, validate_single, wanted};

use crate::render::engine;
use crate::values::{chart, map};

/// Schemas and values with the words of github.com/santhosh-tekuri/jsonschema/v6 v6.0.2 as Helm 4.2.1 calls it.
const RECORDED: &str = include_str!("data/schemas.jsonl");

fn with_schema(mut chart: Chart, schema: &str) -> Chart {
    let data = schema.as_bytes().into();
    chart.schema = Some(File { name: "values.schema.json".to_owned(), data, modified: Time::zero() });
    chart
}

fn faults(schema: &str, values: &Map) -> String {
    validate_single(schema.as_bytes(), values, &Documents::new()).err().unwrap_or_default()
}

/// The lines, in any order: that of properties is no one's promise. Values are masked, and why a format or an address is
/// refused is each library's own to say.
fn comparable(faults: &str) -> Vec<String> {
    let mut lines: Vec<String> = faults.lines().map(masked).collect();
    lines.sort();
    lines
}

fn masked(line: &str) -> String {
    let behind_value = |verb: &str| {
        let (before, after) = line.split_once(verb)?;
        let at = before.find(": ")? + 2;
        Some((before[..at].to_owned(), after.to_owned()))
    };
    if let Some((at, format)) = behind_value(" is not valid ").filter(|(_, after)| !after.starts_with("against")) {
        return format!("{at}value is not valid {}", format.split(':').next().unwrap());
    }
    if let Some((at, pattern)) = behind_value(" does not match pattern ") {
        return format!("{at}value does not match pattern {pattern}");
    }
    match line.strip_prefix("failing loading ").and_then(|rest| rest.split_once("\": ")) {
        Some((address, _)) => format!("failing loading {address}\""),
        None => line.to_owned(),
    }
}

#[test]
fn faults_are_those_of_helm_s_library() {
    for (at, line) in RECORDED.lines().enumerate() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let schema = case["schema"].as_str().unwrap();
        let own = faults(schema, &map(&case["values"].to_string()));
        assert_eq!(comparable(&own), comparable(case["error"].as_str().unwrap()), "{}: {schema}", at + 1);
    }
}

#[test]
fn values_that_may_be_secret_are_not_in_the_words() {
    let schema = r#"{"$schema":"http://json-schema.org/draft-07/schema#",
        "properties":{"a":{"pattern":"^x"},"b":{"format":"email"},"c":{"const":1},"d":{"enum":["x"]}}}"#;
    let secrets = r#"{"a":"hunter2","b":"hunter2","c":"hunter2","d":"hunter2"}"#;
    let faults = faults(schema, &map(secrets));
    assert_eq!(faults.lines().count(), 4, "{faults}");
    assert!(!faults.contains("hunter2"), "{faults}");
}

#[test]
fn each_chart_s_faults_stand_below_its_name() {
    let needs = |name: &str| format!(r#"{{"required":["{name}"]}}"#);
    let child = with_schema(chart("child", "{}", vec![]), &needs("c"));
    let parent = with_schema(chart("parent", "{}", vec![child, chart("other", "{}", vec![])]), &needs("p"));
    let check = |values: &str| match validate(&parent, &map(values), &Documents::new()) {
        Ok(_) => String::new(),
        Err(err) => err.to_string(),
    };
    assert_eq!(check(r#"{"p":1,"child":{"c":1},"other":null}"#), "");
    assert_eq!(check(r#"{"p":1}"#), "");
    assert_eq!(
        check(r#"{"child":{},"other":5}"#),
        "parent:\n- at '': missing property 'p'\nchild:\n- at '': missing property 'c'\nother:\ninvalid type for values: \
         expected object (map), got float64\n"
    );
}

#[test]
fn a_chart_is_not_rendered_with_values_that_it_refuses() {
    let chart = with_schema(chart("c", "{}", vec![]), r#"{"required":["a"]}"#);
    let render = |schemas: Check<'_>| {
        let request = Request {
            chart: chart.clone(),
            values: &Map::new(),
            release: Identity { name: "r", namespace: "n", revision: 1, is_upgrade: false },
            capabilities: &Capabilities::default(),
            notes: Notes::Own,
            context: Context { schemas, ..Context::default() },
        };
        template(&engine(Mode::Lenient), request).err().map(|err| err.to_string()).unwrap_or_default()
    };
    assert_eq!(
        render(Check::default()),
        "values don't meet the specifications of the schema(s) in the following chart(s):\nc:\n- at '': missing property 'a'\n"
    );
    assert_eq!(render(Check::Skip), "");
}

#[test]
fn documents_from_elsewhere_are_named_and_used_but_never_fetched() {
    let schema = r##"{"properties":{"a":{"$ref":"https://example.com/a.json#/$defs/x"},"u":{"$ref":"urn:x:y"},
        "f":{"$ref":"#/$defs/local"}},"$defs":{"local":{"type":"null"}}}"##;
    let chart = with_schema(chart("c", "{}", vec![]), schema);
    let mut documents = Documents::new();
    let refused = validate(&chart, &map("{}"), &documents).unwrap_err().to_string();
    assert_eq!(refused, "c:\nfailing loading \"https://example.com/a.json\": schemas are not fetched from elsewhere\n");
    assert_eq!(wanted(&chart, &documents).into_iter().next().unwrap(), "https://example.com/a.json");
    let more = serde_json::json!({ "$defs": { "x": { "$ref": "b.json" } } });
    documents.insert("https://example.com/a.json".to_owned(), more);
    assert!(wanted(&chart, &documents).contains("https://example.com/b.json"));
    documents.insert("https://example.com/b.json".to_owned(), serde_json::json!({ "type": "string" }));
    assert_eq!(wanted(&chart, &documents).into_iter().collect::<Vec<_>>(), ["urn:x:y"]);
    let warnings = validate(&chart, &map(r#"{"a":"x","u":1}"#), &documents).unwrap();
    assert_eq!(warnings.len(), 1);
    let faults = validate(&chart, &map(r#"{"a":1}"#), &documents).unwrap_err().to_string();
    assert_eq!(faults, "c:\n- at '/a': got number, want string\n");
}

#[test]
fn files_of_this_machine_are_not_read() {
    let faults = faults(r#"{"$ref":"file:///etc/hosts"}"#, &Map::new());
    assert_eq!(faults, "failing loading \"file:///etc/hosts\": files are not read");
}

/// Schemas that each apply the next twice, or once.
fn chain(length: usize, keyword: &str, times: usize) -> String {
    let link = |at: usize| {
        let next = format!(r##"{{"$ref":"#/$defs/d{}"}}"##, at + 1);
        format!(r#""d{at}":{{"{keyword}":[{}]}}"#, vec![next; times].join(","))
    };
    let links: Vec<String> = (0..length).map(link).collect();
    let links = links.join(",");
    format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{links},"d{length}":{{"required":["a"]}}}}}}"##)
}

#[test]
fn schemas_that_take_too_much_are_refused_before_they_are_used() {
    let refused = |schema: &str, values: &str, expected: &str| assert_eq!(faults(schema, &map(values)), expected);
    assert!(faults(&chain(100, "allOf", 1), &Map::new()).contains("missing property 'a'"));
    let doubling = "schema takes more than 5000000 steps for these values";
    refused(&chain(60, "anyOf", 2), "{}", doubling);
    refused(&chain(2_000, "allOf", 1), "{}", "schema has more than 1000 references and combinations in a row");
    let nested = r##"{"$ref":"#node","$defs":{"n":{"$anchor":"node","anyOf":[
        {"properties":{"a":{"$ref":"#node"}},"required":["b"]},{"properties":{"a":{"$ref":"#node"}},"required":["c"]}]}}}"##;
    let values = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    assert!(faults(nested, &map(&values(5))).contains("'anyOf' failed"));
    refused(nested, &values(50), doubling);
    let all: Vec<String> = (0..12).map(|at| format!(r##"{{"$ref":"#/$defs/d{at}"}}"##)).collect();
    let all = all.join(",");
    let each: Vec<String> = (0..12).map(|at| format!(r#""d{at}":{{"anyOf":[{all}]}}"#)).collect();
    let tangle = format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{}}}}}"##, each.join(","));
    refused(&tangle, "{}", "schema refers to itself in more than 16 ways");
}

#[test]
fn deep_values_are_held_against_schemas_that_repeat() {
    let deep = map(&format!("{}1{}", r#"{"a":"#.repeat(990), "}".repeat(990)));
    let again = r##"{"properties":{"a":{"$ref":"#"}},"type":"object"}"##;
    assert!(faults(again, &deep).ends_with("got number, want object"));
    assert!(faults(&"[".repeat(100_000), &Map::new()).contains("exceeded max depth"));
}
