#!/bin/sh
# Jobs that wait are what KEDA's metric says: with another name of a queue's list it would be 0 for ever.
#
# Usage: keda-sees-jobs.sh CONTEXT
set -eu
context=$1
in_metering() { kubectl --context "$context" --namespace metering "$@"; }
cli() { in_metering exec deploy/odometer-stats-api -c stats-api -- node /app/odometer.mjs "$@"; }

in_metering wait scaledobject --all --for condition=Ready --timeout 3m
# Nobody takes jobs, so that they wait; the autoscaler is told to leave it so.
in_metering annotate scaledobject odometer-counting-worker autoscaling.keda.sh/paused-replicas=0 --overwrite
in_metering wait pod --selector app.kubernetes.io/component=counting-worker --for delete --timeout 2m
cli projects create keda/first
cli projects create keda/second

for _ in $(seq 60); do
  for name in $(in_metering get scaledobject odometer-counting-worker --output 'jsonpath={.status.externalMetricNames[*]}'); do
    value=$(kubectl --context "$context" get --raw \
      "/apis/external.metrics.k8s.io/v1beta1/namespaces/metering/$name?labelSelector=scaledobject.keda.sh%2Fname%3Dodometer-counting-worker" |
      jq -r '.items[0].value // "0"') || value=0
    if [ "$value" != 0 ]; then
      printf '%s is %s.\n' "$name" "$value"
      in_metering annotate scaledobject odometer-counting-worker autoscaling.keda.sh/paused-replicas-
      in_metering rollout status deployment/odometer-counting-worker --timeout 3m
      exit 0
    fi
  done
  sleep 2
done
echo 'Jobs wait, and KEDA sees none.' >&2
exit 1
