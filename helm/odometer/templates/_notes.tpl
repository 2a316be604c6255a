{{/* What an operator should know about these values before production; nothing when there is nothing. */}}
{{- define "odometer.warnings" -}}
{{- $bundled := .Values.bundled -}}
{{- $stores := list -}}
{{- range $name := list "postgres" "valkey" "mosquitto" -}}
{{- if get (get $bundled $name) "enabled" -}}
{{- $stores = append $stores $name -}}
{{- end -}}
{{- end -}}
{{- if not (or .Values.components.countingWorker.enabled .Values.components.measuringWorker.enabled .Values.components.posthocWorker.enabled) }}
- No worker is enabled: what is taken in waits in Redis until the workers of another release at the same Redis and Postgres count it.
{{- end -}}
{{- with $stores }}
- The bundled {{ join ", " . }}: one pod each, no backup, for trying things out. Take your own.
{{- end -}}
{{- if and (not $bundled.postgres.enabled) (has .Values.postgres.sslMode (list "disable" "no-verify")) }}
- postgres.sslMode={{ .Values.postgres.sslMode }}: whoever is between can read and change what is counted.
{{- end -}}
{{- if not $bundled.valkey.enabled -}}
{{- if not .Values.redis.tls }}
- redis.tls=false: whoever is between can read and change what is not yet counted.
{{- end -}}
{{- if not .Values.redis.existingSecret }}
- redis.existingSecret is empty: whoever reaches Redis can change what is not yet counted.
{{- end -}}
{{- end -}}
{{- if eq .Values.redis.durability "volatile" }}
- redis.durability=volatile: acknowledged usage is lost with Redis.
{{- end -}}
{{- if and .Values.components.mqttCounter.enabled (not $bundled.mosquitto.enabled) -}}
{{- if hasPrefix "mqtt://" (tpl .Values.mqtt.url .) }}
- mqtt.url is without TLS: whoever is between can read the password, and add messages.
{{- end -}}
{{- if and (not .Values.mqtt.existingSecret) (not .Values.mqtt.clientCertificate.existingSecret) }}
- The counter has no credentials at the broker: one that lets anybody in counts what anybody sends.
{{- end -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.tls) }}
- ingress.tls is empty: API keys go over the network as text, unless the controller ends TLS by itself.
{{- end -}}
{{- if not .Values.networkPolicy.enabled }}
- networkPolicy.enabled=false: every pod of the cluster reaches the admin ports.
{{- else if not .Values.networkPolicy.ingressFrom -}}
{{- $closed := list -}}
{{- range $key, $component := include "odometer.components" . | fromYaml -}}
{{- if and $component.portVariable (not (concat $.Values.networkPolicy.extraIngress $component.networkPolicy.extraIngress)) -}}
{{- $closed = append $closed $component.suffix -}}
{{- end -}}
{{- end -}}
{{- with $closed }}
- networkPolicy.ingressFrom is empty: nothing in the cluster but `helm test` reaches {{ join ", " . }}. Say there who sends and who asks.
{{- end -}}
{{- end -}}
{{- if not .Values.monitoring.prometheusRule.enabled }}
- monitoring.prometheusRule.enabled=false: nobody is told when counting stops.
{{- end -}}
{{- end -}}
