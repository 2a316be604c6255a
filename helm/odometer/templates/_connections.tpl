{{/* Where Postgres is, bundled or yours. Read it with fromYaml. */}}
{{- define "odometer.postgres" -}}
{{- if .Values.bundled.postgres.enabled -}}
host: {{ include "odometer.componentName" (dict "root" . "suffix" "postgres") }}
port: 5432
sslMode: disable
secret: {{ include "odometer.bundledSecret" . }}
key: postgres-password
{{- else -}}
host: {{ tpl .Values.postgres.host . | quote }}
port: {{ include "odometer.text" .Values.postgres.port }}
sslMode: {{ .Values.postgres.sslMode | quote }}
secret: {{ tpl .Values.postgres.existingSecret . | quote }}
key: {{ .Values.postgres.existingSecretKeys.password | quote }}
{{- end }}
database: {{ .Values.postgres.database | quote }}
username: {{ .Values.postgres.username | quote }}
{{- end -}}

{{/* Where Redis is, bundled or yours. Read it with fromYaml; without a secret none is sent a password. */}}
{{- define "odometer.redis" -}}
{{- if .Values.bundled.valkey.enabled -}}
host: {{ include "odometer.componentName" (dict "root" . "suffix" "valkey") }}
port: 6379
tls: false
username: ""
secret: {{ include "odometer.bundledSecret" . }}
key: valkey-password
{{- else -}}
host: {{ tpl .Values.redis.host . | quote }}
port: {{ include "odometer.text" .Values.redis.port }}
tls: {{ .Values.redis.tls }}
username: {{ .Values.redis.username | quote }}
secret: {{ tpl .Values.redis.existingSecret . | quote }}
key: {{ .Values.redis.existingSecretKeys.password | quote }}
{{- end -}}
{{- end -}}

{{/* Where the broker of the devices is, bundled or yours. Read it with fromYaml. */}}
{{- define "odometer.mqtt" -}}
{{- if .Values.bundled.mosquitto.enabled -}}
url: mqtt://{{ include "odometer.componentName" (dict "root" . "suffix" "mosquitto") }}:1883
username: odometer
secret: {{ include "odometer.bundledSecret" . }}
usernameKey: ""
passwordKey: mqtt-password
{{- else -}}
url: {{ tpl .Values.mqtt.url . | quote }}
username: {{ .Values.mqtt.username | quote }}
secret: {{ tpl .Values.mqtt.existingSecret . | quote }}
usernameKey: {{ .Values.mqtt.existingSecretKeys.username | quote }}
passwordKey: {{ .Values.mqtt.existingSecretKeys.password | quote }}
{{- end -}}
{{- end -}}

{{/* The Secret with the passwords of what is bundled: yours, or the generated one. */}}
{{- define "odometer.bundledSecret" -}}
{{- tpl .Values.bundled.existingSecret . | default (include "odometer.componentName" (dict "root" . "suffix" "bundled")) -}}
{{- end -}}

{{/* The variables of Postgres, by name. */}}
{{- define "odometer.postgresEnv" -}}
{{- $postgres := include "odometer.postgres" . | fromYaml -}}
PGHOST: {value: {{ $postgres.host | quote }}}
PGPORT: {value: {{ include "odometer.text" $postgres.port | quote }}}
PGDATABASE: {value: {{ $postgres.database | quote }}}
PGUSER: {value: {{ $postgres.username | quote }}}
PGSSLMODE: {value: {{ $postgres.sslMode | quote }}}
PGPASSWORD: {valueFrom: {secretKeyRef: {name: {{ $postgres.secret | quote }}, key: {{ $postgres.key | quote }}}}}
{{- end -}}

{{/* The variables of Redis, by name. The URL holds no credentials, so that a password may hold any character. */}}
{{- define "odometer.redisEnv" -}}
{{- $redis := include "odometer.redis" . | fromYaml -}}
REDIS_URL: {value: {{ printf "%s://%s:%s" (ternary "rediss" "redis" $redis.tls) $redis.host (include "odometer.text" $redis.port) | quote }}}
{{- with $redis.username }}
ODOMETER_REDIS_USERNAME: {value: {{ . | quote }}}
{{- end }}
{{- if $redis.secret }}
ODOMETER_REDIS_PASSWORD: {valueFrom: {secretKeyRef: {name: {{ $redis.secret | quote }}, key: {{ $redis.key | quote }}}}}
{{- end }}
{{- end -}}

{{/* The variables of the broker, by name. */}}
{{- define "odometer.mqttEnv" -}}
{{- $mqtt := include "odometer.mqtt" . | fromYaml -}}
MQTT_URL: {value: {{ $mqtt.url | quote }}}
{{- if and $mqtt.secret $mqtt.usernameKey }}
ODOMETER_MQTT_USERNAME: {valueFrom: {secretKeyRef: {name: {{ $mqtt.secret | quote }}, key: {{ $mqtt.usernameKey | quote }}}}}
{{- else if $mqtt.username }}
ODOMETER_MQTT_USERNAME: {value: {{ $mqtt.username | quote }}}
{{- end }}
{{- if and $mqtt.secret $mqtt.passwordKey }}
ODOMETER_MQTT_PASSWORD: {valueFrom: {secretKeyRef: {name: {{ $mqtt.secret | quote }}, key: {{ $mqtt.passwordKey | quote }}}}}
{{- end }}
{{- end -}}

{{/* What every process is given to trust our own authorities, by name. */}}
{{- define "odometer.trustEnv" -}}
{{- if or .Values.caBundle.existingConfigMap .Values.caBundle.existingSecret -}}
NODE_EXTRA_CA_CERTS: {value: /etc/odometer/ca/ca.crt}
{{- end -}}
{{- end -}}

{{/* The volume of our own authorities, as an item of `volumes`; nothing when there is none. */}}
{{- define "odometer.trustVolume" -}}
{{- if .Values.caBundle.existingConfigMap -}}
- name: ca-bundle
  configMap:
    name: {{ tpl .Values.caBundle.existingConfigMap . | quote }}
    items: [{key: {{ .Values.caBundle.key | quote }}, path: ca.crt}]
{{- else if .Values.caBundle.existingSecret -}}
- name: ca-bundle
  secret:
    secretName: {{ tpl .Values.caBundle.existingSecret . | quote }}
    items: [{key: {{ .Values.caBundle.key | quote }}, path: ca.crt}]
{{- end -}}
{{- end -}}

{{/* Where it is mounted, as an item of `volumeMounts`. */}}
{{- define "odometer.trustMount" -}}
{{- if or .Values.caBundle.existingConfigMap .Values.caBundle.existingSecret -}}
- name: ca-bundle
  mountPath: /etc/odometer/ca
  readOnly: true
{{- end -}}
{{- end -}}
