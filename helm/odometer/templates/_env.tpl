{{/*
The environment of a component's container, as a list.
(dict "root" $ "component" what odometer.component gives)
*/}}
{{- define "odometer.env" -}}
{{- include "odometer.envWithOwn" (dict "env" (include "odometer.componentEnv" . | fromYaml) "own" .component) -}}
{{- end -}}

{{/*
A list of each name once: what the chart sets, then the user's `env`, of which {} or null takes a name away, then `extraEnv`, where
the later wins. Sorted, so that the same values always give the same text; but `extraEnv` last and in its order, because
Kubernetes puts into $(NAME) only what stands before it. (dict "env" map "own" map with env and extraEnv)
*/}}
{{- define "odometer.envWithOwn" -}}
{{- $env := .env -}}
{{- range $name, $value := .own.env -}}
{{- if or (kindIs "invalid" $value) (and (kindIs "map" $value) (empty $value)) -}}
{{- $_ := unset $env $name -}}
{{- else if kindIs "map" $value -}}
{{- $_ := set $env $name $value -}}
{{- else -}}
{{- $_ := set $env $name (dict "value" (include "odometer.text" $value)) -}}
{{- end -}}
{{- end -}}
{{- $extra := dict -}}
{{- $names := list -}}
{{- range .own.extraEnv -}}
{{- $_ := unset $env .name -}}
{{- $_ := set $extra .name (omit . "name") -}}
{{- $names = append (without $names .name) .name -}}
{{- end -}}
{{- $lists := list (include "odometer.envList" $env) -}}
{{- range $names -}}
{{- $lists = append $lists (include "odometer.envList" (pick $extra .)) -}}
{{- end -}}
{{- join "\n" (compact $lists) -}}
{{- end -}}

{{/* A map of name to `{value: …}` or `{valueFrom: …}` as the list that Kubernetes takes. */}}
{{- define "odometer.envList" -}}
{{- $env := . -}}
{{- range $index, $name := keys . | sortAlpha -}}
{{- if $index }}{{ "\n" }}{{ end -}}
- name: {{ $name | quote }}
  {{- toYaml (get $env $name) | nindent 2 }}
{{- end -}}
{{- end -}}

{{/*
What the odometer command is given, as a list: only what that command asks, and what is yours.
(dict "root" $ "env" (list "odometer.postgresEnv" "odometer.redisEnv" "odometer.mqttEnv" "odometer.trustEnv") "own" map)
*/}}
{{- define "odometer.cliEnv" -}}
{{- $root := .root -}}
{{- $env := dict -}}
{{- range .env -}}
{{- include "odometer.overlay" (list $env (include . $root | fromYaml)) -}}
{{- end -}}
{{- include "odometer.envWithOwn" (dict "env" $env "own" (.own | default dict)) -}}
{{- end -}}

{{/* What the chart sets for a component, by name. Only what its program knows: it refuses names that look misspelt. */}}
{{- define "odometer.componentEnv" -}}
{{- $root := .root -}}
{{- $component := .component -}}
{{- $grace := int $component.terminationGracePeriodSeconds -}}
ODOMETER_ADMIN_PORT: {value: {{ include "odometer.adminPort" . | quote }}}
ODOMETER_LOG_LEVEL: {value: {{ $component.logLevel | quote }}}
{{/* 5 s for a late signal and the exit itself, before the kill. */ -}}
ODOMETER_SHUTDOWN_DEADLINE_MS: {value: {{ mul (sub $grace 5) 1000 | quote }}}
ODOMETER_SHUTDOWN_DELAY_MS: {value: {{ mul (int $component.shutdownDelaySeconds) 1000 | quote }}}
{{ include "odometer.postgresEnv" $root }}
{{ include "odometer.redisEnv" $root }}
{{- with include "odometer.trustEnv" $root }}
{{ . }}
{{- end }}
{{- $heap := include "odometer.heapMebibytes" $component }}
{{- with compact (list (ternary "" (printf "--max-old-space-size=%s" $heap) (empty $heap)) $component.nodeOptions) }}
NODE_OPTIONS: {value: {{ join " " . | quote }}}
{{- end }}
{{- if ne $component.key "statsApi" }}
ODOMETER_REDIS_DURABILITY: {value: {{ $root.Values.redis.durability | quote }}}
{{- end }}
{{- with $component.portVariable }}
{{ . }}: {value: {{ include "odometer.text" $component.port | quote }}}
{{- end }}
{{- /* The worker makes events of pulled logs: in another organization one that was delivered, too, would count twice. */ -}}
{{- if or (eq $component.key "ingestApi") $component.worker }}
ODOMETER_DEFAULT_ORGANIZATION: {value: {{ $root.Values.metering.defaultOrganization | quote }}}
{{- end }}
{{- if $component.mqtt }}
{{ include "odometer.counterEnv" . }}
{{- end }}
{{- if $component.iot }}
{{ include "odometer.iotEnv" . }}
{{- end }}
{{- if $component.worker }}
{{ include "odometer.workerEnv" . }}
{{- end }}
{{- if $component.aws }}
{{- with $root.Values.aws.region }}
AWS_REGION: {value: {{ . | quote }}}
{{- end }}
{{- with $root.Values.aws.endpointUrl }}
AWS_ENDPOINT_URL: {value: {{ . | quote }}}
{{- end }}
{{- end }}
{{- end -}}

{{- define "odometer.topicEnv" -}}
ODOMETER_MQTT_TOPIC_TEMPLATE: {value: {{ .Values.mqtt.topicTemplate | quote }}}
ODOMETER_MQTT_OUTBOUND_SEGMENTS: {value: {{ include "odometer.text" .Values.mqtt.outboundSegments | quote }}}
ODOMETER_MQTT_PER_DEVICE: {value: {{ include "odometer.text" .Values.mqtt.perDevice | quote }}}
{{- end -}}

{{/* The client id is the pod's name, which it keeps: the broker and the books know the counter by it for ever. */}}
{{- define "odometer.counterEnv" -}}
{{ include "odometer.mqttEnv" .root }}
{{ include "odometer.topicEnv" .root }}
ODOMETER_MQTT_CLIENT_ID: {valueFrom: {fieldRef: {apiVersion: v1, fieldPath: metadata.name}}}
ODOMETER_MQTT_SESSION_EXPIRY_SECONDS: {value: {{ include "odometer.text" .root.Values.mqtt.sessionExpirySeconds | quote }}}
{{- with .component.filters }}
ODOMETER_MQTT_FILTERS: {value: {{ include "odometer.text" . | quote }}}
{{- end }}
{{- if .root.Values.mqtt.clientCertificate.existingSecret }}
ODOMETER_MQTT_TLS_CERTIFICATE_FILE: {value: /etc/odometer/mqtt/tls.crt}
ODOMETER_MQTT_TLS_KEY_FILE: {value: /etc/odometer/mqtt/tls.key}
{{- end }}
{{- end -}}

{{- define "odometer.iotEnv" -}}
{{ include "odometer.topicEnv" .root }}
ODOMETER_IOT_QUEUE_URL: {value: {{ tpl .component.queueUrl .root | quote }}}
ODOMETER_IOT_RECEIVERS: {value: {{ include "odometer.text" .component.receivers | quote }}}
{{- with .root.Values.aws.region }}
ODOMETER_IOT_REGION: {value: {{ . | quote }}}
{{- end }}
{{- with .component.roleArn }}
ODOMETER_IOT_ROLE_ARN: {value: {{ . | quote }}}
{{- end }}
{{- end -}}

{{- define "odometer.workerEnv" -}}
{{- $metering := .root.Values.metering -}}
ODOMETER_WORKER_QUEUES: {value: {{ include "odometer.text" .component.queues | quote }}}
ODOMETER_AUTO_PROVISION: {value: {{ include "odometer.text" $metering.autoProvision | quote }}}
ODOMETER_MAX_ORGANIZATIONS_PER_HOUR: {value: {{ include "odometer.text" $metering.maxOrganizationsPerHour | quote }}}
ODOMETER_MAX_PROJECTS_PER_HOUR: {value: {{ include "odometer.text" $metering.maxProjectsPerHour | quote }}}
ODOMETER_MAX_DEVICES_PER_HOUR: {value: {{ include "odometer.text" $metering.maxDevicesPerHour | quote }}}
ODOMETER_CLOSE_GRACE_HOURS: {value: {{ include "odometer.text" $metering.closeGraceHours | quote }}}
ODOMETER_DEFAULT_ORGANIZATION: {value: {{ $metering.defaultOrganization | quote }}}
{{- if not (kindIs "invalid" $metering.eventRetentionMonths) }}
ODOMETER_EVENT_RETENTION_MONTHS: {value: {{ include "odometer.text" $metering.eventRetentionMonths | quote }}}
{{- end }}
{{- with .component }}
{{- if .posthoc }}
ODOMETER_POSTHOC_MEMORY_MB: {value: {{ include "odometer.text" .memoryMb | quote }}}
ODOMETER_POSTHOC_FETCH_MB: {value: {{ include "odometer.text" .fetchMb | quote }}}
ODOMETER_POSTHOC_THREADS: {value: {{ include "odometer.text" .threads | quote }}}
{{- if include "odometer.logsVolume" . }}
ODOMETER_POSTHOC_DIRECTORY: {value: {{ include "odometer.logsPath" . | quote }}}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/*
The JavaScript heap in MiB: a share of the memory limit, or V8 would think it had the node's memory and be killed before it
collects. Nothing without a limit.
*/}}
{{- define "odometer.heapMebibytes" -}}
{{- $limit := dig "limits" "memory" "" .resources -}}
{{- if $limit -}}
{{- $text := include "odometer.text" $limit -}}
{{- $bytes := include "odometer.quantity" $limit -}}
{{- if or (not $bytes) (hasSuffix "m" $text) -}}
{{- fail (printf "\n\nThe memory limit %q of %s cannot be read: write it like 512Mi or 2Gi.\n" $text (.key | default "a container")) -}}
{{- end -}}
{{- divf (mulf (float64 $bytes) .heapPercent) 104857600 | floor | int64 -}}
{{- end -}}
{{- end -}}

{{/* What a quantity such as 512Mi, 100m or 2 comes to, as a number; nothing when it cannot be read. */}}
{{- define "odometer.quantity" -}}
{{- $text := include "odometer.text" . -}}
{{- $pattern := "^([0-9]+(?:\\.[0-9]+)?)(m|Ki|Mi|Gi|Ti|k|M|G|T)?$" -}}
{{- if regexMatch $pattern $text -}}
{{- $units := dict "m" 0.001 "" 1 "k" 1000 "Ki" 1024 "M" 1000000 "Mi" 1048576 "G" 1000000000 "Gi" 1073741824 "T" 1000000000000 "Ti" 1099511627776 -}}
{{- mulf (regexReplaceAll $pattern $text "${1}" | float64) (get $units (regexReplaceAll $pattern $text "${2}")) | printf "%.3f" -}}
{{- end -}}
{{- end -}}
