{{/*
What the bundled stores have in common: for trying things out, one replica each, on the official images, fit for the
restricted pod security standard. `store` is the values key and the component label.
*/}}

{{/* Labels of its pods, without a version: that is Odometer's, and a new one is no reason to stop a database. */}}
{{- define "odometer.bundledPodLabels" -}}
{{- $own := include "odometer.selectorLabels" (dict "root" .root "component" .store) | fromYaml -}}
{{- $_ := set $own "app.kubernetes.io/part-of" "odometer" -}}
{{- toYaml (merge $own .root.Values.commonLabels) -}}
{{- end -}}

{{/* The pod's fields besides its containers and volumes. (dict "root" $ "user" 999) */}}
{{- define "odometer.bundledPod" -}}
{{- $defaults := .root.Values.defaults -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with include "odometer.imagePullSecrets" .root }}
{{ . }}
{{- end }}
{{- with $defaults.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $defaults.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- $security := dict "runAsNonRoot" true "runAsUser" .user "runAsGroup" .user "fsGroup" .user "fsGroupChangePolicy" "OnRootMismatch" "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- range $field, $value := .root.Values.bundled.podSecurityContext -}}
{{- if kindIs "invalid" $value -}}
{{- $_ := unset $security $field -}}
{{- else -}}
{{- $_ := set $security $field $value -}}
{{- end -}}
{{- end }}
securityContext:
  {{- toYaml $security | nindent 2 }}
{{- end -}}

{{- define "odometer.bundledSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Name, image and security of a container. (dict "root" $ "store" "postgres" "name" … ) */}}
{{- define "odometer.bundledContainer" -}}
{{- $image := (get .root.Values.bundled .store).image -}}
name: {{ .name | default .store }}
image: {{ include "odometer.image" (dict "root" .root "image" $image) | quote }}
imagePullPolicy: {{ $image.pullPolicy }}
securityContext:
  {{- include "odometer.bundledSecurityContext" . | nindent 2 }}
{{- end -}}

{{/* One of the generated passwords as a variable. (dict "root" $ "name" "PGPASSWORD" "key" "postgres-password") */}}
{{- define "odometer.bundledPassword" -}}
name: {{ .name }}
valueFrom:
  secretKeyRef:
    name: {{ include "odometer.bundledSecret" .root }}
    key: {{ .key }}
{{- end -}}

{{/* The claim of its volume, which outlives the release: nothing here ever deletes data. (dict "root" $ "store" "postgres") */}}
{{- define "odometer.bundledClaims" -}}
{{- $persistence := (get .root.Values.bundled .store).persistence -}}
persistentVolumeClaimRetentionPolicy:
  whenDeleted: Retain
  whenScaled: Retain
volumeClaimTemplates:
  - metadata:
      name: data
      labels:
        {{- include "odometer.selectorLabels" (dict "root" .root "component" .store) | nindent 8 }}
    spec:
      accessModes: [ReadWriteOnce]
      {{- with $persistence.storageClass }}
      storageClassName: {{ . | quote }}
      {{- end }}
      resources:
        requests:
          storage: {{ $persistence.size | quote }}
{{- end -}}

{{/* Its Service, which is the governing one, too: there is one pod. (dict "root" $ "store" "postgres" "port" 5432) */}}
{{- define "odometer.bundledService" -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "odometer.metadata" (dict "root" .root "suffix" .store) | nindent 2 }}
spec:
  type: ClusterIP
  selector:
    {{- include "odometer.selectorLabels" (dict "root" .root "component" .store) | nindent 4 }}
  ports:
    - name: {{ .store }}
      port: {{ .port }}
      targetPort: {{ .store }}
      protocol: TCP
      appProtocol: {{ .protocol }}
{{- end -}}
