//! Helpers, what watches components, and the first part of the values.

pub(super) const HELPERS: &str = r#"{{- define "monitoring.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end }}
{{- define "monitoring.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 26 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 26 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 26 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- define "monitoring.chartref" -}}
{{- replace "+" "_" .Chart.Version | printf "%s-%s" .Chart.Name -}}
{{- end }}
{{- define "monitoring.labels" }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/version: "{{ replace "+" "_" .Chart.Version }}"
app.kubernetes.io/part-of: {{ template "monitoring.name" . }}
chart: {{ template "monitoring.chartref" . }}
release: {{ $.Release.Name | quote }}
heritage: {{ $.Release.Service | quote }}
{{- if .Values.commonLabels}}
{{ toYaml .Values.commonLabels }}
{{- end }}
{{- end }}
{{- define "monitoring.namespace" -}}
{{- if .Values.namespaceOverride -}}
{{- .Values.namespaceOverride -}}
{{- else -}}
{{- .Release.Namespace -}}
{{- end -}}
{{- end -}}
{{- define "monitoring.imagePullSecrets" -}}
{{- range .Values.global.imagePullSecrets }}
{{- if eq (typeOf .) "map[string]interface {}" }}
- {{ toYaml . | trim }}
{{- else }}
- name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}
{{- define "monitoring.image" -}}
{{- $registry := .root.Values.global.imageRegistry | default .image.registry -}}
{{- if .image.sha -}}
{{- printf "%s/%s:%s@sha256:%s" $registry .image.repository .image.tag .image.sha -}}
{{- else -}}
{{- printf "%s/%s:%s" $registry .image.repository .image.tag -}}
{{- end -}}
{{- end -}}
{{- define "monitoring.ingress.apiVersion" -}}
{{- if and (.Capabilities.APIVersions.Has "networking.k8s.io/v1") (semverCompare ">= 1.19-0" .Capabilities.KubeVersion.Version) -}}
{{- print "networking.k8s.io/v1" -}}
{{- else -}}
{{- print "networking.k8s.io/v1beta1" -}}
{{- end -}}
{{- end -}}
{{- define "monitoring.scrape" -}}
{{- if .interval }}
interval: {{ .interval }}
{{- end }}
{{- if .proxyUrl }}
proxyUrl: {{ .proxyUrl }}
{{- end }}
{{- if .scrapeTimeout }}
scrapeTimeout: {{ .scrapeTimeout }}
{{- end }}
{{- end -}}
"#;

pub(super) const DASHBOARD: &str = r#"{{- $kubeTargetVersion := default .Capabilities.KubeVersion.GitVersion .Values.kubeTargetVersionOverride }}
{{- if and (semverCompare ">=1.14.0-0" $kubeTargetVersion) .Values.dashboards.enabled }}
apiVersion: v1
kind: ConfigMap
metadata:
  namespace: {{ template "monitoring.namespace" . }}
  name: {{ printf "%s-%s" (include "monitoring.fullname" $) "board-NUMBER" | trunc 63 | trimSuffix "-" }}
  annotations:
{{ toYaml .Values.dashboards.annotations | indent 4 }}
  labels:
    {{- if $.Values.dashboards.label }}
    {{ $.Values.dashboards.label }}: {{ ternary $.Values.dashboards.labelValue "1" (not (empty $.Values.dashboards.labelValue)) | quote }}
    {{- end }}
    app: {{ template "monitoring.name" $ }}-grafana
{{ include "monitoring.labels" $ | indent 4 }}
data:
  board-NUMBER.json: |-
{{ .Files.Get "files/dashboards/board-NUMBER.json" | replace "\"timezone\": \"utc\"" (printf "\"timezone\": %s" (.Values.dashboards.timezone | quote)) | indent 4 }}
{{- end }}
"#;

pub(super) const COMPONENT: [(&str, &str); 2] = [
    (
        "service",
        r#"{{- if .Values.exporters.componentNUMBER.enabled }}
apiVersion: v1
kind: Service
metadata:
  name: {{ template "monitoring.fullname" . }}-component-NUMBER
  labels:
    app: {{ template "monitoring.name" . }}-component-NUMBER
    jobLabel: component-NUMBER
{{ include "monitoring.labels" . | indent 4 }}
  namespace: kube-system
spec:
  clusterIP: None
  {{- if .Values.exporters.componentNUMBER.service.ipDualStack.enabled }}
  ipFamilies: {{ toYaml .Values.exporters.componentNUMBER.service.ipDualStack.ipFamilies | nindent 4 }}
  ipFamilyPolicy: {{ .Values.exporters.componentNUMBER.service.ipDualStack.ipFamilyPolicy }}
  {{- end }}
  ports:
    - name: http-metrics
      port: {{ .Values.exporters.componentNUMBER.service.port }}
      protocol: TCP
      targetPort: {{ .Values.exporters.componentNUMBER.service.targetPort }}
{{- if .Values.exporters.componentNUMBER.endpoints }}{{- else }}
  selector:
    {{- if .Values.exporters.componentNUMBER.service.selector }}
{{ toYaml .Values.exporters.componentNUMBER.service.selector | indent 4 }}
    {{- else}}
    component: component-NUMBER
    {{- end}}
{{- end }}
  type: ClusterIP
{{- end -}}
"#,
    ),
    (
        "servicemonitor",
        r#"{{- if and .Values.exporters.componentNUMBER.enabled .Values.exporters.componentNUMBER.serviceMonitor.enabled }}
{{- with .Values.exporters.componentNUMBER }}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ template "monitoring.fullname" $ }}-component-NUMBER
  namespace: {{ template "monitoring.namespace" $ }}
  labels:
    app: {{ template "monitoring.name" $ }}-component-NUMBER
  {{- with .serviceMonitor.additionalLabels }}
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{ include "monitoring.labels" $ | indent 4 }}
spec:
  jobLabel: {{ .serviceMonitor.jobLabel }}
  {{- include "monitoring.scrape" .serviceMonitor | nindent 2 }}
  selector:
    {{- if .serviceMonitor.selector }}
    {{ tpl (toYaml .serviceMonitor.selector | nindent 4) $ }}
    {{- else }}
    matchLabels:
      app: {{ template "monitoring.name" $ }}-component-NUMBER
      release: {{ $.Release.Name | quote }}
    {{- end }}
  namespaceSelector:
    matchNames:
      - "kube-system"
  endpoints:
  - port: {{ .serviceMonitor.port }}
    bearerTokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token
    {{- if eq .serviceMonitor.https true }}
    scheme: https
    tlsConfig:
      {{- if eq .serviceMonitor.insecureSkipVerify true }}
      insecureSkipVerify: true
      {{- end }}
      caFile: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
    {{- end }}
{{- if .serviceMonitor.metricRelabelings }}
    metricRelabelings:
{{ tpl (toYaml .serviceMonitor.metricRelabelings | indent 4) $ }}
{{- end }}
{{- if .serviceMonitor.relabelings }}
    relabelings:
{{ tpl (toYaml .serviceMonitor.relabelings | indent 4) $ }}
{{- end }}
{{- end }}
{{- end }}
"#,
    ),
];

pub(super) const COMPONENT_VALUES: &str = r#"    ## Whether the component is watched.
    ##
    enabled: true
    ## Addresses, where it runs outside of the cluster.
    ##
    endpoints: []
    # - 10.141.4.22
    service:
      enabled: true
      port: null
      targetPort: 10257
      ipDualStack:
        enabled: true
        ipFamilies: ["IPv6", "IPv4"]
        ipFamilyPolicy: "PreferDualStack"
    serviceMonitor:
      enabled: true
      ## How often; empty for what Prometheus does by itself.
      ##
      interval: ""
      scrapeTimeout: 10s
      proxyUrl: ""
      port: http-metrics
      jobLabel: jobLabel
      https: true
      insecureSkipVerify: true
      selector:
        matchLabels:
          release: '{{ .Release.Name }}'
      ## What is kept of the metrics.
      ##
      metricRelabelings:
      - action: drop
        regex: (etcd_request|apiserver_request)_duration_seconds_bucket;(0.15|0.2|0.3|0.35)
        sourceLabels: [__name__, le]
      relabelings:
      - sourceLabels: [__meta_kubernetes_pod_node_name]
        separator: ;
        regex: ^(.*)$
        targetLabel: nodename
        replacement: $1
        action: replace
      additionalLabels: {}
"#;

pub(super) const VALUES: &str = r#"# Values of the monitoring stack.

## Other names for what is installed.
##
nameOverride: ""
namespaceOverride: ""
fullnameOverride: ""
kubeTargetVersionOverride: ""
## Labels of everything.
##
commonLabels:
  cost-centre: "1234"
customRules:
  Rule0001: {severity: critical, for: 5m}
global:
  rbac:
    create: true
    createAggregateClusterRoles: false
    pspEnabled: false
  imageRegistry: ""
  imagePullSecrets:
  - name: registry
  - plain
dashboards:
  enabled: true
  label: grafana_dashboard
  labelValue: "1"
  annotations: {}
  timezone: browser
"#;
