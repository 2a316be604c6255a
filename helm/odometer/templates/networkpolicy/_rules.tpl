{{/*
What the policies are missing: an empty list of peers would mean everybody, and a policy that allows everything is none.
*/}}
{{- define "odometer.networkProblems" -}}
{{- $policy := .Values.networkPolicy -}}
{{- if $policy.enabled -}}
{{- $components := include "odometer.components" . | fromYaml -}}
{{- $needed := dict -}}
{{- if not .Values.bundled.postgres.enabled -}}
{{- $_ := set $needed "postgresTo" "where Postgres is" -}}
{{- end -}}
{{- if not .Values.bundled.valkey.enabled -}}
{{- $_ := set $needed "redisTo" "where Redis is" -}}
{{- end -}}
{{- if and (hasKey $components "mqttCounter") (not .Values.bundled.mosquitto.enabled) -}}
{{- $_ := set $needed "mqttTo" "where the MQTT broker is" -}}
{{- end -}}
{{- if or .Values.ingress.enabled .Values.httpRoute.enabled -}}
{{- $_ := set $needed "ingressFrom" "where the Ingress controller or Gateway is, which brings the requests" -}}
{{- end -}}
{{- range $components -}}
{{- if and .portVariable (ne .service.type "ClusterIP") -}}
{{- $_ := set $needed "ingressFrom" (printf "who sends to components.%s, whose Service is a %s" .key .service.type) -}}
{{- end -}}
{{- end -}}
{{- if .Values.monitoring.podMonitor.enabled -}}
{{- $_ := set $needed "monitoringFrom" "where Prometheus is, which scrapes the admin ports" -}}
{{- end -}}
{{- range $components -}}
{{- if and .worker .autoscaling.keda.enabled $.Values.bundled.valkey.enabled -}}
{{- $_ := set $needed "kedaFrom" "where KEDA's operator is, which looks at the queues" -}}
{{- end -}}
{{- end -}}
{{- range $value, $what := $needed -}}
{{- if not (get $policy $value) }}
- networkPolicy.{{ $value }} is empty: say {{ $what }}, as peers of a NetworkPolicy, such as [{ipBlock: {cidr: 10.0.0.0/16}}].
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Peers out of the values, as a list. (dict "root" $ "value" "postgresTo") */}}
{{- define "odometer.networkPeers" -}}
{{- tpl (toYaml (get .root.Values.networkPolicy .value)) .root -}}
{{- end -}}

{{/* The pods of one of our components, as a list of peers. (dict "root" $ "component" "postgres") */}}
{{- define "odometer.componentPeer" -}}
- podSelector:
    matchLabels:
      {{- include "odometer.selectorLabels" . | nindent 6 }}
{{- end -}}

{{/* All pods of the release, as a list of peers. */}}
{{- define "odometer.releasePeer" -}}
- podSelector:
    matchLabels:
      {{- $labels := include "odometer.selectorLabels" (dict "root" . "component" "any") | fromYaml }}
      {{- toYaml (omit $labels "app.kubernetes.io/component") | nindent 6 }}
{{- end -}}

{{/* One rule. (dict "direction" "to" "peers" text "ports" list of numbers) */}}
{{- define "odometer.networkRule" -}}
- {{ .direction }}:
    {{- .peers | nindent 4 }}
  ports:
    {{- range .ports }}
    - protocol: TCP
      port: {{ . }}
    {{- end }}
{{- end -}}

{{/* Metadata and the pods it is for. (dict "root" $ "suffix" "ingest-api") */}}
{{- define "odometer.networkPolicyHead" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "odometer.metadata" (dict "root" .root "suffix" .suffix) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "odometer.selectorLabels" (dict "root" .root "component" .suffix) | nindent 6 }}
  policyTypes: [Ingress, Egress]
{{- end -}}

{{- define "odometer.dnsEgress" -}}
- to:
    {{- with .Values.networkPolicy.dnsTo }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- else }}
    # Anywhere, but port 53 only: cluster DNS may be pods, or an address of the node.
    - namespaceSelector: {}
    - ipBlock: {cidr: 0.0.0.0/0}
    - ipBlock: {cidr: "::/0"}
    {{- end }}
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- end -}}

{{- define "odometer.postgresEgress" -}}
{{- if .Values.bundled.postgres.enabled -}}
{{- include "odometer.networkRule" (dict "direction" "to" "peers" (include "odometer.componentPeer" (dict "root" . "component" "postgres")) "ports" (list 5432)) -}}
{{- else -}}
{{- include "odometer.networkRule" (dict "direction" "to" "peers" (include "odometer.networkPeers" (dict "root" . "value" "postgresTo")) "ports" (list (int .Values.postgres.port))) -}}
{{- end -}}
{{- end -}}

{{- define "odometer.redisEgress" -}}
{{- if .Values.bundled.valkey.enabled -}}
{{- include "odometer.networkRule" (dict "direction" "to" "peers" (include "odometer.componentPeer" (dict "root" . "component" "valkey")) "ports" (list 6379)) -}}
{{- else -}}
{{- include "odometer.networkRule" (dict "direction" "to" "peers" (include "odometer.networkPeers" (dict "root" . "value" "redisTo")) "ports" (list (int .Values.redis.port))) -}}
{{- end -}}
{{- end -}}

{{- define "odometer.mqttEgress" -}}
{{- if .Values.bundled.mosquitto.enabled -}}
{{- include "odometer.networkRule" (dict "direction" "to" "peers" (include "odometer.componentPeer" (dict "root" . "component" "mosquitto")) "ports" (list 1883)) -}}
{{- else -}}
{{- $url := urlParse (tpl .Values.mqtt.url .) -}}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (ternary "8883" "1883" (eq $url.scheme "mqtts")) -}}
{{- include "odometer.networkRule" (dict "direction" "to" "peers" (include "odometer.networkPeers" (dict "root" . "value" "mqttTo")) "ports" (list (int $port))) -}}
{{- end -}}
{{- end -}}

{{/* AWS, stores, registries: their addresses change, so by default everywhere, but never the nodes' metadata service. */}}
{{- define "odometer.httpsEgress" -}}
{{- $ports := list -}}
{{- range .Values.networkPolicy.httpsPorts -}}
{{- $ports = append $ports (int .) -}}
{{- end -}}
{{- with .Values.aws.endpointUrl -}}
{{- $url := urlParse . -}}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (ternary "443" "80" (eq $url.scheme "https")) -}}
{{- $ports = append $ports (int $port) | uniq -}}
{{- end -}}
{{- $everywhere := "- ipBlock: {cidr: 0.0.0.0/0, except: [169.254.0.0/16]}\n- ipBlock: {cidr: \"::/0\", except: [\"fd00:ec2::/32\", \"fe80::/10\"]}" -}}
{{- $peers := .Values.networkPolicy.httpsTo | empty | ternary $everywhere (tpl (toYaml .Values.networkPolicy.httpsTo) .) -}}
{{- include "odometer.networkRule" (dict "direction" "to" "peers" $peers "ports" $ports) -}}
{{- if .Values.networkPolicy.eksPodIdentity }}
# EKS Pod Identity's agent, on the node. Cilium knows it as an entity (toEntities: [host]), not as an address.
{{ include "odometer.networkRule" (dict "direction" "to" "peers" "- ipBlock: {cidr: 169.254.170.23/32}\n- ipBlock: {cidr: \"fd00:ec2::23/128\"}" "ports" (list 80)) }}
{{- end -}}
{{- end -}}

{{/* Who may reach a component's pods, as a list of rules. (dict "root" $ "component" what odometer.component gives) */}}
{{- define "odometer.componentIngress" -}}
{{- $root := .root -}}
{{- $policy := $root.Values.networkPolicy -}}
{{- $rules := list -}}
{{- with $policy.monitoringFrom -}}
{{- $rules = append $rules (include "odometer.networkRule" (dict "direction" "from" "peers" (tpl (toYaml .) $root) "ports" (list "admin"))) -}}
{{- end -}}
{{- if .component.portVariable -}}
{{- with $policy.ingressFrom -}}
{{- $rules = append $rules (include "odometer.networkRule" (dict "direction" "from" "peers" (tpl (toYaml .) $root) "ports" (list "http"))) -}}
{{- end -}}
{{- if and (include "odometer.hasSmokeTest" $root) (has .component.key (list "ingestApi" "statsApi")) -}}
{{- $smoke := include "odometer.componentPeer" (dict "root" $root "component" "smoke") -}}
{{- $rules = append $rules (include "odometer.networkRule" (dict "direction" "from" "peers" $smoke "ports" (list "http"))) -}}
{{- end -}}
{{- end -}}
{{- with concat $policy.extraIngress .component.networkPolicy.extraIngress -}}
{{- $rules = append $rules (tpl (toYaml .) $root) -}}
{{- end -}}
{{- join "\n" $rules -}}
{{- end -}}
