//! One web application with all that usually stands around it: about twenty templates and one page of values.

use std::path::Path;

use anyhow::Result;

use super::put;

/// Writes the chart.
pub(super) fn write(chart: &Path) -> Result<()> {
    put(
        chart,
        "Chart.yaml",
        "apiVersion: v2\nname: webapp\nversion: 6.1.0\nappVersion: 6.1.0\ntype: application\ndescription: A web application\n\
         kubeVersion: \">=1.23.0-0\"\nhome: https://webapp.example\nmaintainers:\n- name: Team\n  email: team@webapp.example\n",
    )?;
    put(chart, "values.yaml", VALUES)?;
    put(chart, ".helmignore", ".git/\n*.swp\n*.bak\n")?;
    put(chart, "README.md", &"# webapp\n\nA web application.\n".repeat(40))?;
    for (name, text) in TEMPLATES {
        put(chart, &format!("templates/{name}"), text)?;
    }
    Ok(())
}

const VALUES: &str = r##"# How many Pods.
replicaCount: 2
logLevel: info
backends: []
cache: ""
faults:
  delay: false
  error: false
  unhealthy: false
ui:
  color: "#34577c"
  message: "hello"
  logo: ""
image:
  repository: registry.example/webapp
  tag: 6.1.0
  pullPolicy: IfNotPresent
  pullSecrets: []
service:
  enabled: true
  annotations: {}
  type: ClusterIP
  httpPort: 9898
  externalPort: 9898
  metricsPort: 9797
  grpcPort: 9999
  grpcService: webapp
  nodePort: 31198
  trafficDistribution: ""
  additionalLabels: {}
h2c:
  enabled: false
config:
  path: ""
  name: ""
extraArgs: ["--cors", "--random-seed=7"]
extraEnvs:
- name: GOMAXPROCS
  valueFrom:
    resourceFieldRef:
      resource: limits.cpu
- name: PLAIN
  value: "1"
podAnnotations:
  example.com/scrape: "true"
ingress:
  enabled: true
  className: nginx
  additionalLabels: {}
  annotations:
    example.com/rewrite: /
  hosts:
  - host: webapp.local
    paths:
    - path: /
      pathType: ImplementationSpecific
    - path: /api
      pathType: Prefix
  tls:
  - secretName: webapp-tls
    hosts: [webapp.local]
httpRoute:
  enabled: true
  parentRefs:
  - name: gateway
    sectionName: http
  hostnames: [webapp.local]
  rules:
  - matches:
    - path:
        type: PathPrefix
        value: /headers
    filters:
    - type: RequestHeaderModifier
      requestHeaderModifier:
        set:
        - name: X-Route
          value: headers
        remove: [User-Agent]
hpa:
  enabled: true
  maxReplicas: 10
  cpu: 80
  memory: 200Mi
  requests: 1000
pdb:
  enabled: true
  minAvailable: 1
redis:
  enabled: true
  repository: registry.example/redis
  tag: "7.2"
serviceAccount:
  enabled: true
  name: ""
  imagePullSecrets: []
serviceMonitor:
  enabled: true
  interval: 15s
  additionalLabels: {release: monitoring}
certificate:
  create: true
  issuerRef: {kind: ClusterIssuer, name: self-signed}
  dnsNames: [webapp, webapp.default]
securityContext:
  runAsNonRoot: true
podSecurityContext: {}
resources:
  limits:
    memory: 256Mi
  requests:
    cpu: 100m
    memory: 64Mi
nodeSelector:
  kubernetes.io/os: linux
tolerations:
- key: dedicated
  operator: Exists
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
topologySpreadConstraints:
- maxSkew: 1
  topologyKey: zone
  whenUnsatisfiable: ScheduleAnyway
volumes: []
volumeMounts: []
probes:
  readiness: {initialDelaySeconds: 1, timeoutSeconds: 5, failureThreshold: 3, successThreshold: 1, periodSeconds: 10}
  liveness: {initialDelaySeconds: 1, timeoutSeconds: 5, failureThreshold: 3, successThreshold: 1, periodSeconds: 10}
  startup: {enabled: true, initialDelaySeconds: 10, timeoutSeconds: 5, failureThreshold: 20, successThreshold: 1, periodSeconds: 10}
"##;

const TEMPLATES: [(&str, &str); 18] = [
    (
        "_helpers.tpl",
        r#"{{/* The name, cut to what a label takes. */}}
{{- define "webapp.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- define "webapp.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}
{{- define "webapp.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- define "webapp.labels" -}}
helm.sh/chart: {{ include "webapp.chart" . }}
{{ include "webapp.selectorLabels" . }}
{{- if .Chart.AppVersion }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
{{- define "webapp.selectorLabels" -}}
app.kubernetes.io/name: {{ include "webapp.fullname" . }}
{{- end }}
{{- define "webapp.serviceAccountName" -}}
{{- if .Values.serviceAccount.enabled }}
{{- default (include "webapp.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}
{{- define "webapp.tlsSecretName" -}}
{{- printf "%s-%s" (include "webapp.fullname" .) "tls" | trunc 63 | trimSuffix "-" }}
{{- end }}
"#,
    ),
    (
        "deployment.yaml",
        r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ template "webapp.fullname" . }}
  labels:
    {{- include "webapp.labels" . | nindent 4 }}
spec:
  {{- if not .Values.hpa.enabled }}
  replicas: {{ .Values.replicaCount }}
  {{- end }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "webapp.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "webapp.selectorLabels" . | nindent 8 }}
      annotations:
        prometheus.io/port: "{{ .Values.service.httpPort }}"
        checksum/config: {{ include (print $.Template.BasePath "/configmap.yaml") . | sha256sum | quote }}
        {{- range $key, $value := .Values.podAnnotations }}
        {{ $key }}: {{ $value | quote }}
        {{- end }}
    spec:
      terminationGracePeriodSeconds: 30
      {{- if .Values.serviceAccount.enabled }}
      serviceAccountName: {{ template "webapp.serviceAccountName" . }}
      {{- end }}
      {{- with .Values.image.pullSecrets }}
      imagePullSecrets:
      {{- toYaml . | nindent 6 }}
      {{- end }}
      {{- if .Values.podSecurityContext }}
      securityContext: {{ toYaml .Values.podSecurityContext | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          {{- if .Values.securityContext }}
          securityContext:
            {{- toYaml .Values.securityContext | nindent 12 }}
          {{- end }}
          command:
            - ./webapp
            - --port={{ .Values.service.httpPort | default 9898 }}
            {{- if .Values.service.metricsPort }}
            - --port-metrics={{ .Values.service.metricsPort }}
            {{- end }}
            {{- if .Values.service.grpcPort }}
            - --grpc-port={{ .Values.service.grpcPort }}
            {{- end }}
            {{- range .Values.backends }}
            - --backend-url={{ . }}
            {{- end }}
            {{- if .Values.redis.enabled }}
            - --cache-server=tcp://{{ template "webapp.fullname" . }}-redis:6379
            {{- end }}
            - --level={{ .Values.logLevel }}
            - --random-delay={{ .Values.faults.delay }}
            - --random-error={{ .Values.faults.error }}
            {{- range .Values.extraArgs }}
            - {{ . | quote }}
            {{- end }}
          env:
          {{- if .Values.ui.message }}
          - name: UI_MESSAGE
            value: {{ quote .Values.ui.message }}
          {{- end }}
          {{- if .Values.ui.color }}
          - name: UI_COLOR
            value: {{ quote .Values.ui.color }}
          {{- end }}
          {{- with .Values.extraEnvs }}
          {{- toYaml . | nindent 10 }}
          {{- end }}
          ports:
            - name: http
              containerPort: {{ .Values.service.httpPort | default 9898 }}
              protocol: TCP
            - name: http-metrics
              containerPort: {{ .Values.service.metricsPort }}
              protocol: TCP
          {{- if .Values.probes.startup.enabled }}
          {{- with .Values.probes.startup }}
          startupProbe:
            exec:
              command: [podcli, check, http, "localhost:{{ $.Values.service.httpPort }}/healthz"]
            initialDelaySeconds: {{ .initialDelaySeconds }}
            timeoutSeconds: {{ .timeoutSeconds }}
            failureThreshold: {{ .failureThreshold }}
            periodSeconds: {{ .periodSeconds }}
          {{- end }}
          {{- end }}
          {{- with .Values.probes.liveness }}
          livenessProbe:
            initialDelaySeconds: {{ .initialDelaySeconds }}
            timeoutSeconds: {{ .timeoutSeconds }}
          {{- end }}
          {{- with .Values.probes.readiness }}
          readinessProbe:
            initialDelaySeconds: {{ .initialDelaySeconds }}
            timeoutSeconds: {{ .timeoutSeconds }}
          {{- end }}
          volumeMounts:
          - name: data
            mountPath: /data
          {{- if .Values.volumeMounts }}
{{ toYaml .Values.volumeMounts | indent 10 }}
          {{- end }}
          resources:
{{ toYaml .Values.resources | indent 12 }}
    {{- with .Values.nodeSelector }}
      nodeSelector:
{{ toYaml . | indent 8 }}
    {{- end }}
    {{- with .Values.affinity }}
      affinity:
{{ toYaml . | indent 8 }}
    {{- end }}
    {{- with .Values.tolerations }}
      tolerations:
{{ toYaml . | indent 8 }}
    {{- end }}
    {{- with .Values.topologySpreadConstraints }}
      topologySpreadConstraints:
{{ toYaml . | indent 8 }}
    {{- end }}
      volumes:
      - name: data
        emptyDir: {}
"#,
    ),
    (
        "service.yaml",
        r#"{{- if .Values.service.enabled -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ template "webapp.fullname" . }}
  labels:
    {{- include "webapp.labels" . | nindent 4 }}
    {{- with .Values.service.additionalLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- with .Values.service.annotations }}
  annotations:
{{ toYaml . | indent 4 }}
{{- end }}
spec:
  type: {{ .Values.service.type }}
  ports:
    - port: {{ .Values.service.externalPort }}
      targetPort: http
      protocol: TCP
      name: http
      {{- if eq .Values.service.type "NodePort" }}
      nodePort: {{ .Values.service.nodePort }}
      {{- end }}
    {{- if .Values.service.grpcPort }}
    - port: {{ .Values.service.grpcPort }}
      targetPort: grpc
      protocol: TCP
      name: grpc
    {{- end }}
  selector:
    {{- include "webapp.selectorLabels" . | nindent 4 }}
{{- end }}
"#,
    ),
    (
        "ingress.yaml",
        r#"{{- if .Values.ingress.enabled -}}
{{- $fullName := include "webapp.fullname" . -}}
{{- $svcPort := .Values.service.externalPort -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ $fullName }}
  labels:
    {{- include "webapp.labels" . | nindent 4 }}
  {{- with .Values.ingress.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  ingressClassName: {{ .Values.ingress.className }}
  {{- if .Values.ingress.tls }}
  tls:
    {{- range .Values.ingress.tls }}
    - hosts:
        {{- range .hosts }}
        - {{ . | quote }}
        {{- end }}
      secretName: {{ .secretName }}
    {{- end }}
  {{- end }}
  rules:
    {{- range .Values.ingress.hosts }}
    - host: {{ .host | quote }}
      http:
        paths:
          {{- range .paths }}
          - path: {{ .path }}
            pathType: {{ .pathType }}
            backend:
              service:
                name: {{ $fullName }}
                port:
                  number: {{ $svcPort }}
          {{- end }}
    {{- end }}
{{- end }}
"#,
    ),
    (
        "httproute.yaml",
        r#"{{- if .Values.httpRoute.enabled -}}
{{- $fullName := include "webapp.fullname" . -}}
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: {{ $fullName }}
  labels:
    {{- include "webapp.labels" . | nindent 4 }}
spec:
  parentRefs:
    {{- with .Values.httpRoute.parentRefs }}
      {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.httpRoute.hostnames }}
  hostnames:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  rules:
    {{- range .Values.httpRoute.rules }}
    {{- with .matches }}
    - matches:
      {{- toYaml . | nindent 8 }}
    {{- end }}
    {{- with .filters }}
      filters:
      {{- toYaml . | nindent 8 }}
    {{- end }}
      backendRefs:
        - name: {{ $fullName }}
          port: {{ $.Values.service.externalPort }}
          weight: 1
    {{- end }}
{{- end }}
"#,
    ),
    (
        "hpa.yaml",
        r#"{{- if .Values.hpa.enabled -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ template "webapp.fullname" . }}
  labels:
    {{- include "webapp.labels" . | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ template "webapp.fullname" . }}
  minReplicas: {{ .Values.replicaCount }}
  maxReplicas: {{ .Values.hpa.maxReplicas }}
  metrics:
  {{- if .Values.hpa.cpu }}
  - type: Resource
    resource:
      name: cpu
      target:
        type: Utilization
        averageUtilization: {{ .Values.hpa.cpu }}
  {{- end }}
  {{- if .Values.hpa.memory }}
  - type: Resource
    resource:
      name: memory
      target:
        type: AverageValue
        averageValue: {{ .Values.hpa.memory }}
  {{- end }}
{{- end }}
"#,
    ),
    (
        "pdb.yaml",
        r#"{{- if and .Values.pdb.enabled (gt (int .Values.replicaCount) 1) -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "webapp.fullname" . }}
spec:
  minAvailable: {{ .Values.pdb.minAvailable }}
  selector:
    matchLabels:
      {{- include "webapp.selectorLabels" . | nindent 6 }}
{{- end }}
"#,
    ),
    (
        "serviceaccount.yaml",
        r#"{{- if .Values.serviceAccount.enabled }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ template "webapp.serviceAccountName" . }}
  labels:
    {{- include "webapp.labels" . | nindent 4 }}
{{- with .Values.serviceAccount.imagePullSecrets }}
imagePullSecrets:
{{ toYaml . | indent 2 }}
{{- end }}
{{- end -}}
"#,
    ),
    (
        "servicemonitor.yaml",
        r#"{{- if .Values.serviceMonitor.enabled }}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ template "webapp.fullname" . }}
  labels:
    {{- include "webapp.labels" . | nindent 4 }}
    {{- range $key, $value := .Values.serviceMonitor.additionalLabels }}
    {{ $key }}: {{ $value | quote }}
    {{- end }}
spec:
  endpoints:
    - path: /metrics
      port: http
      interval: {{ .Values.serviceMonitor.interval }}
  namespaceSelector:
    matchNames:
      - {{ .Release.Namespace }}
  selector:
    matchLabels:
      {{- include "webapp.selectorLabels" . | nindent 6 }}
{{- end }}
"#,
    ),
    (
        "certificate.yaml",
        r#"{{- if .Values.certificate.create -}}
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: {{ template "webapp.fullname" . }}
  labels:
    {{- include "webapp.labels" . | nindent 4 }}
spec:
  dnsNames:
    {{- range .Values.certificate.dnsNames }}
    - {{ . | quote }}
    {{- end }}
  secretName: {{ template "webapp.tlsSecretName" . }}
  issuerRef:
    {{- .Values.certificate.issuerRef | toYaml | trimSuffix "\n" | nindent 4 }}
{{- end }}
"#,
    ),
    (
        "configmap.yaml",
        r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ template "webapp.fullname" . }}
  labels:
    {{- include "webapp.labels" . | nindent 4 }}
data:
  settings.json: |
    {{- dict "color" .Values.ui.color "level" (upper .Values.logLevel) "args" .Values.extraArgs | toPrettyJson | nindent 4 }}
"#,
    ),
    (
        "redis/config.yaml",
        r#"{{- if .Values.redis.enabled -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ template "webapp.fullname" . }}-redis
data:
  redis.conf: |
    maxmemory 64mb
    maxmemory-policy allkeys-lru
    save ""
    appendonly no
{{- end }}
"#,
    ),
    (
        "redis/deployment.yaml",
        r#"{{- if .Values.redis.enabled -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ template "webapp.fullname" . }}-redis
  labels:
    app: {{ template "webapp.fullname" . }}-redis
spec:
  strategy:
    type: Recreate
  selector:
    matchLabels:
      app: {{ template "webapp.fullname" . }}-redis
  template:
    metadata:
      labels:
        app: {{ template "webapp.fullname" . }}-redis
      annotations:
        checksum/config: {{ include (print $.Template.BasePath "/redis/config.yaml") . | sha256sum | quote }}
    spec:
      containers:
        - name: redis
          image: "{{ .Values.redis.repository }}:{{ .Values.redis.tag }}"
          command: [redis-server, /redis-master/redis.conf]
      volumes:
        - name: config
          configMap:
            name: {{ template "webapp.fullname" . }}-redis
            items:
              - key: redis.conf
                path: redis.conf
{{- end }}
"#,
    ),
    (
        "redis/service.yaml",
        r#"{{- if .Values.redis.enabled -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ template "webapp.fullname" . }}-redis
  labels:
    app: {{ template "webapp.fullname" . }}-redis
spec:
  type: ClusterIP
  selector:
    app: {{ template "webapp.fullname" . }}-redis
  ports:
    - name: redis
      port: 6379
      protocol: TCP
      targetPort: redis
{{- end }}
"#,
    ),
    (
        "tests/http.yaml",
        r#"apiVersion: v1
kind: Pod
metadata:
  name: {{ template "webapp.fullname" . }}-http-test
  annotations:
    "helm.sh/hook": test
    "helm.sh/hook-delete-policy": before-hook-creation,hook-succeeded
spec:
  containers:
    - name: curl
      image: registry.example/curl:8
      command: [sh, -c, "curl -s {{ template "webapp.fullname" . }}.{{ .Release.Namespace }}:{{ .Values.service.externalPort }} | grep version"]
  restartPolicy: Never
"#,
    ),
    (
        "tests/grpc.yaml",
        r#"apiVersion: v1
kind: Pod
metadata:
  name: {{ template "webapp.fullname" . }}-grpc-test
  annotations:
    "helm.sh/hook": test
spec:
  containers:
    - name: grpc
      image: registry.example/grpc:1
      args: ["-addr={{ template "webapp.fullname" . }}:{{ .Values.service.grpcPort }}"]
  restartPolicy: Never
"#,
    ),
    (
        "linkerd.yaml",
        r#"{{- if .Capabilities.APIVersions.Has "split.smi-spec.io/v1alpha1" -}}
apiVersion: split.smi-spec.io/v1alpha1
kind: TrafficSplit
metadata:
  name: {{ template "webapp.fullname" . }}
{{- end }}
"#,
    ),
    (
        "NOTES.txt",
        r#"{{- if .Values.ingress.enabled }}
{{- range $host := .Values.ingress.hosts }}
  http{{ if $.Values.ingress.tls }}s{{ end }}://{{ $host.host }}
{{- end }}
{{- else }}
  kubectl -n {{ .Release.Namespace }} port-forward deploy/{{ template "webapp.fullname" . }} 8080:{{ .Values.service.externalPort }}
{{- end }}
"#,
    ),
];
