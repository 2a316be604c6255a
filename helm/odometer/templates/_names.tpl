{{/*
What every name begins with: at most 39 characters, so that <fullname>-mqtt-counter-<ten of a revision's hash>, the longest
label made of it, fits into 63. A longer one is cut and gets a hash, or two releases with long names would share theirs.
*/}}
{{- define "odometer.fullname" -}}
{{- $chart := default .Chart.Name .Values.nameOverride -}}
{{- $name := .Values.fullnameOverride -}}
{{- if not $name -}}
{{- $name = ternary .Release.Name (printf "%s-%s" .Release.Name $chart) (contains $chart .Release.Name) -}}
{{- end -}}
{{- if gt (len $name) 39 -}}
{{- $name = printf "%s-%s" (trunc 30 $name | trimSuffix "-") (sha256sum $name | trunc 8) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* The name of a component's objects. (dict "root" $ "suffix" "ingest-api") */}}
{{- define "odometer.componentName" -}}
{{- printf "%s-%s" (include "odometer.fullname" .root) .suffix -}}
{{- end -}}

{{/* The ServiceAccount of a component. (dict "root" $ "suffix" "ingest-api" "serviceAccount" map) */}}
{{- define "odometer.serviceAccountName" -}}
{{- .serviceAccount.name | default (include "odometer.componentName" (dict "root" .root "suffix" .suffix)) -}}
{{- end -}}

{{/*
The reference of an image; a digest wins over a tag. (dict "root" $ "image" map)
Without a tag it is the version this chart was made for.
*/}}
{{- define "odometer.image" -}}
{{- $image := .image | default .root.Values.image -}}
{{- $registry := .root.Values.global.imageRegistry | default $image.registry -}}
{{- with $registry }}{{ . }}/{{ end -}}
{{- $image.repository -}}
{{- if $image.digest -}}
@{{ $image.digest }}
{{- else -}}
:{{ $image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* Names of pull secrets, each once. */}}
{{- define "odometer.imagePullSecrets" -}}
{{- $names := list -}}
{{- range concat .Values.global.imagePullSecrets .Values.imagePullSecrets -}}
{{- $names = append $names (kindIs "map" . | ternary (get (kindIs "map" . | ternary . dict) "name") .) -}}
{{- end -}}
{{- with uniq $names -}}
imagePullSecrets:
{{- range . }}
  - name: {{ . | quote }}
{{- end }}
{{- end -}}
{{- end -}}
