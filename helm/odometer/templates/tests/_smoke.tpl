{{/* Whether `helm test` has anything to run: it posts to one of the two, and asks the other. */}}
{{- define "odometer.hasSmokeTest" -}}
{{- $components := .Values.components -}}
{{- if and .Values.tests.enabled $components.ingestApi.enabled $components.statsApi.enabled }}true{{ end -}}
{{- end -}}
