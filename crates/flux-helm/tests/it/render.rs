//! Charts rendered with values: what templates see, share and are refused.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flux_gotemplate::data::{Target, read_yaml};
use flux_gotemplate::funcs::sprig::World;
use flux_gotemplate::{Limits, Map, Time};
use flux_helm::chart::{Chart, File, LoadLimits, load_files};
use flux_helm::render::{Capabilities, Cluster, Context, Engine, Identity, Mode, Query, RenderError};
use serde_json::json;

/// A world in which nothing moves.
struct Still;

impl World for Still {
    fn now(&self) -> Time {
        Time::from_unix(0, 0)
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }

    fn addresses(&self, host: &str) -> Vec<String> {
        if host == "known" { vec!["10.0.0.1".to_owned()] } else { Vec::new() }
    }
}

const RELEASE: Identity<'static> = Identity { name: "rel", namespace: "ns", revision: 3, is_upgrade: true };

pub(crate) fn engine(mode: Mode) -> Engine {
    let world: Arc<dyn World> = Arc::new(Still);
    Engine::new(&world, mode)
}

pub(crate) fn chart(files: &[(&str, &str)]) -> Chart {
    let file = |(name, data): &(&str, &str)| File {
        name: (*name).to_owned(),
        data: data.as_bytes().into(),
        modified: flux_helm::Time::zero(),
    };
    load_files(files.iter().map(file).collect(), &LoadLimits::default()).unwrap()
}

pub(crate) fn values(text: &str) -> Map {
    read_yaml(text.as_bytes(), Target::Map).unwrap().as_map().unwrap().clone()
}

fn render_with(
    engine: &Engine,
    files: &[(&str, &str)],
    text: &str,
    context: &Context<'_>,
) -> Result<String, RenderError> {
    let mut all = vec![("Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.2.3\n")];
    all.extend_from_slice(files);
    let chart = chart(&all);
    let prepared = engine.prepare(&chart)?;
    let texts = prepared.render(&values(text), &RELEASE, &Capabilities::default(), context)?;
    Ok(texts.iter().flat_map(|text| [&text.name, ": ", &text.content, "\n"]).collect())
}

fn render(files: &[(&str, &str)], values: &str) -> String {
    render_with(&engine(Mode::Lenient), files, values, &Context::default()).unwrap_or_else(|err| format!("!{err}"))
}

/// What a single template gives.
fn check(template: &str, values: &str, expected: &str) {
    let text = render(&[("templates/t", template)], values);
    assert_eq!(text.strip_prefix("app/templates/t: ").unwrap_or(&text).trim_end_matches('\n'), expected, "{template}");
}

const SUBCHART: [(&str, &str); 3] = [
    ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 0.1.0\n"),
    ("charts/sub/templates/s", "{{ .Values.a }} {{ .Chart.Name }} {{ .Chart.IsRoot }} {{ .Template.Name }}"),
    ("charts/sub/templates/_p", r#"{{ define "who" }}sub{{ end }}"#),
];

#[test]
fn subcharts_see_their_part_of_the_values_and_parents_win_over_their_definitions() {
    let mut files = SUBCHART.to_vec();
    files.push(("templates/_p", r#"{{ define "who" }}app{{ end }}"#));
    files.push(("templates/t", r#"{{ include "who" . }} {{ .Values.sub.a }} {{ .Subcharts.sub.Chart.Version }}"#));
    assert_eq!(
        render(&files, "sub: {a: 5}"),
        "app/charts/sub/templates/s: 5 sub false app/charts/sub/templates/s\napp/templates/t: app 5 0.1.0\n"
    );
}

#[test]
fn what_a_template_sets_is_seen_by_later_ones_in_the_values_of_parents_too() {
    let mut files = SUBCHART.to_vec();
    files.push(("charts/sub/templates/z", r#"{{ $_ := set .Values "a" (dict "b" "new") }}"#));
    files.push(("templates/t", "{{ .Values.sub.a.b }} {{ typeOf .Values }} {{ typeOf .Values.sub }}"));
    let text = render(&files, "sub: {a: old}");
    assert!(text.contains("app/charts/sub/templates/s: map[b:new] sub"), "{text}");
    assert!(text.ends_with("app/templates/t: new common.Values map[string]interface {}\n"), "{text}");
}

#[test]
fn a_library_only_defines() {
    let files = [
        ("charts/lib/Chart.yaml", "apiVersion: v2\nname: lib\nversion: 0.1.0\ntype: library\n"),
        ("charts/lib/templates/page", "not rendered"),
        ("charts/lib/templates/_lib", r#"{{ define "lib" }}from the library{{ end }}"#),
        ("templates/t", r#"{{ include "lib" . }}"#),
    ];
    assert_eq!(render(&files, ""), "app/templates/t: from the library\n");
}

#[test]
fn templates_see_the_release_the_cluster_and_helm() {
    check(
        "{{ range $k, $v := .Release }}{{ $k }}={{ $v }} {{ end }}",
        "",
        "IsInstall=false IsUpgrade=true Name=rel Namespace=ns Revision=3 Service=Helm ",
    );
    check(
        "{{ .Capabilities.KubeVersion }} {{ printf \"%v\" .Capabilities.KubeVersion }}",
        "",
        "v1.36.0 {v1.36.0 v1.36.0 1 36}",
    );
    check("{{ .Capabilities.KubeVersion.GitVersion }} {{ .Capabilities.KubeVersion.Minor }}", "", "v1.36.0 36");
    check(
        "{{ .Capabilities.APIVersions.Has \"apps/v1\" }} {{ has \"v1\" .Capabilities.APIVersions }}",
        "",
        "true true",
    );
    check(
        "{{ .Capabilities.HelmVersion | toJson }}",
        "",
        r#"{"go_version":"go1.26.10","kube_client_version":"v1.36","version":"v4.2"}"#,
    );
    check("{{ .Capabilities.KubeVersion | toJson }}", "", r#"{"Major":"1","Minor":"36","Version":"v1.36.0"}"#);
    check("{{ .Template.BasePath }} {{ typeOf . }}", "", "app/templates common.Values");
    check("{{ .Chart.Annotations.x }}|{{ .Chart.Keywords | toJson }}|{{ .Chart.AppVersion }}", "", "|[]|");
}

#[test]
fn values_have_methods() {
    check("{{ (.Values.Table \"a.b\").c }} {{ .Values.PathValue \"a.b.c\" }}", "a: {b: {c: 1}}", "1 1");
    check("{{ .Values.AsMap | typeOf }} {{ .Values.YAML }}", "a: x", "map[string]interface {} a: x");
    check(
        "{{ .Values.Table \"a.x\" }}",
        "a: 1",
        "!template: app/templates/t:1:10: executing \"app/templates/t\" at <.Values.Table>: \
         error calling Table: \"a\" is not a table",
    );
}

#[test]
fn files_can_be_read_chosen_and_written() {
    let check = |template, expected: &str| {
        let files = [("templates/t", template), ("conf/a.txt", "1\n2\n"), ("conf/b.json", "{}"), ("empty", "")];
        let text = render(&files, "");
        assert_eq!(
            text.strip_prefix("app/templates/t: ").unwrap_or(&text).trim_end_matches('\n'),
            expected,
            "{template}"
        );
    };
    check("{{ .Files.Get \"conf/b.json\" }}{{ .Files.Get \"none\" }}", "{}");
    check("{{ range $n, $_ := .Files.Glob \"conf/*\" }}{{ $n }};{{ end }}", "conf/a.txt;conf/b.json;");
    check("{{ len (.Files.Glob \"[\") }} {{ len .Files }}", "3 3");
    check("{{ (.Files.Glob \"**.txt\").AsConfig }}", "a.txt: |\n  1\n  2");
    check("{{ (.Files.Glob \"**.json\").AsSecrets }}", "b.json: e30=");
    check("{{ .Files.Lines \"conf/a.txt\" }} {{ len (.Files.Lines \"none\") }}", "[1 2] 0");
    check(
        "{{ .Files.Lines \"empty\" }}",
        "!template: app/templates/t:1:9: executing \"app/templates/t\" at <.Files.Lines>: \
         error calling Lines: runtime error: index out of range [-1]",
    );
}

#[test]
fn tpl_keeps_its_definitions_to_itself_and_may_be_empty() {
    check(r#"{{ tpl "{{ define \"x\" }}1{{ end }}{{ include \"x\" . }}" . }}"#, "", "1");
    check(r#"{{ tpl "{{ tpl \"{{/* nothing */}}\" . }}|" . }}"#, "", "|");
    check(r#"{{ tpl "<no value>{{ .Values.none }}" . }}"#, "", "");
    check(
        r#"{{ tpl "{{ define \"x\" }}{{ end }}" . }}{{ include "x" . }}"#,
        "",
        "!app/templates/t:1:44\n  executing \"app/templates/t\" at <include \"x\" .>:\n    error calling include:\n\
         template: no template \"x\" associated with template \"gotpl\"",
    );
    check(
        "{{ tpl \"{{\" . }}",
        "",
        "!template: app/templates/t:1:3: executing \"app/templates/t\" at <tpl \"{{\" .>: error calling tpl: \
         cannot parse template \"{{\": template: gotpl:1: unclosed action",
    );
}

#[test]
fn a_name_may_be_included_within_itself_a_thousand_times() {
    let recursive = |times: usize| {
        let text = format!(
            r#"{{{{ define "r" }}}}{{{{ if gt . 0 }}}}{{{{ include "r" (sub . 1 | int) }}}}{{{{ end }}}}{{{{ end }}}}{{{{ include "r" {times} }}}}."#
        );
        render(&[("templates/t", &text)], "")
    };
    assert_eq!(recursive(1000), "app/templates/t: .\n");
    assert!(recursive(1001).contains("rendering template has a nested reference name: r"), "{}", recursive(1001));
}

#[test]
fn charts_refuse_values_in_their_own_words() {
    check(
        "{{ required \"a: is\\nmissing\" .Values.a }}",
        "a: ''",
        "!execution error at (app/templates/t:1:3): a: is\nmissing",
    );
    check("{{ required \"m\" .Values.a }}", "a: false", "false");
    check(
        "{{ include \"x\" . }}{{ define \"x\" }}{{ fail \"no\" }}{{ end }}",
        "",
        "!execution error at (app/templates/t:1:3): no",
    );
    check("{{ nope }}", "", "!parse error at (app/templates/t:1): function \"nope\" not defined");
}

#[test]
fn linted_charts_refuse_nothing_and_strict_ones_want_all_keys() {
    let files = [("templates/t", "{{ required \"m\" .Values.a }}{{ fail \"x\" }}.")];
    let render = |mode, files: &[_]| render_with(&engine(mode), files, "", &Context::default());
    assert_eq!(render(Mode::Lint, &files).unwrap(), "app/templates/t: .\n");
    let fault = render(Mode::Strict, &[("templates/t", "{{ .Values.a }}")]).unwrap_err().to_string();
    assert!(fault.ends_with("map has no entry for key \"a\""), "{fault}");
}

struct Pods;

impl Cluster for Pods {
    fn lookup(&self, query: Query<'_>) -> Result<Option<serde_json::Value>, Box<dyn std::error::Error + Send + Sync>> {
        match query {
            Query { api_version: "v1", kind: "Pod", namespace: "ns", name: "a" } => Ok(Some(json!({"n": 3, "f": 1.5}))),
            Query { kind: "Pod", name: "", .. } => Ok(Some(json!({"items": [{}, {}]}))),
            Query { kind: "Pod", .. } => Ok(None),
            _ => Err("no such kind".into()),
        }
    }
}

#[test]
fn lookups_ask_the_cluster_when_there_is_one() {
    let render = |template, context: &Context<'_>| {
        let text = render_with(&engine(Mode::Lenient), &[("templates/t", template)], "", context);
        text.unwrap_or_else(|err| err.to_string())
    };
    let asking = Context { cluster: Some(Arc::new(Pods)), ..Context::default() };
    let pod = r#"{{ with lookup "v1" "Pod" "ns" "a" }}{{ .n }} {{ typeOf .n }} {{ typeOf .f }}{{ else }}none{{ end }}"#;
    assert_eq!(render(pod, &asking), "app/templates/t: 3 int64 float64\n");
    assert_eq!(render(pod, &Context::default()), "app/templates/t: none\n");
    assert_eq!(render(r#"{{ len (lookup "v1" "Pod" "" "").items }}"#, &asking), "app/templates/t: 2\n");
    assert_eq!(render(r#"{{ lookup "v1" "Pod" "ns" "b" }}"#, &asking), "app/templates/t: map[]\n");
    assert!(render(r#"{{ lookup "v1" "X" "" "" }}"#, &asking).ends_with("error calling lookup: no such kind"));
}

#[test]
fn hosts_have_the_addresses_that_the_world_gives() {
    check(r#"{{ getHostByName "known" }}|{{ getHostByName "unknown" }}"#, "", "10.0.0.1|");
}

#[test]
fn bounds_and_cancelling_end_a_rendering() {
    let fault = |template, context: &Context<'_>| {
        let err = render_with(&engine(Mode::Lenient), &[("templates/t", template)], "", context).unwrap_err();
        assert_eq!(err.to_string(), "cannot render app/templates/t");
        std::error::Error::source(&err).unwrap().to_string()
    };
    let few = Limits { steps: 1000, ..Limits::default() };
    let context = Context { limits: few, ..Context::default() };
    assert_eq!(fault("{{ range until 100000 }}x{{ end }}", &context), "template takes more than 1000 steps");
    let limits = Limits { depth: 10, ..Limits::default() };
    let context = Context { limits, ..Context::default() };
    let nested = r#"{{ define "r" }}{{ tpl "{{ include \"r\" . }}" . }}{{ end }}{{ include "r" . }}"#;
    assert_eq!(fault(nested, &context), "template calls are nested more than 10 deep");
    let flag = AtomicBool::new(true);
    let context = Context { cancelled: Some(&flag), ..Context::default() };
    assert_eq!(fault("{{ range until 100000 }}x{{ end }}", &context), "template execution was cancelled");
}

#[test]
fn errors_that_grow_from_level_to_level_are_bounded() {
    let name = "n".repeat(20_000);
    let text = format!(
        r#"{{{{ define "{name}" }}}}{{{{ if . }}}}{{{{ include "{name}" (sub . 1 | int) }}}}{{{{ end }}}}{{{{ nil }}}}{{{{ end }}}}{{{{ include "{name}" 500 }}}}"#
    )
    .replace("{{ nil }}", "{{ fail \"deep\" }}");
    let limits = Limits { memory: 64 << 20, ..Limits::default() };
    let context = Context { limits, ..Context::default() };
    let fault = render_with(&engine(Mode::Lenient), &[("templates/t", &text)], "", &context).unwrap_err();
    assert!(matches!(fault, RenderError::Bound { .. }), "an error of {} bytes", fault.to_string().len());
}

#[test]
fn a_prepared_chart_can_be_rendered_again() {
    let engine = engine(Mode::Lenient);
    let chart = chart(&[
        ("Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.2.3\n"),
        ("templates/t", r#"{{ $_ := set .Values "m" (dict "self" .Values) }}{{ .Values.a }}"#),
    ]);
    let prepared = engine.prepare(&chart).unwrap();
    for text in ["1", "2"] {
        let values = values(&format!("a: {text}"));
        let texts = prepared.render(&values, &RELEASE, &Capabilities::default(), &Context::default()).unwrap();
        assert_eq!(texts[0].content, text);
    }
}
