//! A chart in which almost every value is itself a template, evaluated where it is used, through layers of helpers.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use super::put;

const PARTS: usize = 30;

/// Writes the chart.
pub(super) fn write(chart: &Path) -> Result<()> {
    put(
        chart,
        "Chart.yaml",
        "apiVersion: v2\nname: evaluated\nversion: 0.3.0\nappVersion: 8.1.0\ndescription: Values that are templates\n",
    )?;
    put(chart, "templates/_names.tpl", NAMES)?;
    put(chart, "templates/_values.tpl", VALUES_HELPERS)?;
    put(chart, "templates/_labels.tpl", LABELS)?;
    let mut values = "commonLabels:\n  team: '{{ .Values.team }}'\n  stage: '{{ .Release.Namespace | upper }}'\ncommonAnnotations:\n  example.com/release: \
                      '{{ .Release.Name }}-{{ .Chart.AppVersion }}'\nteam: checkout\nclusterDomain: cluster.local\nglobal:\n  imageRegistry: registry.example\n  \
                      security: {allowInsecureImages: false}\n"
        .to_owned();
    for at in 0..PARTS {
        let name = format!("part{at:02}");
        let _ = write!(values, "{name}:\n{}", PART_VALUES.replace("PART", &name));
        for (kind, text) in PART {
            put(chart, &format!("templates/{name}/{kind}.yaml"), &text.replace("PART", &name))?;
        }
    }
    put(chart, "values.yaml", &values)
}

const NAMES: &str = r#"{{- define "kit.names.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- define "kit.names.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $release := regexReplaceAll "(-?[^a-z\\d\\-])+-?" (lower .Release.Name) "-" -}}
{{- if contains $name $release -}}
{{- $release | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" $release $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- define "kit.names.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- define "kit.names.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- end -}}
"#;

const VALUES_HELPERS: &str = r#"{{/* Text or any other value, evaluated as a template; "scope" narrows the dot. */}}
{{- define "kit.values.render" -}}
{{- $text := .value }}
{{- if not (kindIs "string" $text) }}
  {{- $text = toYaml $text }}
{{- end }}
{{- if not (contains "{{" $text) }}
  {{- $text }}
{{- else if .scope }}
  {{- tpl (printf "{{ with $.Scope }}%s{{ end }}" $text) (merge (dict "Scope" .scope) .context) }}
{{- else }}
  {{- tpl $text .context }}
{{- end }}
{{- end -}}
{{/* Maps, each evaluated, of which the first wins. */}}
{{- define "kit.values.merge" -}}
{{- $all := dict -}}
{{- range $one := .values -}}
  {{- $own := fromYaml (include "kit.values.render" (dict "value" $one "context" $.context)) -}}
  {{- $all = merge $all $own -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}
{{- define "kit.images.image" -}}
{{- $host := (.global).imageRegistry | default .image.registry -}}
{{- $tag := .image.tag | default .chart.AppVersion | toString -}}
{{- list $host (printf "%s:%s" .image.repository $tag) | compact | join "/" -}}
{{- end -}}
{{- define "kit.resources.size" -}}
{{- $sizes := dict "tiny" (list "50m" "64Mi") "middle" (list "250m" "512Mi") "huge" (list "2" "4Gi") -}}
{{- $size := get $sizes .size | default (list) -}}
{{- if empty $size -}}
  {{- fail (printf "size %q is none of %s" .size (keys $sizes | sortAlpha | join " ")) -}}
{{- end -}}
requests:
  cpu: {{ first $size | quote }}
  memory: {{ last $size }}
limits:
  memory: {{ last $size }}
{{- end -}}
"#;

const LABELS: &str = r#"{{- define "kit.labels.all" -}}
{{- $own := dict "app.kubernetes.io/name" (include "kit.names.name" .context) "app.kubernetes.io/instance" .context.Release.Name -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" .context.Release.Service -}}
{{- $_ = set $own "helm.sh/chart" (include "kit.names.chart" .context) -}}
{{- if .context.Chart.AppVersion -}}
{{- $_ = set $own "app.kubernetes.io/version" .context.Chart.AppVersion -}}
{{- end -}}
{{- include "kit.values.merge" (dict "values" (list .labels $own) "context" .context) -}}
{{- end -}}
{{- define "kit.labels.selector" -}}
{{- $given := fromYaml (include "kit.values.render" (dict "value" .labels "context" .context)) -}}
{{- $own := dict "app.kubernetes.io/name" (include "kit.names.name" .context) "app.kubernetes.io/instance" .context.Release.Name -}}
{{- pick $given "app.kubernetes.io/name" "app.kubernetes.io/instance" | mergeOverwrite $own | toYaml -}}
{{- end -}}
{{- define "kit.spread" -}}
preferredDuringSchedulingIgnoredDuringExecution:
- weight: 50
  podAffinityTerm:
    topologyKey: kubernetes.io/hostname
    labelSelector:
      matchLabels:
        {{- include "kit.labels.selector" (dict "labels" .labels "context" .context) | nindent 8 }}
        app.kubernetes.io/component: {{ .component }}
{{- end -}}
"#;

const PART_VALUES: &str = r#"  enabled: true
  replicaCount: 3
  image: {registry: registry.example, repository: kit/PART, tag: 1.2.3}
  podLabels:
    tier: '{{ .Values.team }}-PART'
    plain: text
  podAnnotations:
    example.com/hash: '{{ .Values.PART.config | toJson | sha256sum | trunc 12 }}'
  extraEnvVars:
  - name: PART_URL
    value: 'http://{{ include "kit.names.fullname" . }}-PART.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:8080'
  - name: PART_PEERS
    value: '{{ range $i := until (int .Values.PART.replicaCount) }}{{ if $i }},{{ end }}PART-{{ $i }}{{ end }}'
  size: tiny
  resources: {}
  service:
    annotations:
      example.com/host: 'PART.{{ .Values.team }}.example'
    ports: {http: 8080}
  config:
    listen: ':{{ .Values.PART.service.ports.http }}'
    database:
      host: '{{ .Release.Name }}-database.{{ .Release.Namespace }}'
      pool: 10
    features: [first, '{{ .Values.team }}']
  ingress:
    hostname: 'PART.{{ .Release.Namespace }}.example'
    extraRules:
    - host: 'alt-{{ .Release.Name }}.example'
"#;

const PART: [(&str, &str); 3] = [
    (
        "deployment",
        r#"{{- if .Values.PART.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ printf "%s-PART" (include "kit.names.fullname" .) | trunc 63 | trimSuffix "-" }}
  namespace: {{ include "kit.names.namespace" . | quote }}
  labels: {{- include "kit.labels.all" (dict "labels" .Values.commonLabels "context" $) | nindent 4 }}
    app.kubernetes.io/component: PART
  {{- if .Values.commonAnnotations }}
  annotations: {{- include "kit.values.render" (dict "value" .Values.commonAnnotations "context" $) | nindent 4 }}
  {{- end }}
spec:
  replicas: {{ .Values.PART.replicaCount }}
  {{- $podLabels := include "kit.values.merge" (dict "values" (list .Values.PART.podLabels .Values.commonLabels ) "context" .) }}
  selector:
    matchLabels: {{- include "kit.labels.selector" (dict "labels" (fromYaml $podLabels) "context" $) | nindent 6 }}
      app.kubernetes.io/component: PART
  template:
    metadata:
      labels: {{- include "kit.labels.all" (dict "labels" (fromYaml $podLabels) "context" $) | nindent 8 }}
        app.kubernetes.io/component: PART
      annotations:
        checksum/config: {{ include (print $.Template.BasePath "/PART/configmap.yaml") . | sha256sum }}
        {{- include "kit.values.render" (dict "value" .Values.PART.podAnnotations "context" $) | nindent 8 }}
    spec:
      affinity:
        podAntiAffinity: {{- include "kit.spread" (dict "component" "PART" "labels" (fromYaml $podLabels) "context" $) | nindent 10 }}
      containers:
        - name: PART
          image: {{ include "kit.images.image" (dict "image" .Values.PART.image "global" .Values.global "chart" .Chart ) }}
          env:
            {{- include "kit.values.render" (dict "value" .Values.PART.extraEnvVars "context" $) | nindent 12 }}
          ports:
            {{- range $name, $port := .Values.PART.service.ports }}
            - name: {{ $name }}
              containerPort: {{ include "kit.values.render" (dict "value" (toString $port) "context" $) }}
            {{- end }}
          {{- if .Values.PART.resources }}
          resources: {{- toYaml .Values.PART.resources | nindent 12 }}
          {{- else if ne .Values.PART.size "none" }}
          resources: {{- include "kit.resources.size" (dict "size" .Values.PART.size) | nindent 12 }}
          {{- end }}
{{- end }}
"#,
    ),
    (
        "configmap",
        r#"{{- if .Values.PART.enabled }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ printf "%s-PART" (include "kit.names.fullname" .) | trunc 63 | trimSuffix "-" }}
  labels: {{- include "kit.labels.all" (dict "labels" .Values.commonLabels "context" $) | nindent 4 }}
data:
  config.yaml: |-
    {{- include "kit.values.render" (dict "value" .Values.PART.config "context" $) | nindent 4 }}
  database.txt: {{ include "kit.values.render" (dict "value" "{{ .host }}:{{ .pool }}" "context" $ "scope" (fromYaml (include "kit.values.render" (dict "value" .Values.PART.config.database "context" $)))) | quote }}
{{- end }}
"#,
    ),
    (
        "service",
        r#"{{- if .Values.PART.enabled }}
apiVersion: v1
kind: Service
metadata:
  name: {{ printf "%s-PART" (include "kit.names.fullname" .) | trunc 63 | trimSuffix "-" }}
  labels: {{- include "kit.labels.all" (dict "labels" .Values.commonLabels "context" $) | nindent 4 }}
  {{- if or .Values.PART.service.annotations .Values.commonAnnotations }}
  {{- $annotations := include "kit.values.merge" (dict "values" (list .Values.PART.service.annotations .Values.commonAnnotations ) "context" .) }}
  annotations: {{- include "kit.values.render" (dict "value" $annotations "context" $) | nindent 4 }}
  {{- end }}
spec:
  ports:
    {{- range $name, $port := .Values.PART.service.ports }}
    - name: {{ $name }}
      port: {{ $port }}
      targetPort: {{ $name }}
    {{- end }}
  selector: {{- include "kit.labels.selector" (dict "labels" .Values.commonLabels "context" $) | nindent 4 }}
    app.kubernetes.io/component: PART
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ printf "%s-PART" (include "kit.names.fullname" .) | trunc 63 | trimSuffix "-" }}
spec:
  rules:
    - host: {{ (tpl .Values.PART.ingress.hostname .) | quote }}
    {{- include "kit.values.render" (dict "value" .Values.PART.ingress.extraRules "context" $) | nindent 4 }}
{{- end }}
"#,
    ),
];
