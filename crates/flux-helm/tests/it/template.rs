//! The whole way from a chart and values to manifests, hooks and notes.

use flux_gotemplate::Map;
use flux_helm::manifest::{Secrets, hooks_of, listing};
use flux_helm::release::{HookDeletePolicy, HookEvent, HookOutputLogPolicy};
use flux_helm::render::{
    Assembled, Assembly, Capabilities, Context, Identity, KubeVersion, Mode, Notes, Request, Templated,
    check_installable, template,
};

use super::render::{chart, engine, values};

const CHART: (&str, &str) = ("Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.2.3\n");

/// Renders the files with the values; the error with its causes in one line.
fn templated(files: &[(&str, &str)], user: &Map, notes: Notes) -> Result<Templated, String> {
    let request = Request {
        chart: chart(files),
        values: user,
        release: Identity { name: "rel", namespace: "ns", revision: 1, is_upgrade: false },
        capabilities: &Capabilities {
            kube_version: KubeVersion::parse("1.30.2-eks-1").unwrap(),
            ..Capabilities::default()
        },
        notes,
        context: Context::default(),
    };
    template(&engine(Mode::Lenient), request).map_err(|err| words(&err))
}

fn words(err: &dyn std::error::Error) -> String {
    err.source().map_or_else(|| err.to_string(), |source| format!("{err}: {}", words(source)))
}

fn assembled(files: &[(&str, &str)], assembly: Assembly) -> Assembled {
    let mut all = vec![CHART];
    all.extend_from_slice(files);
    templated(&all, &Map::new(), Notes::Own).unwrap().assemble(assembly).map_err(|err| words(&err)).unwrap()
}

fn object(kind: &str, name: &str) -> String {
    format!("apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n")
}

#[test]
fn objects_are_sorted_by_kind_and_then_as_they_stand() {
    let several = format!("{}---\n{}", object("Service", "b"), object("Service", "a"));
    let files = [
        ("templates/a.yaml", object("Deployment", "d")),
        ("templates/b.yaml", several),
        ("templates/c.yaml", object("Widget", "w")),
        ("templates/d.yaml", "\n# only a comment\n{{ if false }}x{{ end }}".to_owned()),
        ("templates/e.yaml", " \n{{/* nothing */}}\n".to_owned()),
    ];
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let own = assembled(&files, Assembly::default());
    let names: Vec<_> = own.manifests.iter().map(|own| own.head.name.as_str()).collect();
    assert_eq!(names, ["b", "a", "d", "", "w"]);
    assert!(
        own.manifest.starts_with("---\n# Source: app/templates/b.yaml\napiVersion: v1\nkind: Service\n"),
        "{}",
        own.manifest
    );
}

const HOOK: &str = "kind: Job
metadata:
  name: NAME
  annotations:
    helm.sh/hook: EVENTS
    helm.sh/hook-weight: \"WEIGHT\"
    helm.sh/hook-delete-policy: before-hook-creation, Hook-Succeeded
    helm.sh/hook-output-log-policy: hook-failed
";

#[test]
fn hooks_are_taken_out_and_run_by_weight_and_name() {
    let hook = |name: &str, events: &str, weight: &str| {
        HOOK.replace("NAME", name).replace("EVENTS", events).replace("WEIGHT", weight)
    };
    let text = [
        hook("b", "pre-install, Post-Upgrade", "5"),
        hook("a", "pre-install", "5"),
        hook("c", "pre-install,test-success", "-1"),
        hook("d", "pre-install,someday", "0"),
        hook("e", "test", "heavy"),
    ]
    .join("---\n");
    let own = assembled(&[("templates/h.yaml", &text)], Assembly::default());
    assert_eq!(own.manifest, "");
    let of = |event| hooks_of(&own.hooks, &event).into_iter().map(|hook| hook.name.as_str()).collect::<Vec<_>>();
    assert_eq!(of(HookEvent::PreInstall), ["c", "a", "b"]);
    assert_eq!(of(HookEvent::Test), ["c", "e"]);
    assert_eq!(own.hooks[0].events, [HookEvent::PreInstall, HookEvent::PostUpgrade]);
    assert_eq!(own.hooks[0].delete_policies, [HookDeletePolicy::BeforeHookCreation, HookDeletePolicy::Succeeded]);
    assert_eq!(own.hooks[0].output_log_policies, [HookOutputLogPolicy::Failed]);
    assert_eq!(own.hooks[3].weight, 0);
    assert_eq!(
        own.warnings,
        ["app/templates/h.yaml: Job/d is left out: \"pre-install,someday\" names an event that hooks do not have"]
    );
    assert!(listing(&own.manifest, &own.hooks).contains("---\n# Source: app/templates/h.yaml\nkind: Job\n"));
}

#[test]
fn definitions_come_first_when_they_are_wanted_and_secrets_can_be_hidden() {
    let files = [
        ("crds/a.yaml", "kind: {{ not a template }}\n"),
        ("crds/README.md", "no definition"),
        ("templates/s.yaml", "apiVersion: v1\nkind: Secret\nstringData: {a: hush}\n"),
    ];
    assert!(!assembled(&files, Assembly::default()).manifest.contains("crds/"));
    let shown = assembled(&files, Assembly { include_crds: true, secrets: Secrets::Hidden }).manifest;
    assert_eq!(
        shown,
        "---\n# Source: app/crds/a.yaml\nkind: {{ not a template }}\n\n---\n# Source: app/templates/s.yaml\n\
         # HIDDEN: The Secret output has been suppressed\n"
    );
}

#[test]
fn notes_of_subcharts_are_left_out_unless_they_are_wanted() {
    let files = [
        CHART,
        ("templates/NOTES.txt", "hello {{ .Release.Name }}"),
        ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n"),
        ("charts/sub/templates/NOTES.txt", "from below"),
    ];
    let notes = |kept| templated(&files, &Map::new(), kept).unwrap();
    assert_eq!(notes(Notes::Own).notes, "hello rel");
    assert_eq!(notes(Notes::All).notes, "from below\nhello rel");
    assert!(notes(Notes::Own).texts.is_empty());
}

#[test]
fn subcharts_that_the_values_disable_are_not_rendered() {
    let files = [
        (
            "Chart.yaml",
            "apiVersion: v2\nname: app\nversion: 1.2.3\ndependencies: [{name: sub, version: '*', condition: sub.enabled}]\n",
        ),
        ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n"),
        ("charts/sub/values.yaml", "enabled: true\n"),
        ("charts/sub/templates/a.yaml", "kind: A\n"),
    ];
    let rendered = |user: &str| templated(&files, &values(user), Notes::Own).unwrap().texts.len();
    assert_eq!((rendered(""), rendered("sub: {enabled: false}")), (1, 0));
}

#[test]
fn charts_say_for_which_versions_of_kubernetes_they_are() {
    let rendered = |range: &str| {
        let yaml = format!("apiVersion: v2\nname: app\nversion: 1.2.3\nkubeVersion: \"{range}\"\n");
        templated(&[("Chart.yaml", &yaml)], &Map::new(), Notes::Own).err()
    };
    assert_eq!(rendered(">=1.30.0"), None);
    assert_eq!(
        rendered(">=1.31.0").as_deref(),
        Some("chart requires kubeVersion: >=1.31.0 which is incompatible with Kubernetes v1.30.2-eks-1")
    );
}

#[test]
fn texts_that_are_no_yaml_name_their_template_and_can_be_looked_at() {
    let files = [CHART, ("templates/a.yaml", "kind: A\n b: c\n"), ("templates/b.yaml", "[]\n")];
    let templated = templated(&files, &Map::new(), Notes::Own).unwrap();
    let fault = templated.assemble(Assembly::default()).err().map(|err| words(&err));
    assert_eq!(
        fault.as_deref(),
        Some(
            "YAML parse error on app/templates/a.yaml: error converting YAML to JSON: yaml: line 2: \
             mapping values are not allowed in this context"
        )
    );
    assert!(templated.raw_stream().contains("---\n# Source: app/templates/b.yaml\n[]\n"));
}

#[test]
fn libraries_and_charts_without_what_they_depend_on_cannot_be_installed() {
    let refused = |more: &str| {
        let yaml = format!("apiVersion: v2\nname: app\nversion: 1.2.3\n{more}");
        check_installable(&chart(&[("Chart.yaml", &yaml)])).err().map(|err| err.to_string())
    };
    assert_eq!(refused("type: application\n"), None);
    assert_eq!(refused("type: library\n").as_deref(), Some("library charts are not installable"));
    let fault = refused("dependencies: [{name: a, version: 1.0.0}, {name: b, version: 1.0.0}]\n").unwrap();
    assert!(fault.ends_with("missing in charts/ directory: a, b"), "{fault}");
}
