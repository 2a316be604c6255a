{{/*
All that is wrong with the values and that a schema cannot see, one sentence each: what it is and what to do. Together, so
that nobody mends an installation one attempt at a time. Nothing when all is well.
*/}}
{{- define "odometer.problems" -}}
{{- include "odometer.nameProblems" . -}}
{{- include "odometer.storeProblems" . -}}
{{- include "odometer.migrationProblems" . -}}
{{- include "odometer.routeProblems" . -}}
{{- include "odometer.networkProblems" . -}}
{{- $components := include "odometer.components" . | fromYaml -}}
{{- range $key, $component := $components -}}
{{- include "odometer.componentProblems" (dict "root" $ "component" $component) -}}
{{- include "odometer.ownEnvProblems" (dict "name" (printf "components.%s" $key) "own" $component) -}}
{{- end -}}
{{- include "odometer.ownEnvProblems" (dict "name" "migrations" "own" .Values.migrations) -}}
{{- include "odometer.resourceProblems" (dict "name" "migrations" "own" .Values.migrations) -}}
{{- include "odometer.resourceProblems" (dict "name" "tests" "own" .Values.tests) -}}
{{- range $store := list "postgres" "valkey" "mosquitto" -}}
{{- include "odometer.resourceProblems" (dict "name" (printf "bundled.%s" $store) "own" (get $.Values.bundled $store)) -}}
{{- end -}}
{{- include "odometer.accountProblems" (dict "root" . "components" $components) -}}
{{- include "odometer.monitoringProblems" . -}}
{{- include "odometer.counterProblems" (dict "root" . "components" $components) -}}
{{- include "odometer.workerProblems" $components -}}
{{- end -}}

{{- define "odometer.nameProblems" -}}
{{- $name := include "odometer.fullname" . -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) }}
- Objects would be called {{ $name }}-…, which is no name of a Service: it should begin with a small letter and hold small letters, digits and dashes only. Set fullnameOverride.
{{- end -}}
{{- end -}}

{{/* Variables that only some of the containers would get, or that take a port away from what asks it. (dict "name" "components.ingestApi" "own" map with env and extraEnv) */}}
{{- define "odometer.ownEnvProblems" -}}
{{- $names := keys .own.env -}}
{{- range .own.extraEnv -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- range uniq $names | sortAlpha -}}
{{- if regexMatch "^(DATABASE_URL|PG(HOST|PORT|DATABASE|USER|PASSWORD|SSLMODE))$" . }}
- {{ $.name }} has the variable {{ . }}: say by `postgres` where Postgres is, so that every container and the migration have the same.
{{- end -}}
{{- if regexMatch "^ODOMETER_(ADMIN|INGEST|STATS|STORAGE)_PORT$" . }}
- {{ $.name }} has the variable {{ . }}: probes, Service and policies go to the port that the chart gives it. Take the variable away; what others see is service.port.
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Helm makes each object once, and fails in the middle of an installation at the second. */}}
{{- define "odometer.accountProblems" -}}
{{- $root := .root -}}
{{- $accounts := dict -}}
{{- range $key, $component := .components -}}
{{- if $component.serviceAccount.create -}}
{{- $name := include "odometer.serviceAccountName" (dict "root" $root "suffix" $component.suffix "serviceAccount" $component.serviceAccount) -}}
{{- $_ := set $accounts $name (append (get $accounts $name | default list) (printf "components.%s" $key)) -}}
{{- end -}}
{{- end -}}
{{- $own := $root.Values.migrations.serviceAccount -}}
{{- if and $own.create (include "odometer.hasMigrationJob" $root) -}}
{{- $name := include "odometer.serviceAccountName" (dict "root" $root "suffix" (include "odometer.migrationSuffix" $root) "serviceAccount" $own) -}}
{{- $_ := set $accounts $name (append (get $accounts $name | default list) "migrations") -}}
{{- end -}}
{{- range $name, $users := $accounts -}}
{{- if gt (len $users) 1 }}
- The ServiceAccount {{ $name }} would be made {{ len $users }} times, for {{ join ", " $users }}: make it yourself and set serviceAccount.create=false, or give it another name.
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "odometer.monitoringProblems" -}}
{{- $monitoring := .Values.monitoring -}}
{{- if and $monitoring.prometheusRule.enabled (not $monitoring.podMonitor.enabled) (not $monitoring.prometheusRule.job) }}
- monitoring.prometheusRule.enabled without podMonitor: set monitoring.podMonitor.enabled=true, or name in monitoring.prometheusRule.job the job under which Prometheus scrapes the pods. Otherwise no alert ever fires.
{{- end -}}
{{- end -}}

{{- define "odometer.migrationProblems" -}}
{{- $strategy := .Values.migrations.strategy -}}
{{- if not (has $strategy (list "job" "hook" "initContainer" "none")) }}
- migrations.strategy is {{ $strategy | quote }}: it should be job, hook, initContainer or none.
{{- end -}}
{{- if and (eq $strategy "hook") (or .Values.bundled.postgres.enabled (and .Values.bundled.valkey.enabled (include "odometer.declares" .))) }}
- migrations.strategy=hook runs before the release's own Postgres and Valkey exist: use job with what is bundled.
{{- end -}}
{{- if and (not .Values.migrations.serviceAccount.create) (not .Values.migrations.serviceAccount.name) }}
- migrations.serviceAccount.create is false: name the ServiceAccount to use in migrations.serviceAccount.name (`default` for the namespace's own).
{{- end -}}
{{- range $name, $_ := .Values.declarations.files -}}
{{- if not (regexMatch "^[A-Za-z0-9][-._A-Za-z0-9]*\\.ya?ml$" $name) }}
- declarations.files has the name {{ $name | quote }}: it should end in .yaml or .yml, or it is not applied.
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "odometer.routeProblems" -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
- httpRoute.parentRefs is empty: name the Gateway that is to take the requests, or the route does nothing.
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
- ingress.hosts is empty: name the host under which Odometer is to be reached.
{{- end -}}
{{- if not (include "odometer.paths" .) -}}
{{- range $name := list "ingress" "httpRoute" -}}
{{- if get (get $.Values $name) "enabled" }}
- {{ $name }}.enabled leads to nothing: enable one of components.ingestApi, statsApi and s3UsageWatcher, or set it to false.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "odometer.counterProblems" -}}
{{- $values := .root.Values -}}
{{- $url := tpl $values.mqtt.url .root -}}
{{- with .components.mqttCounter -}}
{{- if $values.bundled.mosquitto.enabled -}}
{{- if $values.mqtt.url }}
- mqtt.url and bundled.mosquitto.enabled exclude each other: take away the one you do not want.
{{- end -}}
{{- else if not $url }}
- mqtt.url is empty: name the broker of your devices (mqtts://host:8883), set bundled.mosquitto.enabled=true to try Odometer out, or components.mqttCounter.enabled=false where nothing comes over MQTT.
{{- else if not (regexMatch "^mqtts?://[^/]" $url) }}
- mqtt.url is {{ regexReplaceAll "//.*@" $url "//…@" | quote }}: it should begin with mqtt:// or mqtts://.
{{- else if contains "@" $url }}
- mqtt.url holds a user or a password: give them by mqtt.existingSecret, because values are no place for secrets.
{{- end -}}
{{- $wanted := max 1 (len .filters) -}}
{{- if ne (int .replicas) (int $wanted) }}
- components.mqttCounter.replicas is {{ int .replicas }} with {{ len .filters }} filter(s): each pod counts one filter, and two without would count each message twice. Set replicas to {{ $wanted }}, or list as many filters as pods.
{{- end -}}
{{- if ne (len .filters) (len (uniq .filters)) }}
- components.mqttCounter.filters has one of them twice: messages would be counted twice.
{{- end -}}
{{- range $filter := .filters -}}
{{- if contains "," $filter }}
- components.mqttCounter.filters has {{ $filter | quote }}: a filter cannot hold a comma here.
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .components.iotCounter -}}
{{- if not .queueUrl }}
- components.iotCounter.queueUrl is empty: name the SQS queue that the rule of AWS IoT Core sends to, or set components.iotCounter.enabled=false.
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "odometer.workerProblems" -}}
{{- with .scheduler -}}
{{- if ne (int .replicas) 1 }}
- components.scheduler.replicas is {{ int .replicas }}: there is one scheduler. To stop it, set components.scheduler.enabled=false.
{{- end -}}
{{- if ne (.strategy.type | default "RollingUpdate") "Recreate" }}
- components.scheduler.strategy.type is {{ .strategy.type | default "blank" }}: it should be Recreate, so that there are never two.
{{- end -}}
{{- end -}}
{{- /* Neither runs here: another release's take the jobs, and the notes say so. */ -}}
{{- if or .countingWorker .measuringWorker .posthocWorker -}}
{{- $taken := list -}}
{{- range list .countingWorker .measuringWorker .posthocWorker -}}
{{- with . -}}
{{- $taken = concat $taken .queues -}}
{{- end -}}
{{- end -}}
{{- range $queue := list "events" "counts" "objects" "registry" "periods" "measure" "posthoc" -}}
{{- if not (has $queue $taken) }}
- Nobody takes jobs of the queue {{ $queue }}: list it in components.countingWorker.queues, components.measuringWorker.queues or components.posthocWorker.queues, and enable that worker.
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .posthocWorker -}}
{{- if and .logs.existingClaim .logs.volume }}
- components.posthocWorker.logs has both existingClaim and volume: keep the one that holds the logs.
{{- end -}}
{{- with include "odometer.heapMebibytes" (dict "resources" .resources "heapPercent" 100 "key" .key) -}}
{{- $heap := include "odometer.heapMebibytes" (dict "resources" $.posthocWorker.resources "heapPercent" $.posthocWorker.heapPercent "key" $.posthocWorker.key) -}}
{{- $needed := add (int $heap) (int $.posthocWorker.memoryMb) 128 -}}
{{- if gt $needed (int64 .) }}
- components.posthocWorker needs {{ $needed }} MiB, and its memory limit is {{ . }}: {{ $heap }} of heap, {{ int $.posthocWorker.memoryMb }} of DuckDB and 128 for the rest. Raise resources.limits.memory, or lower memoryMb or heapPercent.
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
