{{/* What selects a component's pods: never more than this, because a selector cannot be changed. (dict "root" $ "component" "ingest-api") */}}
{{- define "odometer.selectorLabels" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component | quote }}
{{- end -}}

{{/* The labels of an object. (dict "root" $ "component" "ingest-api" "labels" map; the last is optional) */}}
{{- define "odometer.labels" -}}
{{- include "odometer.podLabels" . }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
{{- end -}}

{{/* The same without the chart's version, which would start every pod again for nothing. */}}
{{- define "odometer.podLabels" -}}
{{- $own := include "odometer.ownLabels" . | fromYaml -}}
{{- toYaml (merge $own (.labels | default dict) .root.Values.commonLabels) -}}
{{- end -}}

{{- define "odometer.ownLabels" -}}
{{ include "odometer.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/part-of: odometer
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
{{- end -}}

{{/* `annotations:` with those of every object and the given ones; nothing when there are none. (dict "root" $ "annotations" map) */}}
{{- define "odometer.annotations" -}}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/*
The metadata of an object. (dict "root" $ "suffix" "ingest-api" "component" … "labels" map "annotations" map)
The component is the suffix unless it is given; labels and annotations are optional.
*/}}
{{- define "odometer.metadata" -}}
{{- $component := .component | default .suffix -}}
name: {{ include "odometer.componentName" (dict "root" .root "suffix" .suffix) }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "odometer.labels" (dict "root" .root "component" $component "labels" .labels) | nindent 2 }}
{{- with include "odometer.annotations" (dict "root" .root "annotations" .annotations) }}
{{ . }}
{{- end }}
{{- end -}}
