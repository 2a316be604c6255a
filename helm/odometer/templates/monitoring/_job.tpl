{{/* The job under which Prometheus knows the pods of this release: what the operator calls those of our PodMonitor. */}}
{{- define "odometer.prometheusJob" -}}
{{- .Values.monitoring.prometheusRule.job | default (printf "%s/%s" .Release.Namespace (include "odometer.componentName" (dict "root" . "suffix" "metrics"))) -}}
{{- end -}}
