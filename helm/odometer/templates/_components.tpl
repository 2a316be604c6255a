{{/*
What is fixed about each component: the suffix of its names, its program and kind, the variable of its public port, and
what it asks. Everything else is in the values.
*/}}
{{- define "odometer.componentFacts" -}}
ingestApi: {suffix: ingest-api, program: ingest-api, kind: Deployment, portVariable: ODOMETER_INGEST_PORT, port: 8081}
statsApi: {suffix: stats-api, program: stats-api, kind: Deployment, portVariable: ODOMETER_STATS_PORT, port: 8085}
s3UsageWatcher: {suffix: s3-usage-watcher, program: s3-usage-watcher, kind: Deployment, portVariable: ODOMETER_STORAGE_PORT, port: 8086, aws: true}
mqttCounter: {suffix: mqtt-counter, program: mqtt-counter, kind: StatefulSet, mqtt: true, fixedReplicas: true}
iotCounter: {suffix: iot-counter, program: mqtt-counter, kind: Deployment, iot: true, aws: true}
scheduler: {suffix: scheduler, program: scheduler, kind: Deployment, fixedReplicas: true}
countingWorker: {suffix: counting-worker, program: stats-worker, kind: Deployment, worker: true}
measuringWorker: {suffix: measuring-worker, program: stats-worker, kind: Deployment, worker: true}
posthocWorker: {suffix: posthoc-worker, program: stats-worker, kind: Deployment, worker: true, posthoc: true}
{{- end -}}

{{/* Port of /metrics, /livez and /readyz of every component; never in a Service. */}}
{{- define "odometer.adminPort" -}}9464{{- end -}}

{{/*
One component as it is to be: the defaults, what the component says otherwise, and its facts. Read it with fromYaml.
(dict "root" $ "key" "ingestApi")
*/}}
{{- define "odometer.component" -}}
{{- $component := deepCopy .root.Values.defaults -}}
{{- include "odometer.overlay" (list $component (get .root.Values.components .key)) -}}
{{- include "odometer.overlay" (list $component (get (include "odometer.componentFacts" . | fromYaml) .key)) -}}
{{- $_ := set $component "key" .key -}}
{{- if $component.worker -}}
{{- $_ := set $component "aws" (or (has "measure" $component.queues) (has "posthoc" $component.queues)) -}}
{{- end -}}
{{- $autoscaling := $component.autoscaling -}}
{{- if kindIs "invalid" $autoscaling.minReplicas -}}
{{- $_ := set $autoscaling "minReplicas" (max 1 (int $component.replicas)) -}}
{{- end -}}
{{- $_ := set $component "autoscaled" (or $autoscaling.hpa.enabled $autoscaling.keda.enabled) -}}
{{- toYaml $component -}}
{{- end -}}

{{/* All components that are enabled, as a map of what odometer.component gives. */}}
{{- define "odometer.components" -}}
{{- $root := . -}}
{{- $all := dict -}}
{{- range $key, $facts := include "odometer.componentFacts" . | fromYaml -}}
{{- if get (get $root.Values.components $key) "enabled" -}}
{{- $_ := set $all $key (include "odometer.component" (dict "root" $root "key" $key) | fromYaml) -}}
{{- end -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{/*
Lays the second map over the first, in place: maps key by key, anything else whole, and so a strategy, of which one type
does not take another's fields. Unlike sprig's merge it keeps 0, false
and "" of the second; null says nothing, except in `env`, where a whole variable
replaces another, and null takes it away.
*/}}
{{- define "odometer.overlay" -}}
{{- $base := index . 0 -}}
{{- range $key, $value := index . 1 -}}
{{- if kindIs "invalid" $value -}}
{{- else if and (eq $key "env") (kindIs "map" $value) (kindIs "map" (get $base $key)) -}}
{{- range $name, $variable := $value -}}
{{- $_ := set (get $base $key) $name $variable -}}
{{- end -}}
{{- else if and (kindIs "map" $value) (kindIs "map" (get $base $key)) (ne $key "strategy") -}}
{{- include "odometer.overlay" (list (get $base $key) $value) -}}
{{- else -}}
{{- $_ := set $base $key (kindIs "map" $value | ternary (deepCopy $value) $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A value as the text of a variable: whole numbers without an exponent, lists joined by commas. */}}
{{- define "odometer.text" -}}
{{- if kindIs "float64" . -}}
{{- if eq . (floor .) }}{{ printf "%.0f" . }}{{ else }}{{ . }}{{ end -}}
{{- else if kindIs "slice" . -}}
{{- join "," . -}}
{{- else if not (kindIs "invalid" .) -}}
{{- toString . -}}
{{- end -}}
{{- end -}}

{{/* A map without what is null: what a user has taken away. */}}
{{- define "odometer.withoutNulls" -}}
{{- $kept := dict -}}
{{- include "odometer.overlay" (list $kept .) -}}
{{- toYaml $kept -}}
{{- end -}}
