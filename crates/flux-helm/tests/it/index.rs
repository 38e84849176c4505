//! Repository indexes.

use std::collections::BTreeMap;
use std::io::Cursor;

use flux_helm::repository::index::{ChartVersion, DEVEL, Index, IndexError, Limits};

const INDEX: &str = r#"apiVersion: v1
entries:
  nginx:
  - name: nginx
    version: 0.1.0
    apiVersion: v2
    created: 2024-01-01T00:00:00Z
    digest: SHA256:ABC
    urls: [nginx-0.1.0.tgz]
  - {name: nginx, version: 1.2.0-rc.1, urls: [a], created: "2024-05-01T00:00:00Z"}
  - name: nginx
    version: 1.1.0+new
    description: |
      Many lines
      version: 9.9.9
    created: "2024-02-01T00:00:00Z"
  - name: nginx
    version: 1.1.0+old
    created: "2024-03-01T00:00:00Z"
  - null
  - name: nginx
    version: bad
  - version: 1.0.0
  none: []
  nothing:
generated: "2024-06-01T00:00:00.5Z"
"#;

fn index(text: &str) -> Index<Cursor<&[u8]>> {
    Index::new(Cursor::new(text.as_bytes()))
}

fn words(result: Result<ChartVersion, IndexError>) -> String {
    result.map_or_else(|err| err.to_string(), |entry| entry.metadata.version)
}

fn check(version: &str, helm: &str, flux: &str) {
    assert_eq!(words(index(INDEX).get("nginx", version)), helm, "helm {version}");
    let versions = index(INDEX).chart("nginx").unwrap();
    assert_eq!(words(versions.newest(version).cloned()), flux, "flux {version}");
}

#[test]
fn versions_are_chosen_as_helm_and_flux_choose_them() {
    check("", "1.1.0+new", "1.1.0+old");
    check("*", "1.1.0+new", "1.1.0+old");
    check("1.1.0", "1.1.0+new", "1.1.0+old");
    check("1.1.0+old", "1.1.0+old", "1.1.0+old");
    check("^0.1.0", "0.1.0", "0.1.0");
    check(DEVEL, "1.2.0-rc.1", "1.2.0-rc.1");
    check("1.2.0-rc.1", "1.2.0-rc.1", "1.2.0-rc.1");
    check(">2", "no chart version found for nginx->2", "no 'nginx' chart with version matching '>2' found");
    check("x y", "improper constraint: \"x y\"", "improper constraint: \"x y\"");
}

#[test]
fn entries_that_are_no_charts_are_left_out_with_a_reason() {
    let chart = index(INDEX).chart("nginx").unwrap();
    let versions: Vec<_> = chart.versions.iter().map(|entry| entry.metadata.version.as_str()).collect();
    assert_eq!(versions, ["1.2.0-rc.1", "1.1.0+new", "1.1.0+old", "0.1.0"]);
    let skipped: Vec<_> = chart.skipped.iter().map(|entry| format!("{:?} {}", entry.version, entry.reason)).collect();
    assert_eq!(
        skipped,
        [
            "\"\" empty entry",
            "\"bad\" validation: chart.metadata.version \"bad\" is invalid",
            "\"1.0.0\" validation: chart.metadata.name is required"
        ]
    );
    let oldest = &chart.versions[3];
    assert_eq!((oldest.urls.as_slice(), oldest.sha256().as_str()), (&["nginx-0.1.0.tgz".to_owned()][..], "abc"));
    assert_eq!(chart.versions[1].metadata.description, "Many lines version: 9.9.9 ");
    assert_eq!(chart.versions[1].metadata.api_version, "v1");
}

#[test]
fn charts_that_are_not_there_are_told_apart_from_those_without_versions() {
    for (name, expected) in
        [("nginx2", "no chart name found"), ("none", "no chart version found"), ("nothing", "no chart version found")]
    {
        assert_eq!(words(index(INDEX).get(name, "")), expected, "{name}");
    }
    let names: Vec<String> = index(INDEX).names().unwrap().into_iter().collect();
    assert_eq!(names, ["nginx", "none", "nothing"]);
}

fn refused(text: &str, expected: &str) {
    assert_eq!(words(index(text).get("a", "")), expected, "{text}");
    assert_eq!(
        words(Index::as_whole(Cursor::new(text.as_bytes()), Limits::default()).get("a", "")),
        expected,
        "{text}"
    );
}

#[test]
fn texts_that_are_no_index_are_refused_in_gos_words() {
    let decoding = "error unmarshaling JSON: while decoding JSON: json:";
    refused("", "empty index.yaml file");
    refused("\n", "no API version specified");
    refused("{}", "no API version specified");
    refused("entries:\n  a:\n", "no API version specified");
    refused("apiVersion: v1\nmore: 1\n", &format!("{decoding} unknown field \"more\""));
    refused(
        "apiVersion: v1\nentries:\n  a:\n  - version: 1.0\n",
        &format!(
            "{decoding} cannot unmarshal number into Go struct field ChartVersion.entries.Metadata.version of type string"
        ),
    );
    refused(
        "apiVersion: v1\nentries:\n  a:\n  - urls: x\n",
        &format!("{decoding} cannot unmarshal string into Go struct field ChartVersion.entries.urls of type []string"),
    );
    refused(
        "apiVersion: v1\nentries:\n  a:\n  - x\n",
        &format!("{decoding} cannot unmarshal string into Go struct field IndexFile.entries of type repo.ChartVersion"),
    );
    refused(
        "apiVersion: v1\nentries:\n  a: x\n",
        &format!(
            "{decoding} cannot unmarshal string into Go struct field IndexFile.entries of type repo.ChartVersions"
        ),
    );
    refused(
        "apiVersion: v1\nentries: x\n",
        &format!(
            "{decoding} cannot unmarshal string into Go struct field IndexFile.entries of type map[string]repo.ChartVersions"
        ),
    );
    refused("apiVersion: v1\nentries:\n  a:\n  - nome: x\n", &format!("{decoding} unknown field \"nome\""));
    refused(
        "apiVersion: v1\nentries:\n  a:\n  - maintainers: [{name: 5}]\n",
        &format!(
            "{decoding} cannot unmarshal number into Go struct field Maintainer.entries.Metadata.maintainers.name of type string"
        ),
    );
    refused("- a\n", &format!("{decoding} cannot unmarshal array into Go value of type repo.IndexFile"));
    refused(
        "apiVersion: v1\nentries:\n  a: []\n  b: []\n  a: []\n",
        "error converting YAML to JSON: yaml: unmarshal errors:\n  line 5: key \"a\" already set in map",
    );
    refused(
        "apiVersion: v1\nentries:\n  a:\n  - name: a: b\n",
        "error converting YAML to JSON: yaml: line 4: mapping values are not allowed in this context",
    );
    refused(
        r#"{"apiVersion": "v1", "entries": {"a": [{"version": 1}]}}"#,
        "json: cannot unmarshal number into Go struct field ChartVersion.entries.Metadata.version of type string",
    );
}

#[test]
fn json_indexes_are_read_by_the_rules_of_json() {
    let text = r#" {"entries": {"b": 5.5e3, "a": [{"name": "a", "version": "1.0.0", "more": {}}, null]}, "more": [], "APIVersion": "v1"}"#;
    let chart = index(text).chart("a").unwrap();
    assert_eq!((chart.versions.len(), chart.skipped.len()), (1, 1));
    let flow = "{apiVersion: v1, entries: {a: [{name: a, version: 1.0.0}]}}";
    assert_eq!(index(flow).get("a", "").unwrap().metadata.version, "1.0.0");
    let twice = r#"{"apiVersion": "v1", "entries": {"a": [], "a": [{"name": "a", "version": "2.0.0"}]}}"#;
    assert_eq!(index(twice).get("a", "").unwrap().metadata.version, "2.0.0");
}

#[test]
fn what_is_wrong_with_other_charts_does_not_matter_unless_the_whole_is_read() {
    let text = "apiVersion: v1\nentries:\n  a:\n  - {name: a, version: 1.0.0}\n  b:\n  - nome: b\n    version: [}\n";
    assert_eq!(words(index(text).get("a", "")), "1.0.0");
    let mut whole = Index::as_whole(Cursor::new(text.as_bytes()), Limits::default());
    assert!(matches!(whole.get("a", ""), Err(IndexError::Decode(_))));
}

#[test]
fn anchors_are_followed_from_one_chart_to_another() {
    let text = "apiVersion: v1\nentries:\n  a:\n  - &first {name: a, version: 1.0.0}\n  b:\n  - *first\n";
    assert_eq!(index(text).get("b", "").unwrap().metadata.name, "a");
}

#[test]
fn limits_hold() {
    let with = |limits| words(Index::with_limits(Cursor::new(INDEX.as_bytes()), limits).get("nginx", ""));
    let limits = Limits::default();
    assert_eq!(with(Limits { size: 100, ..limits }), "the index has more than 100 bytes");
    assert_eq!(with(Limits { chart: 100, ..limits }), "the index has more than 100 bytes about chart \"nginx\"");
    assert_eq!(with(Limits { charts: 1, ..limits }), "the index has more than 1 charts");
    assert_eq!(with(Limits { whole: 1, ..limits }), "1.1.0+new");
    let mut flow = Index::with_limits(Cursor::new(b"? a\n"), Limits { whole: 1, ..limits });
    assert_eq!(words(flow.get("a", "")), "the index is not written in indented lines and has more than 1 bytes");
}

#[test]
fn what_is_wrong_with_an_entry_of_a_large_index_is_told_with_its_line() {
    let text = "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n  - name: a\n    version: [}\n";
    let limits = Limits { whole: 10, ..Limits::default() };
    let told = words(Index::with_limits(Cursor::new(text.as_bytes()), limits).get("a", ""));
    let whole = words(Index::as_whole(Cursor::new(text.as_bytes()), Limits::default()).get("a", ""));
    assert!(told.contains("line 7"), "{told}");
    assert_eq!(told, whole);
}

#[test]
fn json_has_the_limits_that_yaml_has() {
    let with = |text: &str| words(index(text).get("a", ""));
    let zeros = |count| format!("[{}0]", "0,".repeat(count));
    let header = format!(r#"{{"apiVersion":"v1","serverInfo":{{"x":{}}},"entries":{{}}}}"#, zeros(3 << 20));
    assert_eq!(with(&header), "the index has more than 4194304 bytes beside its entries");
    let chart = format!(r#"{{"apiVersion":"v1","entries":{{"a":[{{"x":{}}}]}}}}"#, zeros(5 << 20));
    assert_eq!(with(&chart), "a part of the index has more than 4000000 values");
    let text = format!(r#"{{"apiVersion":"v1","entries":{{"a":[{{"x":"{}"}}]}}}}"#, "x".repeat(33 << 20));
    assert_eq!(with(&text), "the index has more than 33554432 bytes about chart \"a\"");
    let mut whole = Index::as_whole(Cursor::new(chart.as_bytes()), Limits::default());
    assert_eq!(words(whole.get("a", "")), "a part of the index has more than 4000000 values");
    // What nobody asks for is not kept.
    let other =
        format!(r#"{{"apiVersion":"v1","x":{},"entries":{{"b":[{{"x":{}}}]}}}}"#, zeros(5 << 20), zeros(5 << 20));
    assert_eq!(with(&other), "no chart name found");
}

#[test]
fn a_json_index_of_many_charts_is_read_in_one_go() {
    let entry = |at| format!(r#""{at}":[{{"name":"a","version":"1.0.0"}}]"#);
    let mut charts: Vec<String> = (0..60_000).map(entry).collect();
    charts.push(r#""0":[{"name":"a","version":"2.0.0"}]"#.to_owned());
    let text = format!(r#"{{"apiVersion":"v1","entries":{{{}}}}}"#, charts.join(","));
    let begin = std::time::Instant::now();
    let mut versions = BTreeMap::new();
    index(&text).each(|chart| drop(versions.insert(chart.name.clone(), chart))).unwrap();
    assert!(begin.elapsed() < std::time::Duration::from_secs(20), "{:?}", begin.elapsed());
    assert_eq!(versions.len(), 60_000);
    assert_eq!(versions["0"].get("").unwrap().metadata.version, "2.0.0");
}

#[test]
fn an_index_is_written_as_go_writes_it() {
    let yaml = r#"
generated: 2024-06-01T00:00:00.50+02:00
annotations: {b: x, a: w}
publicKeys: [k]
serverInfo: {z: 1, contextPath: {b: 1.5, a: [true]}}
apiVersion: v1
entries:
  b:
  - digest: abc
    version: 1.0.0
    name: b
    tillerVersion: ">2"
    engine: gotpl
    removed: true
    urls: [u]
    dependencies: [{name: d, alias: e}]
  - name: invalid
  a: []
"#;
    let json = r#"{"generated": "2024-06-01T00:00:00.50+02:00", "annotations": {"b": "x", "a": "w"}, "publicKeys": ["k"],
        "serverInfo": {"z": 1, "contextPath": {"b": 1.5, "a": [true]}}, "apiVersion": "v1", "entries": {"b": [
        {"digest": "abc", "version": "1.0.0", "name": "b", "tillerVersion": ">2", "engine": "gotpl", "removed": true,
        "urls": ["u"], "dependencies": [{"name": "d", "alias": "e"}]}, {"name": "invalid"}], "a": []}}"#;
    let expected = concat!(
        r#"{"serverInfo":{"contextPath":{"a":[true],"b":1.5},"z":1},"apiVersion":"v1","#,
        r#""generated":"2024-06-01T00:00:00.5+02:00","entries":{"a":[],"b":[{"name":"b","version":"1.0.0","#,
        r#""apiVersion":"v1","dependencies":[{"name":"d","repository":"","alias":"e"}],"urls":["u"],"#,
        r#""created":"0001-01-01T00:00:00Z","removed":true,"digest":"abc","engine":"gotpl","tillerVersion":">2"}]},"#,
        r#""publicKeys":["k"],"annotations":{"a":"w","b":"x"}}"#
    );
    for text in [yaml, json] {
        let mut entries = BTreeMap::new();
        let header = index(text).each(|chart| drop(entries.insert(chart.name, chart.versions))).unwrap();
        assert_eq!(serde_json::to_string(&header.document(&entries)).unwrap(), expected);
    }
    let bare = serde_json::to_string(&ChartVersion::default()).unwrap();
    assert_eq!(bare, r#"{"urls":null,"created":"0001-01-01T00:00:00Z"}"#);
}
