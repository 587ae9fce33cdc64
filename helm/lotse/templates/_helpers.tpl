{{/* The name everything starts with: the release, and the chart where that says more. */}}
{{- define "lotse.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What selects pods; must never change between releases. */}}
{{- define "lotse.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "lotse.labels" -}}
{{ include "lotse.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "lotse.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A variable from a key of a Secret that is not ours. */}}
{{- define "lotse.secretVariable" -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef:
      name: {{ (index . 1).existingSecret }}
      key: {{ (index . 1).key }}
{{- end -}}

{{- define "lotse.variable" -}}
- name: {{ index . 0 }}
  value: {{ index . 1 | quote }}
{{- end -}}

{{/* What the migration has to know. */}}
{{- define "lotse.migrationEnvironment" -}}
{{ include "lotse.secretVariable" (list "LOTSE__DATABASE__URL" .Values.database) }}
{{ include "lotse.variable" (list "LOTSE__TELEMETRY__LOG_FORMAT" .Values.telemetry.logFormat) }}
{{ include "lotse.variable" (list "LOTSE__TELEMETRY__LOG_FILTER" .Values.telemetry.logFilter) }}
{{- end -}}

{{/* What each service has to know beside its file: see crates/config/defaults.toml. */}}
{{- define "lotse.environment" -}}
{{ include "lotse.migrationEnvironment" . }}
{{ include "lotse.secretVariable" (list "LOTSE__REDIS__URL" .Values.redis) }}
{{ include "lotse.secretVariable" (list "LOTSE__SURVEY__LINK_KEY" .Values.survey.linkKey) }}
{{ include "lotse.variable" (list "LOTSE__SERVER__GRPC" "0.0.0.0:7070") }}
{{ include "lotse.variable" (list "LOTSE__SERVER__HTTP" "0.0.0.0:7080") }}
{{ include "lotse.variable" (list "LOTSE__SERVER__PUBLIC_HTTP" "0.0.0.0:7081") }}
{{ include "lotse.variable" (list "LOTSE__SERVER__LAME_DUCK" .Values.shutdown.lameDuck) }}
{{ include "lotse.variable" (list "LOTSE__SERVER__DRAIN" .Values.shutdown.drain) }}
{{- range $name := list "intake" "routing" "sla" "survey" "insight" }}
{{ include "lotse.variable" (list (printf "LOTSE__PEERS__%s" (upper $name)) (printf "http://%s-%s:7070" (include "lotse.fullname" $) $name)) }}
{{- end }}
{{ include "lotse.variable" (list "LOTSE__PEERS__TOKEN_FILE" "/etc/lotse-token/token") }}
{{ include "lotse.variable" (list "LOTSE__AUTH__AUDIENCE" .Values.auth.audience) }}
{{- with .Values.auth.issuer }}
{{ include "lotse.variable" (list "LOTSE__AUTH__ISSUER" .) }}
{{- end }}
{{- if .Values.auth.jwks.existingSecret }}
{{ include "lotse.variable" (list "LOTSE__AUTH__JWKS_FILE" "/etc/lotse-jwks/jwks.json") }}
{{- else }}
{{ include "lotse.variable" (list "LOTSE__AUTH__JWKS_URL" .Values.auth.jwksUrl) }}
{{- end }}
{{- if .Values.auth.pseudonymKey.existingSecret }}
{{ include "lotse.secretVariable" (list "LOTSE__AUTH__PSEUDONYM_KEY" .Values.auth.pseudonymKey) }}
{{- end }}
{{- if .Values.sla.secretKey.existingSecret }}
{{ include "lotse.secretVariable" (list "LOTSE__SLA__NOTIFICATIONS__SECRET_KEY" .Values.sla.secretKey) }}
{{- end }}
{{- with .Values.telemetry.otlpEndpoint }}
{{ include "lotse.variable" (list "LOTSE__TELEMETRY__OTLP_ENDPOINT" .) }}
{{- end }}
{{- end -}}

{{/* A key of a Secret as a file. Replaced files reach running pods, unlike variables. */}}
{{- define "lotse.secretVolume" -}}
- name: {{ index . 0 }}
  secret:
    secretName: {{ (index . 1).existingSecret }}
    items:
      - key: {{ (index . 1).key }}
        path: {{ index . 2 }}
{{- end -}}

{{/* What all pods keep to; it satisfies the `restricted` Pod Security Standard. */}}
{{- define "lotse.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "lotse.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}
