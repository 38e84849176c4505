//! A monitoring stack: 130 templates, thousands of lines of values, rules by the hundred, dashboards and CRDs as files.

mod rules;
mod watching;
mod workloads;

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use super::put;

/// Groups of alerting and recording rules, one template each.
const GROUPS: usize = 36;
/// Dashboards, one file and one template each.
const DASHBOARDS: usize = 28;
/// Components that are watched: a Service, a ServiceMonitor and, for some, Endpoints.
const COMPONENTS: usize = 12;
/// Programs that are run: nine templates each.
const PROGRAMS: usize = 4;
/// Definitions of kinds.
const DEFINITIONS: usize = 10;

/// Writes the chart.
pub(super) fn write(chart: &Path) -> Result<()> {
    put(
        chart,
        "Chart.yaml",
        "apiVersion: v2\nname: monitoring\nversion: 61.3.2\nappVersion: v0.75.1\ntype: application\nkubeVersion: \">=1.19.0-0\"\n\
         description: A monitoring stack\n",
    )?;
    put(chart, "templates/_helpers.tpl", watching::HELPERS)?;
    put(chart, "templates/NOTES.txt", "{{ .Chart.Name }} has been installed as {{ $.Release.Name }}.\n")?;
    for at in 0..GROUPS {
        put(chart, &format!("templates/rules/group-{at:02}.yaml"), &rules::group(at))?;
    }
    for at in 0..DASHBOARDS {
        put(chart, &format!("files/dashboards/board-{at:02}.json"), &dashboard(at))?;
        put(
            chart,
            &format!("templates/dashboards/board-{at:02}.yaml"),
            &watching::DASHBOARD.replace("NUMBER", &format!("{at:02}")),
        )?;
    }
    for at in 0..COMPONENTS {
        for (kind, text) in watching::COMPONENT {
            put(
                chart,
                &format!("templates/exporters/component-{at:02}/{kind}.yaml"),
                &text.replace("NUMBER", &format!("{at:02}")),
            )?;
        }
    }
    for at in 0..PROGRAMS {
        for (kind, text) in workloads::PROGRAM {
            put(chart, &format!("templates/program-{at}/{kind}.yaml"), &text.replace("NUMBER", &at.to_string()))?;
        }
    }
    for at in 0..DEFINITIONS {
        put(chart, &format!("crds/crd-{at}.yaml"), &definition(at))?;
    }
    put(chart, "values.yaml", &values())
}

/// A dashboard of some forty panels, as a program writes it.
fn dashboard(at: usize) -> String {
    let mut panels = Vec::new();
    for panel in 0..36 {
        panels.push(format!(
            "    {{\n      \"id\": {panel},\n      \"type\": \"timeseries\",\n      \"title\": \"Panel {panel} of board {at}\",\n      \
             \"datasource\": {{ \"type\": \"prometheus\", \"uid\": \"${{datasource}}\" }},\n      \"fieldConfig\": {{ \"defaults\": {{ \"unit\": \
             \"short\", \"custom\": {{ \"fillOpacity\": 10, \"showPoints\": \"never\" }} }}, \"overrides\": [] }},\n      \"gridPos\": {{ \"h\": 7, \"w\": \
             12, \"x\": {x}, \"y\": {y} }},\n      \"interval\": \"1m\",\n      \"targets\": [\n        {{\n          \"expr\": \
             \"sum(rate(container_cpu_usage_seconds_total{{job=\\\"component-{component}\\\", cluster=\\\"$cluster\\\", namespace=~\\\"$namespace\\\"}}[$__rate_interval])) \
             by (pod) / sum(kube_pod_container_resource_limits{{resource=\\\"cpu\\\"}}) by (pod)\",\n          \"legendFormat\": \"{{{{pod}}}} < {panel} & more\"\n        }}\n      ]\n    }}",
            x = panel % 2 * 12,
            y = panel / 2 * 7,
            component = panel % COMPONENTS,
        ));
    }
    format!(
        "{{\n  \"editable\": true,\n  \"panels\": [\n{}\n  ],\n  \"refresh\": \"10s\",\n  \"schemaVersion\": 39,\n  \"tags\": [\"monitoring\", \
         \"board-{at}\"],\n  \"time\": {{ \"from\": \"now-1h\", \"to\": \"now\" }},\n  \"timezone\": \"utc\",\n  \"title\": \"Board {at}\",\n  \"uid\": \"board{at:08}\"\n}}\n",
        panels.join(",\n")
    )
}

/// A definition with a schema of some hundred fields.
fn definition(at: usize) -> String {
    let mut text = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: kind{at}s.monitoring.example\nspec:\n  group: \
         monitoring.example\n  names: {{kind: Kind{at}, plural: kind{at}s, singular: kind{at}}}\n  scope: Namespaced\n  versions:\n  - name: v1\n    served: true\n    \
         storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n          spec:\n            type: object\n            properties:\n"
    );
    for field in 0..150 {
        let _ = write!(
            text,
            "              field{field}:\n                description: |-\n                  What field {field} does to the object. It may be left out; then the \
             operator chooses\n                  what fits the cluster, and says so in the status of the object.\n                type: object\n                \
             properties:\n                  name:\n                    default: \"\"\n                    type: string\n                  optional:\n                    \
             type: boolean\n                required:\n                - name\n"
        );
    }
    text
}

/// Values with the comments that such files have.
fn values() -> String {
    let mut text = watching::VALUES.to_owned();
    text.push_str("defaultRules:\n  create: true\n  labels: {team: platform}\n  annotations: {}\n  additionalRuleLabels: {severity_scope: cluster}\n  disabled: {Rule0305: true}\n  rules:\n");
    for at in 0..GROUPS {
        let _ = writeln!(text, "    ## Rules of group {at}.\n    ##\n    group{at:02}: {}", at % 9 != 8);
    }
    text.push_str("exporters:\n");
    for at in 0..COMPONENTS {
        let _ = write!(text, "  component{at:02}:\n{}", watching::COMPONENT_VALUES);
    }
    for at in 0..PROGRAMS {
        let _ = write!(text, "program{at}:\n{}", workloads::PROGRAM_VALUES);
        for option in 0..120 {
            let _ = write!(
                text,
                "    ## Option {option} of the program, as its own documentation tells. Empty for what the program\n    ## itself takes.\n    ## \
                 ref: https://monitoring.example/options#{option}\n    ##\n    option{option}: {}\n\n",
                ["\"\"", "{}", "[]", "30s", "true"][option % 5]
            );
        }
    }
    text
}
