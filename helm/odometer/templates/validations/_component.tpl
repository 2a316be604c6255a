{{/* Kubernetes takes no request above its limit. (dict "name" "components.ingestApi" "own" map with resources) */}}
{{- define "odometer.resourceProblems" -}}
{{- $name := .name -}}
{{- $limits := dig "limits" dict (.own.resources | default dict) | default dict -}}
{{- range $resource, $request := dig "requests" dict (.own.resources | default dict) | default dict -}}
{{- $wanted := include "odometer.quantity" $request -}}
{{- $limit := include "odometer.quantity" (get $limits $resource) -}}
{{- if and $wanted $limit (gt (float64 $wanted) (float64 $limit)) }}
- {{ $name }}.resources asks for {{ include "odometer.text" $request }} of {{ $resource }} and may take {{ include "odometer.text" (get $limits $resource) }} only: lower the request, or raise the limit.
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "odometer.componentProblems" -}}
{{- $component := .component -}}
{{- $name := printf "components.%s" $component.key -}}
{{- include "odometer.resourceProblems" (dict "name" $name "own" $component) -}}
{{- $types := list "RollingUpdate" (ternary "OnDelete" "Recreate" (eq $component.kind "StatefulSet")) -}}
{{- $type := $component.strategy.type | default "RollingUpdate" -}}
{{- if not (has $type $types) }}
- {{ $name }}.strategy.type is {{ $type }}: a {{ $component.kind }} takes {{ join " or " $types }}.
{{- else if and (ne $type "RollingUpdate") $component.strategy.rollingUpdate }}
- {{ $name }}.strategy.rollingUpdate is for the type RollingUpdate only, and it is {{ $type }}: take one of them away.
{{- end -}}
{{- if eq $component.kind "Deployment" -}}
{{- $deadline := include "odometer.progressDeadline" . | int -}}
{{- if ge (int $component.minReadySeconds) $deadline }}
- {{ $name }}.minReadySeconds is {{ int $component.minReadySeconds }}, and a rollout counts as failed after {{ $deadline }} s: lower it, or raise progressDeadlineSeconds.
{{- end -}}
{{- end -}}
{{- $autoscaling := $component.autoscaling -}}
{{- $fewest := int (ternary $autoscaling.minReplicas $component.replicas $component.autoscaled) -}}
{{- if and $autoscaling.hpa.enabled $autoscaling.keda.enabled }}
- {{ $name }}.autoscaling has both hpa.enabled and keda.enabled, which would work against each other: keep one of them.
{{- end -}}
{{- if and $component.autoscaled $component.fixedReplicas }}
- {{ $name }}.autoscaling cannot be enabled: {{ eq $component.key "scheduler" | ternary "there is one scheduler" "each pod has a filter of its own, so give more filters and as many replicas" }}.
{{- end -}}
{{- if $component.autoscaled -}}
{{- if lt (int $autoscaling.minReplicas) 1 }}
- {{ $name }}.autoscaling.minReplicas is {{ int $autoscaling.minReplicas }}: it should be at least 1.
{{- end -}}
{{- if lt (int $autoscaling.maxReplicas) (int $autoscaling.minReplicas) }}
- {{ $name }}.autoscaling.maxReplicas is {{ int $autoscaling.maxReplicas }}, which is less than minReplicas ({{ int $autoscaling.minReplicas }}): raise it.
{{- end -}}
{{- end -}}
{{- if and $autoscaling.hpa.enabled (not $autoscaling.hpa.targetCPUUtilizationPercentage) (not $autoscaling.hpa.targetMemoryUtilizationPercentage) (not $autoscaling.hpa.metrics) }}
- {{ $name }}.autoscaling.hpa has nothing to go by: set targetCPUUtilizationPercentage, targetMemoryUtilizationPercentage or metrics.
{{- end -}}
{{- if and $autoscaling.keda.enabled (not $component.worker) (not $autoscaling.keda.triggers) }}
- {{ $name }}.autoscaling.keda.triggers is empty, and the component takes no jobs: list a trigger, or use hpa.
{{- end -}}
{{- $pdb := $component.pdb -}}
{{- if $pdb.enabled -}}
{{- if and (not (kindIs "invalid" $pdb.minAvailable)) (not (kindIs "invalid" $pdb.maxUnavailable)) }}
- {{ $name }}.pdb has both minAvailable and maxUnavailable: Kubernetes takes one of them.
{{- else if not (kindIs "invalid" $pdb.minAvailable) -}}
{{- $text := include "odometer.text" $pdb.minAvailable -}}
{{- /* Kubernetes rounds a percentage up. */ -}}
{{- $stay := hasSuffix "%" $text | ternary (trimSuffix "%" $text | float64 | mulf $fewest 0.01 | ceil | int) (int $text) -}}
{{- if and (ge $stay $fewest) (gt $fewest 0) }}
- {{ $name }}.pdb.minAvailable is {{ $text }} of {{ $fewest }} pod(s), so that no node they are on can be drained: lower it, or use maxUnavailable.
{{- end -}}
{{- else if has (include "odometer.text" $pdb.maxUnavailable) (list "0" "0%") }}
- {{ $name }}.pdb.maxUnavailable is {{ include "odometer.text" $pdb.maxUnavailable }}, so that no node they are on can be drained: it should be at least 1.
{{- end -}}
{{- end -}}
{{- if le (sub (int $component.terminationGracePeriodSeconds) 5) (int $component.shutdownDelaySeconds) }}
- {{ $name }}.terminationGracePeriodSeconds is {{ int $component.terminationGracePeriodSeconds }}, which leaves no time to end after the delay of {{ int $component.shutdownDelaySeconds }} s and the last 5 s: raise it.
{{- end -}}
{{- if and (not $component.serviceAccount.create) (not $component.serviceAccount.name) }}
- {{ $name }}.serviceAccount.create is false: name the ServiceAccount to use in {{ $name }}.serviceAccount.name (`default` for the namespace's own).
{{- end -}}
{{- end -}}
