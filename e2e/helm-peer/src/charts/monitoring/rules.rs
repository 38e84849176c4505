//! Groups of rules, with the templates of alerts kept from Helm's.

use std::fmt::Write as _;

/// The template of a group.
pub(super) fn group(at: usize) -> String {
    let mut text = format!(
        r#"{{{{- $kubeTargetVersion := default .Capabilities.KubeVersion.GitVersion .Values.kubeTargetVersionOverride }}}}
{{{{- if and (semverCompare ">=1.14.0-0" $kubeTargetVersion) (semverCompare "<9.9.9-9" $kubeTargetVersion) .Values.defaultRules.create .Values.defaultRules.rules.group{at:02} }}}}
{{{{- $targetNamespace := .Values.defaultRules.appNamespacesTarget }}}}
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {{{{ printf "%s-%s" (include "monitoring.fullname" .) "group-{at:02}" | trunc 63 | trimSuffix "-" }}}}
  namespace: {{{{ template "monitoring.namespace" . }}}}
  labels:
    app: {{{{ template "monitoring.name" . }}}}
{{{{ include "monitoring.labels" . | indent 4 }}}}
{{{{- if .Values.defaultRules.labels }}}}
{{{{ toYaml .Values.defaultRules.labels | indent 4 }}}}
{{{{- end }}}}
{{{{- if .Values.defaultRules.annotations }}}}
  annotations:
{{{{ toYaml .Values.defaultRules.annotations | indent 4 }}}}
{{{{- end }}}}
spec:
  groups:
  - name: group-{at:02}
    rules:
"#
    );
    for rule in 0..10 {
        if rule % 4 == 3 {
            record(&mut text, at, rule);
        } else {
            alert(&mut text, at, rule);
        }
    }
    text.push_str("{{- end }}\n");
    text
}

fn alert(text: &mut String, at: usize, rule: usize) {
    let _ = write!(
        text,
        r#"{{{{- if not (.Values.defaultRules.disabled.Rule{at:02}{rule:02} | default false) }}}}
    - alert: Rule{at:02}{rule:02}
      annotations:
{{{{- if .Values.defaultRules.additionalRuleAnnotations }}}}
{{{{ toYaml .Values.defaultRules.additionalRuleAnnotations | indent 8 }}}}
{{{{- end }}}}
        description: '{{{{`{{{{`}}}} $labels.namespace {{{{`}}}}`}}}}/{{{{`{{{{`}}}} $labels.pod {{{{`}}}}`}}}} is above {{{{`{{{{`}}}} printf "%.2f" $value {{{{`}}}}`}}}} for long.'
        runbook_url: {{{{ .Values.defaultRules.runbookUrl | default "https://runbooks.example" }}}}/group{at:02}/rule{rule:02}
        summary: Rule {rule} of group {at} is above its bound.
      expr: |-
        sum by ({{{{ range $.Values.defaultRules.additionalAggregationLabels }}}}{{{{ . }}}},{{{{ end }}}}namespace, pod) (
          rate(component_{at}_errors_total{{namespace=~"{{{{ $targetNamespace }}}}", code!="200"}}[5m])
        )
        /
        sum by (namespace, pod) (rate(component_{at}_requests_total{{namespace=~"{{{{ $targetNamespace }}}}"}}[5m]))
          > 0.0{rule}
      for: {{{{ dig "Rule{at:02}{rule:02}" "for" "15m" .Values.customRules }}}}
      {{{{- with .Values.defaultRules.keepFiringFor }}}}
      keep_firing_for: "{{{{ . }}}}"
      {{{{- end }}}}
      labels:
        severity: {{{{ dig "Rule{at:02}{rule:02}" "severity" "warning" .Values.customRules }}}}
        {{{{- if or .Values.defaultRules.additionalRuleLabels .Values.defaultRules.additionalRuleGroupLabels }}}}
        {{{{- with .Values.defaultRules.additionalRuleLabels }}}}
          {{{{- toYaml . | nindent 8 }}}}
        {{{{- end }}}}
        {{{{- end }}}}
{{{{- end }}}}
"#
    );
}

fn record(text: &mut String, at: usize, rule: usize) {
    let _ = write!(
        text,
        r#"    - expr: |-
        histogram_quantile(0.99, sum by (cluster, le, resource) (rate(request_duration_seconds_bucket{{job="component-{at:02}", verb=~"LIST|GET"}}[5m])))
      record: cluster_quantile:request_duration_{at}_{rule}:histogram_quantile
      labels:
        quantile: '0.99'
        {{{{- with .Values.defaultRules.additionalRuleLabels }}}}
        {{{{- toYaml . | nindent 8 }}}}
        {{{{- end }}}}
"#
    );
}
