{{/*
Whose a path is, in one place for Ingress and HTTPRoute: a list of path, Service and port, the more specific first. Paths of
components that are not enabled are left out. Read it with fromYamlArray.
*/}}
{{- define "odometer.paths" -}}
{{- $root := . -}}
{{- $components := include "odometer.components" . | fromYaml -}}
{{- range $pair := list (list "/api/v1/events" "ingestApi") (list "/webhooks/storage" "s3UsageWatcher") (list "/webhooks" "ingestApi") (list "/" "statsApi") -}}
{{- with get $components (index $pair 1) }}
- path: {{ index $pair 0 }}
  service: {{ include "odometer.componentName" (dict "root" $root "suffix" .suffix) }}
  port: {{ int .service.port }}
{{- end -}}
{{- end -}}
{{- end -}}
