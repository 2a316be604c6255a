{{/* Whether anything is declared. */}}
{{- define "odometer.declares" -}}
{{- if or .Values.declarations.files .Values.declarations.existingConfigMap }}true{{ end -}}
{{- end -}}

{{/* Whether there is a Job: to migrate, or only to apply what is declared. */}}
{{- define "odometer.hasMigrationJob" -}}
{{- if or (has .Values.migrations.strategy (list "job" "hook")) (include "odometer.declares" .) }}true{{ end -}}
{{- end -}}

{{/* Suffix of what belongs to the Job: of a hook another one, or a change of strategy would meet objects that are not its own. */}}
{{- define "odometer.migrationSuffix" -}}
{{- ternary "migrate-hook" "migrate" (eq .Values.migrations.strategy "hook") -}}
{{- end -}}

{{- define "odometer.declarationsSuffix" -}}
{{- ternary "declarations-hook" "declarations" (eq .Values.migrations.strategy "hook") -}}
{{- end -}}

{{/* What makes an object part of the hook; nothing with any other strategy. (dict "root" $ "weight" -10) */}}
{{- define "odometer.hookAnnotations" -}}
{{- if eq .root.Values.migrations.strategy "hook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation
{{- end -}}
{{- end -}}

{{/* The Job's pod as if it were a component's, so that it gets the same security, identity and placement. */}}
{{- define "odometer.migrationComponent" -}}
{{- $component := deepCopy .Values.defaults -}}
{{- $own := pick .Values.migrations "serviceAccount" "podAnnotations" "podLabels" "nodeSelector" "tolerations" "affinity" "priorityClassName" -}}
{{- include "odometer.overlay" (list $component $own) -}}
{{- include "odometer.overlay" (list $component (dict "suffix" "migrate" "topologySpreadConstraints" list)) -}}
{{- $account := include "odometer.serviceAccountName" (dict "root" . "suffix" (include "odometer.migrationSuffix" .) "serviceAccount" .Values.migrations.serviceAccount) -}}
{{- $_ := set $component.serviceAccount "name" $account -}}
{{- toYaml $component -}}
{{- end -}}

{{/* The spec of the Job. Migrating comes before applying, and there is no shell to say so: it is an init container then. */}}
{{- define "odometer.migrationJobSpec" -}}
{{- $migrations := .Values.migrations -}}
{{- $context := dict "root" . "component" (include "odometer.migrationComponent" . | fromYaml) -}}
backoffLimit: {{ int $migrations.backoffLimit }}
activeDeadlineSeconds: {{ int $migrations.activeDeadlineSeconds }}
{{- if not (kindIs "invalid" $migrations.ttlSecondsAfterFinished) }}
ttlSecondsAfterFinished: {{ int $migrations.ttlSecondsAfterFinished }}
{{- end }}
template:
  metadata:
    {{- include "odometer.podMetadata" $context | nindent 4 }}
  spec:
    {{- include "odometer.podSpec" $context | nindent 4 }}
    # A failed pod stays, and its log with it.
    restartPolicy: Never
    {{- if include "odometer.declares" . }}
    initContainers:
      {{- include (ternary "odometer.migrateContainer" "odometer.schemaContainer" (has $migrations.strategy (list "job" "hook"))) $context | nindent 6 }}
    containers:
      {{- include "odometer.applyContainer" $context | nindent 6 }}
    {{- else }}
    containers:
      {{- include "odometer.migrateContainer" $context | nindent 6 }}
    {{- end }}
    volumes:
      {{- include "odometer.volumes" $context | nindent 6 }}
      {{- if include "odometer.declares" . }}
      - name: declarations
        projected:
          sources:
            {{- if .Values.declarations.files }}
            - configMap:
                name: {{ include "odometer.componentName" (dict "root" . "suffix" (include "odometer.declarationsSuffix" .)) }}
            {{- end }}
            {{- with .Values.declarations.existingConfigMap }}
            - configMap:
                name: {{ tpl . $ | quote }}
            {{- end }}
      {{- end }}
{{- end -}}

{{- define "odometer.migrateContainer" -}}
- name: migrate
  {{- include "odometer.containerBasics" . | nindent 2 }}
  args:
    - /app/odometer.mjs
    - migrate
    - --wait={{ int .root.Values.migrations.waitSeconds }}
  {{- include "odometer.cliContainer" (dict "root" .root "env" (list "odometer.postgresEnv" "odometer.trustEnv")) | nindent 2 }}
{{- end -}}

{{- define "odometer.applyContainer" -}}
- name: apply
  {{- include "odometer.containerBasics" . | nindent 2 }}
  args:
    - /app/odometer.mjs
    - apply
    - --filename=/etc/odometer/declarations
  {{- include "odometer.cliContainer" (dict "root" .root "env" (list "odometer.postgresEnv" "odometer.redisEnv" "odometer.trustEnv")) | nindent 2 }}
    - name: declarations
      mountPath: /etc/odometer/declarations
      readOnly: true
{{- end -}}
