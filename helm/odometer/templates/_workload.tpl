{{/*
The pod template of a component: the only one there is for all of them.
(dict "root" $ "component" what odometer.component gives)
*/}}
{{- define "odometer.podTemplate" -}}
{{- $root := .root -}}
{{- $component := .component -}}
metadata:
  {{- include "odometer.podMetadata" . | nindent 2 }}
spec:
  {{- include "odometer.podSpec" . | nindent 2 }}
  terminationGracePeriodSeconds: {{ int $component.terminationGracePeriodSeconds }}
  initContainers:
    {{- include "odometer.schemaContainer" . | nindent 4 }}
    {{- with $component.initContainers }}
    {{- tpl (toYaml .) $root | nindent 4 }}
    {{- end }}
  containers:
    - name: {{ $component.suffix }}
      {{- include "odometer.containerBasics" . | nindent 6 }}
      {{- with $component.command }}
      command:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      args:
        {{- toYaml ($component.args | default (list (printf "/app/%s.mjs" $component.program))) | nindent 8 }}
      env:
        {{- include "odometer.env" . | nindent 8 }}
      {{- with $component.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        {{- if $component.portVariable }}
        - name: http
          containerPort: {{ int $component.port }}
          protocol: TCP
        {{- end }}
        - name: admin
          containerPort: {{ include "odometer.adminPort" . }}
          protocol: TCP
      {{- with include "odometer.probes" $component }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- with $component.lifecycle }}
      lifecycle:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml $component.resources | nindent 8 }}
      volumeMounts:
        {{- include "odometer.mounts" $root | nindent 8 }}
        {{- if and $component.mqtt $root.Values.mqtt.clientCertificate.existingSecret }}
        - name: mqtt-client-certificate
          mountPath: /etc/odometer/mqtt
          readOnly: true
        {{- end }}
        {{- if include "odometer.logsVolume" $component }}
        - name: logs
          mountPath: {{ include "odometer.logsPath" . }}
          readOnly: true
          {{- with $component.logs.subPath }}
          subPath: {{ . | quote }}
          {{- end }}
        {{- end }}
        {{- with $component.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- with $component.sidecars }}
    {{- tpl (toYaml .) $root | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "odometer.volumes" . | nindent 4 }}
    {{- if and $component.mqtt $root.Values.mqtt.clientCertificate.existingSecret }}
    - name: mqtt-client-certificate
      secret:
        secretName: {{ tpl $root.Values.mqtt.clientCertificate.existingSecret $root | quote }}
        items:
          - {key: {{ $root.Values.mqtt.clientCertificate.certificateKey | quote }}, path: tls.crt}
          - {key: {{ $root.Values.mqtt.clientCertificate.keyKey | quote }}, path: tls.key}
    {{- end }}
    {{- with include "odometer.logsVolume" $component }}
    - name: logs
      {{- tpl . $root | nindent 6 }}
    {{- end }}
    {{- with $component.extraVolumes }}
    {{- tpl (toYaml .) $root | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* Where a worker has the logs that post-hoc metrics read. */}}
{{- define "odometer.logsPath" -}}/var/log/odometer{{- end -}}

{{/* The volume with them, without its name; nothing where there is none. */}}
{{- define "odometer.logsVolume" -}}
{{- with .logs -}}
{{- if .existingClaim -}}
persistentVolumeClaim: {claimName: {{ .existingClaim | quote }}, readOnly: true}
{{- else if .volume -}}
{{- toYaml .volume -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Seconds until a Deployment that does not get on counts as failed: pods wait for the migration, however long it may take. (dict "root" $ "component" …) */}}
{{- define "odometer.progressDeadline" -}}
{{- kindIs "invalid" .component.progressDeadlineSeconds | ternary (add (int .root.Values.migrations.activeDeadlineSeconds) 600) .component.progressDeadlineSeconds | int -}}
{{- end -}}

{{/* Labels and annotations of a pod. (dict "root" $ "component" …) */}}
{{- define "odometer.podMetadata" -}}
labels:
  {{- include "odometer.podLabels" (dict "root" .root "component" .component.suffix "labels" .component.podLabels) | nindent 2 }}
{{- with include "odometer.annotations" (dict "root" .root "annotations" .component.podAnnotations) }}
{{ . }}
{{- end }}
{{- end -}}

{{/* What every pod has, whatever it runs: identity, security, placement. (dict "root" $ "component" …) */}}
{{- define "odometer.podSpec" -}}
{{- $root := .root -}}
{{- $component := .component -}}
serviceAccountName: {{ include "odometer.serviceAccountName" (dict "root" $root "suffix" $component.suffix "serviceAccount" $component.serviceAccount) | quote }}
automountServiceAccountToken: {{ $component.serviceAccount.automountServiceAccountToken }}
{{- /* A Service called odometer-… would otherwise put ODOMETER_…_PORT=tcp://… into every container. */}}
enableServiceLinks: false
{{- with include "odometer.imagePullSecrets" $root }}
{{ . }}
{{- end }}
securityContext:
  {{- include "odometer.withoutNulls" $component.podSecurityContext | nindent 2 }}
{{- range $field := list "nodeSelector" "tolerations" "affinity" "dnsConfig" "hostAliases" }}
{{- with get $component $field }}
{{ $field }}:
  {{- tpl (toYaml .) $root | nindent 2 }}
{{- end }}
{{- end }}
{{- range $field := list "priorityClassName" "runtimeClassName" "schedulerName" "dnsPolicy" }}
{{- with get $component $field }}
{{ $field }}: {{ . | quote }}
{{- end }}
{{- end }}
{{- with include "odometer.topologySpread" . }}
topologySpreadConstraints:
  {{- . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Image and security of a container of ours. (dict "root" $ "component" …) */}}
{{- define "odometer.containerBasics" -}}
{{- $image := deepCopy .root.Values.image -}}
{{- include "odometer.overlay" (list $image .component.image) -}}
image: {{ include "odometer.image" (dict "root" .root "image" $image) | quote }}
imagePullPolicy: {{ $image.pullPolicy }}
securityContext:
  {{- include "odometer.withoutNulls" .component.securityContext | nindent 2 }}
{{- end -}}

{{/* Volumes that every pod of ours has. (dict "root" $ "component" …) */}}
{{- define "odometer.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: {{ .component.tmpSizeLimit | quote }}
{{- with include "odometer.trustVolume" .root }}
{{ . }}
{{- end }}
{{- end -}}

{{- define "odometer.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- with include "odometer.trustMount" . }}
{{ . }}
{{- end }}
{{- end -}}

{{/*
The init container that keeps a pod from starting on a schema that is not its own; with the strategy `initContainer` it
migrates, one pod at a time, because a migration holds a lock. (dict "root" $ "component" …)
*/}}
{{- define "odometer.schemaContainer" -}}
{{- $migrations := .root.Values.migrations -}}
{{- if eq $migrations.strategy "initContainer" -}}
- name: migrate
{{- else -}}
- name: wait-for-schema
{{- end }}
  {{- include "odometer.containerBasics" . | nindent 2 }}
  args:
    - /app/odometer.mjs
    - migrate
    {{- if eq $migrations.strategy "initContainer" }}
    - --wait={{ int $migrations.waitSeconds }}
    {{- else }}
    - --check
    - --wait={{ int $migrations.schemaWaitSeconds }}
    {{- end }}
  {{- include "odometer.cliContainer" (dict "root" .root "env" (list "odometer.postgresEnv" "odometer.trustEnv")) | nindent 2 }}
{{- end -}}

{{/* The rest of a container that runs the odometer command. (dict "root" $ "env" names of what gives it) */}}
{{- define "odometer.cliContainer" -}}
env:
  {{- include "odometer.cliEnv" (set . "own" .root.Values.migrations) | nindent 2 }}
resources:
  {{- toYaml .root.Values.migrations.resources | nindent 2 }}
volumeMounts:
  {{- include "odometer.mounts" .root | nindent 2 }}
{{- end -}}

{{/* The probes, all on the admin port. */}}
{{- define "odometer.probes" -}}
{{- $probes := .probes -}}
{{- range $name, $path := dict "startup" "/livez" "liveness" "/livez" "readiness" "/readyz" -}}
{{- $probe := get $probes $name -}}
{{- if $probe.enabled -}}
{{ $name }}Probe:
  httpGet:
    path: {{ $path }}
    port: admin
  {{- toYaml (omit $probe "enabled") | nindent 2 }}
{{ end -}}
{{- end -}}
{{- end -}}

{{/*
Where pods are spread to. Soft by default: a cluster of one node must be able to run all. (dict "root" $ "component" …)
*/}}
{{- define "odometer.topologySpread" -}}
{{- $selector := include "odometer.selectorLabels" (dict "root" .root "component" .component.suffix) | fromYaml -}}
{{- $constraints := .component.topologySpreadConstraints -}}
{{- if kindIs "invalid" $constraints -}}
{{- $constraints = list -}}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" -}}
{{- $constraints = append $constraints (dict "maxSkew" 1 "topologyKey" $key "whenUnsatisfiable" "ScheduleAnyway") -}}
{{- end -}}
{{- end -}}
{{- range $index, $constraint := $constraints -}}
{{- if $index }}{{ "\n" }}{{ end -}}
{{- $selected := $constraint.labelSelector | default (dict "matchLabels" $selector) -}}
{{- toYaml (list (merge (dict "labelSelector" $selected) $constraint)) -}}
{{- end -}}
{{- end -}}
