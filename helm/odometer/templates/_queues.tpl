{{/*
What every key of the queues begins with: QUEUE_PREFIX of packages/queues, and a test holds the two equal. A wrong key is
an empty list for ever, and nothing would scale.
*/}}
{{- define "odometer.queuePrefix" -}}
{odometer}
{{- end -}}

{{/* BullMQ's lists of jobs that could begin now: those of a priority wait in one of their own. */}}
{{- define "odometer.waitingLists" -}}
wait prioritized
{{- end -}}

{{/*
KEDA's triggers of a worker: one for each list of each of its queues. Their names are what the formula adds up.
(dict "root" $ "component" what odometer.component gives)
*/}}
{{- define "odometer.queueTriggers" -}}
{{- $root := .root -}}
{{- $redis := include "odometer.redis" $root | fromYaml -}}
{{- /* KEDA asks from its own namespace, where a short name is another Service's. */ -}}
{{- $host := ternary $redis.host (printf "%s.%s.svc" $redis.host $root.Release.Namespace) (or (contains "." $redis.host) (contains ":" $redis.host)) -}}
{{- $length := include "odometer.text" .component.autoscaling.keda.jobsPerReplica -}}
{{- range $queue := .component.queues -}}
{{- range $list := include "odometer.waitingLists" $root | splitList " " }}
- type: redis
  name: {{ printf "%s_%s" $queue $list }}
  metadata:
    address: {{ printf "%s:%s" $host (include "odometer.text" $redis.port) | quote }}
    listName: {{ printf "%s:%s:%s" (include "odometer.queuePrefix" $root) $queue $list | quote }}
    listLength: {{ $length | quote }}
    enableTLS: {{ $redis.tls | toString | quote }}
    {{- if $redis.username }}
    usernameFromEnv: ODOMETER_REDIS_USERNAME
    {{- end }}
  {{- if include "odometer.redisAuthentication" $root }}
  authenticationRef:
    name: {{ include "odometer.componentName" (dict "root" $root "suffix" "redis") }}
  {{- end }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The sum of those triggers; without it the largest would decide. */}}
{{- define "odometer.queueFormula" -}}
{{- $names := list -}}
{{- range $queue := .queues -}}
{{- range $list := include "odometer.waitingLists" $ | splitList " " -}}
{{- $names = append $names (printf "%s_%s" $queue $list) -}}
{{- end -}}
{{- end -}}
{{- join " + " $names -}}
{{- end -}}

{{/* What KEDA is given to get into Redis; nothing when it needs nothing. */}}
{{- define "odometer.redisAuthentication" -}}
{{- $redis := include "odometer.redis" . | fromYaml -}}
{{- $secrets := list -}}
{{- $configMaps := list -}}
{{- with $redis.secret -}}
{{- $secrets = append $secrets (dict "parameter" "password" "name" . "key" $redis.key) -}}
{{- end -}}
{{- if and $redis.tls .Values.caBundle.existingSecret -}}
{{- $secrets = append $secrets (dict "parameter" "ca" "name" (tpl .Values.caBundle.existingSecret .) "key" .Values.caBundle.key) -}}
{{- else if and $redis.tls .Values.caBundle.existingConfigMap -}}
{{- $configMaps = append $configMaps (dict "parameter" "ca" "name" (tpl .Values.caBundle.existingConfigMap .) "key" .Values.caBundle.key) -}}
{{- end -}}
{{- with $secrets -}}
secretTargetRef:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- with $configMaps }}
configMapTargetRef:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}
