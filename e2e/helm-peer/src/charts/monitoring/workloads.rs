//! Programs that the stack runs, with everything that they need.

pub(super) const PROGRAM: [(&str, &str); 9] = [
    (
        "statefulset",
        r#"{{- if .Values.programNUMBER.enabled }}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ template "monitoring.fullname" . }}-program-NUMBER
  namespace: {{ template "monitoring.namespace" . }}
  labels:
    app: {{ template "monitoring.name" . }}-program-NUMBER
{{ include "monitoring.labels" . | indent 4 }}
{{- if .Values.programNUMBER.annotations }}
  annotations:
{{ toYaml .Values.programNUMBER.annotations | indent 4 }}
{{- end }}
spec:
  replicas: {{ .Values.programNUMBER.replicas | int }}
  serviceName: {{ template "monitoring.fullname" . }}-program-NUMBER
  selector:
    matchLabels:
      app: {{ template "monitoring.name" . }}-program-NUMBER
  template:
    metadata:
      labels:
        app: {{ template "monitoring.name" . }}-program-NUMBER
{{ include "monitoring.labels" . | indent 8 }}
      annotations:
        checksum/secret: {{ include (print $.Template.BasePath "/program-NUMBER/secret.yaml") . | sha256sum }}
    spec:
      {{- if .Values.global.imagePullSecrets }}
      imagePullSecrets:
      {{- include "monitoring.imagePullSecrets" . | trim | nindent 8 }}
      {{- end }}
      serviceAccountName: {{ template "monitoring.fullname" . }}-program-NUMBER
      containers:
      - name: program
        image: {{ include "monitoring.image" (dict "image" .Values.programNUMBER.image "root" .) | quote }}
        imagePullPolicy: "{{ .Values.programNUMBER.image.pullPolicy }}"
        args:
        {{- range $key, $value := .Values.programNUMBER.spec }}
        {{- if kindIs "map" $value }}
        {{- range $name, $part := $value }}
        - --{{ $key | kebabcase }}={{ $name }}:{{ $part }}
        {{- end }}
        {{- else if kindIs "slice" $value }}
        {{- range $value }}
        - --{{ $key | kebabcase }}={{ . }}
        {{- end }}
        {{- else if $value }}
        - --{{ $key | kebabcase }}={{ $value }}
        {{- end }}
        {{- end }}
        ports:
        - containerPort: {{ .Values.programNUMBER.service.targetPort }}
          name: http
        env:
        {{- range $name, $value := .Values.programNUMBER.env }}
        - name: {{ $name | upper }}
          value: {{ tpl ($value | toString) $ | quote }}
        {{- end }}
        resources:
{{ toYaml .Values.programNUMBER.resources | indent 10 }}
        securityContext:
{{ toYaml .Values.programNUMBER.containerSecurityContext | indent 10 }}
    {{- with .Values.programNUMBER.affinity }}
      affinity:
{{ toYaml . | indent 8 }}
    {{- end }}
    {{- with .Values.programNUMBER.tolerations }}
      tolerations:
{{ toYaml . | indent 8 }}
    {{- end }}
{{- end }}
"#,
    ),
    (
        "service",
        r#"{{- if .Values.programNUMBER.enabled }}
apiVersion: v1
kind: Service
metadata:
  name: {{ template "monitoring.fullname" . }}-program-NUMBER
  namespace: {{ template "monitoring.namespace" . }}
  labels:
    app: {{ template "monitoring.name" . }}-program-NUMBER
    self-monitor: {{ .Values.programNUMBER.serviceMonitor.selfMonitor | quote }}
{{ include "monitoring.labels" . | indent 4 }}
spec:
{{- if .Values.programNUMBER.service.clusterIP }}
  clusterIP: {{ .Values.programNUMBER.service.clusterIP }}
{{- end }}
  ports:
  - name: http
    port: {{ .Values.programNUMBER.service.port }}
    targetPort: {{ .Values.programNUMBER.service.targetPort }}
{{- with .Values.programNUMBER.service.additionalPorts }}
{{ toYaml . | indent 2 }}
{{- end }}
  selector:
    app: {{ template "monitoring.name" . }}-program-NUMBER
  type: "{{ .Values.programNUMBER.service.type }}"
{{- end }}
"#,
    ),
    (
        "ingress",
        r#"{{- if and .Values.programNUMBER.enabled .Values.programNUMBER.ingress.enabled }}
{{- $pathType := .Values.programNUMBER.ingress.pathType | default "ImplementationSpecific" }}
{{- $serviceName := printf "%s-%s" (include "monitoring.fullname" .) "program-NUMBER" }}
{{- $servicePort := .Values.programNUMBER.service.port -}}
{{- $paths := .Values.programNUMBER.ingress.paths | default (list "/") -}}
apiVersion: {{ include "monitoring.ingress.apiVersion" . }}
kind: Ingress
metadata:
  name: {{ $serviceName }}
  namespace: {{ template "monitoring.namespace" . }}
  labels:
{{ include "monitoring.labels" . | indent 4 }}
spec:
  rules:
  {{- range $host := .Values.programNUMBER.ingress.hosts }}
    - host: {{ tpl $host $ | quote }}
      http:
        paths:
  {{- range $p := $paths }}
          - path: {{ tpl $p $ }}
            pathType: {{ $pathType }}
            backend:
              service:
                name: {{ $serviceName }}
                port:
                  number: {{ $servicePort }}
  {{- end }}
  {{- end }}
  {{- if .Values.programNUMBER.ingress.tls }}
  tls:
{{ tpl (toYaml .Values.programNUMBER.ingress.tls | indent 4) . }}
  {{- end }}
{{- end }}
"#,
    ),
    (
        "secret",
        r#"{{- if .Values.programNUMBER.enabled }}
apiVersion: v1
kind: Secret
metadata:
  name: program-{{ template "monitoring.fullname" . }}-NUMBER
  namespace: {{ template "monitoring.namespace" . }}
data:
  program.yaml: {{ tpl (toYaml .Values.programNUMBER.config) . | b64enc | quote }}
{{- range $key, $value := .Values.programNUMBER.templateFiles }}
  {{ $key }}: {{ $value | b64enc | quote }}
{{- end }}
{{- end }}
"#,
    ),
    (
        "serviceaccount",
        r#"{{- if .Values.programNUMBER.enabled }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ template "monitoring.fullname" . }}-program-NUMBER
  namespace: {{ template "monitoring.namespace" . }}
  labels:
{{ include "monitoring.labels" . | indent 4 }}
automountServiceAccountToken: true
{{- if .Values.global.imagePullSecrets }}
imagePullSecrets:
{{- include "monitoring.imagePullSecrets" . | trim | nindent 2 }}
{{- end }}
{{- end }}
"#,
    ),
    (
        "clusterrole",
        r#"{{- if and .Values.programNUMBER.enabled .Values.global.rbac.create }}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ template "monitoring.fullname" . }}-program-NUMBER
  labels:
{{ include "monitoring.labels" . | indent 4 }}
rules:
- apiGroups: [""]
  resources: [nodes, nodes/metrics, services, endpoints, pods]
  verbs: ["get", "list", "watch"]
{{- range $group, $kinds := .Values.programNUMBER.rules }}
- apiGroups: [{{ $group | quote }}]
  resources:
  {{- range $kinds }}
  - {{ . }}
  {{- end }}
  verbs: ["*"]
{{- end }}
- nonResourceURLs: ["/metrics", "/metrics/cadvisor"]
  verbs: ["get"]
{{- end }}
"#,
    ),
    (
        "clusterrolebinding",
        r#"{{- if and .Values.programNUMBER.enabled .Values.global.rbac.create }}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ template "monitoring.fullname" . }}-program-NUMBER
  labels:
{{ include "monitoring.labels" . | indent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ template "monitoring.fullname" . }}-program-NUMBER
subjects:
  - kind: ServiceAccount
    name: {{ template "monitoring.fullname" . }}-program-NUMBER
    namespace: {{ template "monitoring.namespace" . }}
{{- end }}
"#,
    ),
    (
        "servicemonitor",
        r#"{{- if and .Values.programNUMBER.enabled .Values.programNUMBER.serviceMonitor.selfMonitor }}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ template "monitoring.fullname" . }}-program-NUMBER
  namespace: {{ template "monitoring.namespace" . }}
  labels:
{{ include "monitoring.labels" . | indent 4 }}
spec:
  selector:
    matchLabels:
      app: {{ template "monitoring.name" . }}-program-NUMBER
  namespaceSelector:
    matchNames:
      - {{ printf "%s" (include "monitoring.namespace" .) | quote }}
  endpoints:
  - port: http
    {{- include "monitoring.scrape" .Values.programNUMBER.serviceMonitor | nindent 4 }}
    path: "{{ trimSuffix "/" .Values.programNUMBER.spec.routePrefix }}/metrics"
{{- end }}
"#,
    ),
    (
        "upgrade-hook",
        r#"{{- if and .Values.programNUMBER.enabled .Values.programNUMBER.migrate }}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ template "monitoring.fullname" . }}-program-NUMBER-migrate
  namespace: {{ template "monitoring.namespace" . }}
  annotations:
    "helm.sh/hook": pre-install,pre-upgrade
    "helm.sh/hook-weight": "NUMBER"
    "helm.sh/hook-delete-policy": before-hook-creation,hook-succeeded
spec:
  ttlSecondsAfterFinished: 60
  template:
    spec:
      containers:
      - name: migrate
        image: {{ include "monitoring.image" (dict "image" .Values.programNUMBER.image "root" .) }}
      restartPolicy: OnFailure
{{- end }}
"#,
    ),
];

pub(super) const PROGRAM_VALUES: &str = r#"  enabled: true
  migrate: true
  replicas: 2
  annotations: {}
  image:
    registry: registry.example
    repository: monitoring/program
    tag: v2.53.1
    sha: ""
    pullPolicy: IfNotPresent
  service:
    type: ClusterIP
    clusterIP: ""
    port: 9090
    targetPort: 9090
    additionalPorts:
    - {name: extra, port: 8080, targetPort: 8080}
  serviceMonitor:
    selfMonitor: true
    interval: 30s
  ingress:
    enabled: true
    hosts:
    - '{{ .Release.Name }}.monitoring.example'
    paths: [/, '/{{ .Release.Namespace }}']
    tls:
    - secretName: '{{ .Release.Name }}-tls'
      hosts: ['{{ .Release.Name }}.monitoring.example']
  rules:
    apps: [deployments, daemonsets, statefulsets]
    monitoring.example: [kinds, kinds/status]
  env:
    region: eu
    release: '{{ .Release.Name }}'
    workers: 4
  config:
    global:
      resolve_timeout: 5m
    route:
      group_by: [namespace]
      receiver: "null"
      routes:
      - receiver: "null"
        matchers: [alertname = "Watchdog"]
    receivers:
    - name: "null"
  templateFiles:
    one.tmpl: |-
      some text that is encoded
  resources:
    requests: {memory: 400Mi, cpu: 100m}
  containerSecurityContext:
    readOnlyRootFilesystem: true
    capabilities: {drop: [ALL]}
  affinity: {}
  tolerations:
  - {key: dedicated, operator: Exists}
  spec:
    routePrefix: /
    externalLabels: {cluster: main, zone: a}
    enableFeatures: [exemplar-storage, native-histograms]
"#;
