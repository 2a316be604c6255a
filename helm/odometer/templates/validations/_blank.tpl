{{/*
Keys without a value. Helm takes null for a wish to have no such key at all, and there is nothing that templates could do
without it. files/required-values.txt follows from values.yaml, parents before what is in them.
*/}}
{{- define "odometer.blankProblems" -}}
{{- $values := .Values -}}
{{- range $path := .Files.Lines "files/required-values.txt" -}}
{{- $parent := $values -}}
{{- $keys := splitList "." $path -}}
{{- range initial $keys -}}
{{- $parent = kindIs "map" $parent | ternary (index (kindIs "map" $parent | ternary $parent dict) .) "" -}}
{{- end -}}
{{- if and $path (kindIs "map" $parent) -}}
{{- if kindIs "invalid" (index $parent (last $keys)) }}
- {{ $path }} is blank: write a value behind it, or take the line away to have the default.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
