{{/* What is more than a host: it would be taken for a name, or make another URL. (dict "name" "redis.host" "host" text "ipv6" whether it may be such an address) */}}
{{- define "odometer.hostProblems" -}}
{{- $shown := regexReplaceAll "^.*@" .host "…@" | quote -}}
{{- $port := printf "%s.port" (trimSuffix ".host" .name) -}}
{{- if contains "@" .host }}
- {{ .name }} is {{ $shown }}: it should be the host alone. A user belongs into {{ trimSuffix ".host" .name }}.username, the password into a Secret.
{{- else if contains "/" .host }}
- {{ .name }} is {{ $shown }}: it should be the host alone, without a protocol or a path; the port belongs into {{ $port }}.
{{- else if and (contains ":" .host) (not (and .ipv6 (regexMatch "^[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$" .host))) }}
- {{ .name }} is {{ $shown }}: it should be the host alone; the port belongs into {{ $port }}{{ if not .ipv6 }}, and an IPv6 address behind a name{{ end }}.
{{- end -}}
{{- end -}}

{{- define "odometer.storeProblems" -}}
{{- $createSecret := printf "kubectl -n %s create secret generic" .Release.Namespace -}}
{{- with .Values.aws.endpointUrl -}}
{{- if contains "@" . }}
- aws.endpointUrl is {{ regexReplaceAll "//.*@" . "//…@" | quote }}: it should hold no user and no password, because values are no place for secrets.
{{- else if not (regexMatch "^https?://[^/]" .) }}
- aws.endpointUrl is {{ . | quote }}: it should begin with https:// or http://.
{{- end -}}
{{- end -}}
{{- if .Values.bundled.postgres.enabled -}}
{{- if .Values.postgres.host }}
- postgres.host and bundled.postgres.enabled exclude each other: take away the one you do not want.
{{- end -}}
{{- else -}}
{{- $host := tpl .Values.postgres.host . -}}
{{- if not $host }}
- postgres.host is empty: name your Postgres, or set bundled.postgres.enabled=true to try Odometer out.
{{- end -}}
{{- include "odometer.hostProblems" (dict "name" "postgres.host" "host" $host "ipv6" true) -}}
{{- if not .Values.postgres.existingSecret }}
- postgres.existingSecret is empty: name the Secret that holds the password of {{ .Values.postgres.username }}, or make one with `{{ $createSecret }} odometer-postgres --from-literal={{ .Values.postgres.existingSecretKeys.password }}=…`.
{{- end -}}
{{- end -}}
{{- if .Values.bundled.valkey.enabled -}}
{{- if .Values.redis.host }}
- redis.host and bundled.valkey.enabled exclude each other: take away the one you do not want.
{{- end -}}
{{- else -}}
{{- $host := tpl .Values.redis.host . -}}
{{- if not $host }}
- redis.host is empty: name your Redis or Valkey, or set bundled.valkey.enabled=true to try Odometer out.
{{- end -}}
{{- /* It becomes part of URLs, and of KEDA's addresses, in which an IPv6 address would need brackets. */ -}}
{{- include "odometer.hostProblems" (dict "name" "redis.host" "host" $host "ipv6" false) -}}
{{- if and .Values.redis.username (not .Values.redis.existingSecret) }}
- redis.username is set without a password: name the Secret that holds it in redis.existingSecret, or make one with `{{ $createSecret }} odometer-redis --from-literal={{ .Values.redis.existingSecretKeys.password }}=…`.
{{- end -}}
{{- end -}}
{{- if and .Values.caBundle.existingConfigMap .Values.caBundle.existingSecret }}
- caBundle.existingConfigMap and caBundle.existingSecret exclude each other: keep the one that holds the authorities.
{{- end -}}
{{- end -}}
