//! An umbrella over a hundred services, each a subchart of its own that leans on one library of helpers.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use super::put;

const SERVICES: usize = 100;

/// Writes the chart.
pub(super) fn write(chart: &Path) -> Result<()> {
    let mut metadata =
        "apiVersion: v2\nname: platform\nversion: 3.0.0\nappVersion: \"2024.7\"\ndescription: All services\ndependencies:\n".to_owned();
    let mut values = "global:\n  region: eu\n  imageRegistry: registry.example\n  labels:\n    platform: main\n  tracing: {enabled: true, \
                      endpoint: \"http://traces:4317\"}\ntags:\n  back-end: true\n"
        .to_owned();
    for at in 0..SERVICES {
        let _ = writeln!(
            metadata,
            "- name: service-{at:02}\n  version: 1.x.x\n  repository: \"https://charts.example\"\n  condition: service-{at:02}.enabled\n  tags: [back-end]"
        );
        // Some are switched off, and each sets a little of its own.
        let _ = writeln!(
            values,
            "service-{at:02}:\n  enabled: {}\n  replicas: {}\n  image:\n    tag: \"1.{at}.0\"\n  env:\n    SERVICE_NUMBER: \"{at}\"\n    PEERS: \
             \"service-{:02},service-{:02}\"",
            at % 25 != 24,
            at % 3 + 1,
            (at + 1) % SERVICES,
            (at + 7) % SERVICES,
        );
        service(chart, at)?;
    }
    put(chart, "Chart.yaml", &metadata)?;
    put(chart, "values.yaml", &values)?;
    put(chart, "templates/_helpers.tpl", LIBRARY)?;
    put(chart, "templates/network-policy.yaml", NETWORK_POLICY)
}

fn service(chart: &Path, at: usize) -> Result<()> {
    let folder = chart.join(format!("charts/service-{at:02}"));
    put(
        &folder,
        "Chart.yaml",
        &format!(
            "apiVersion: v2\nname: service-{at:02}\nversion: 1.{at}.3\nappVersion: \"1.{at}\"\ndescription: Service {at}\n"
        ),
    )?;
    put(&folder, "values.yaml", SERVICE_VALUES)?;
    for (name, text) in SERVICE {
        put(&folder, &format!("templates/{name}"), text)?;
    }
    Ok(())
}

const LIBRARY: &str = r#"{{- define "platform.name" -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- define "platform.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{- define "platform.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "platform.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- range $key, $value := .Values.global.labels }}
example.com/{{ $key }}: {{ $value | quote }}
{{- end }}
{{- end -}}
{{- define "platform.env" -}}
{{- $all := merge (dict "REGION" .Values.global.region) .Values.env }}
{{- if .Values.global.tracing.enabled }}
{{- $_ := set $all "OTEL_EXPORTER_OTLP_ENDPOINT" .Values.global.tracing.endpoint }}
{{- end }}
{{- range $key := keys $all | sortAlpha }}
- name: {{ $key }}
  value: {{ get $all $key | quote }}
{{- end }}
{{- end -}}
"#;

const NETWORK_POLICY: &str = r#"{{- range $name, $own := .Values }}
{{- if and (kindIs "map" $own) (hasPrefix "service-" $name) $own.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ $.Release.Name }}-{{ $name }}
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ $name }}
  ingress:
  {{- range splitList "," $own.env.PEERS }}
  - from:
    - podSelector:
        matchLabels:
          app.kubernetes.io/name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}
"#;

const SERVICE_VALUES: &str = "enabled: true\nreplicas: 1\nimage:\n  repository: shop/service\n  tag: \"\"\n  pullPolicy: IfNotPresent\nservice:\n  type: \
     ClusterIP\n  port: 80\n  targetPort: 8080\nenv: {}\nresources:\n  requests: {cpu: 50m, memory: 64Mi}\n  limits: {memory: 128Mi}\nautoscaling:\n  enabled: \
     true\n  max: 5\n  cpu: 75\nprobes:\n  liveness: {path: /live, period: 10}\n  readiness: {path: /ready, period: 5}\nconfig:\n  log: {level: info, format: \
     json}\n  features: [a, b, c]\nannotations: {}\n";

const SERVICE: [(&str, &str); 6] = [
    (
        "deployment.yaml",
        r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "platform.name" . }}
  labels:
    {{- include "platform.labels" . | nindent 4 }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicas }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "platform.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "platform.selector" . | nindent 8 }}
      annotations:
        checksum/config: {{ toJson .Values.config | sha256sum }}
        {{- with .Values.annotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ include "platform.name" . }}
      containers:
      - name: {{ .Chart.Name }}
        image: "{{ .Values.global.imageRegistry }}/{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
        imagePullPolicy: {{ .Values.image.pullPolicy }}
        env:
        {{- include "platform.env" . | nindent 8 }}
        ports:
        - name: http
          containerPort: {{ .Values.service.targetPort }}
        {{- range $kind, $probe := .Values.probes }}
        {{ $kind }}Probe:
          httpGet:
            path: {{ $probe.path }}
            port: http
          periodSeconds: {{ $probe.period }}
        {{- end }}
        resources:
          {{- toYaml .Values.resources | nindent 10 }}
"#,
    ),
    (
        "service.yaml",
        r#"apiVersion: v1
kind: Service
metadata:
  name: {{ include "platform.name" . }}
  labels:
    {{- include "platform.labels" . | nindent 4 }}
spec:
  type: {{ .Values.service.type }}
  ports:
  - port: {{ .Values.service.port }}
    targetPort: http
    name: http
  selector:
    {{- include "platform.selector" . | nindent 4 }}
"#,
    ),
    (
        "hpa.yaml",
        r#"{{- if .Values.autoscaling.enabled }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "platform.name" . }}
  labels:
    {{- include "platform.labels" . | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ include "platform.name" . }}}
  minReplicas: {{ .Values.replicas }}
  maxReplicas: {{ max .Values.autoscaling.max .Values.replicas }}
  metrics:
  - type: Resource
    resource:
      name: cpu
      target: {type: Utilization, averageUtilization: {{ .Values.autoscaling.cpu }}}
{{- end }}
"#,
    ),
    (
        "configmap.yaml",
        r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "platform.name" . }}
  labels:
    {{- include "platform.labels" . | nindent 4 }}
data:
  config.yaml: |
    {{- toYaml .Values.config | nindent 4 }}
"#,
    ),
    (
        "serviceaccount.yaml",
        r#"apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "platform.name" . }}
  labels:
    {{- include "platform.labels" . | nindent 4 }}
"#,
    ),
    (
        "migrate.yaml",
        r#"apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "platform.name" . }}-migrate
  annotations:
    helm.sh/hook: pre-upgrade
    helm.sh/hook-weight: "5"
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: migrate
        image: "{{ .Values.global.imageRegistry }}/{{ .Values.image.repository }}:{{ .Values.image.tag }}"
"#,
    ),
];
