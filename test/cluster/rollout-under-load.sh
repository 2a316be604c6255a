#!/bin/sh
# Events and messages come for some minutes; meanwhile every workload is replaced again and again, and pods are killed
# without a warning. Afterwards what was acknowledged is what is counted, to the item, and the books close.
#
# Usage: rollout-under-load.sh CONTEXT IMAGE
set -eu
cd "$(dirname "$0")/../.."
context=$1
image=$2
# As in load.yaml.
PUBLISHED=100000

in_metering() { kubectl --context "$context" --namespace metering "$@"; }
cli() { in_metering exec deploy/odometer-stats-api -c stats-api -- node /app/odometer.mjs "$@"; }

key=$(cli keys create --name load --scope ingest --json | jq -r .key)
in_metering create secret generic load --from-literal="key=$key"
in_metering create configmap load --from-file=test/cluster/load.mjs
sed "s|IMAGE|$image|" test/cluster/load.yaml | in_metering apply --filename -

rounds=0
until in_metering wait job --selector app=load --for condition=Complete --timeout 1s >/dev/null 2>&1; do
  in_metering get job --selector app=load --output 'jsonpath={.items[*].status.failed}' | grep -q . &&
    { in_metering logs --selector app=load --tail 20 >&2; echo 'The load itself has failed.' >&2; exit 1; }
  for workload in deploy/odometer-ingest-api deploy/odometer-counting-worker statefulset/odometer-mqtt-counter \
    deploy/odometer-measuring-worker deploy/odometer-posthoc-worker deploy/odometer-scheduler deploy/odometer-stats-api; do
    in_metering rollout restart "$workload"
    in_metering rollout status "$workload" --timeout 5m
  done
  in_metering delete pod --selector app.kubernetes.io/component=counting-worker --grace-period 0 --force
  in_metering delete pod odometer-mqtt-counter-0 --grace-period 0 --force
  in_metering rollout status deploy/odometer-counting-worker --timeout 5m
  rounds=$((rounds + 1))
done
[ "$rounds" -gt 0 ] || { echo 'The load ended before anything was replaced.' >&2; exit 1; }

acknowledged=$(in_metering logs job/load-events --tail 1 | jq .acknowledged)
total() { cli usage "$1" --json | jq ".$2"; }
for _ in $(seq 60); do
  events=$(total load/events lifetime_api_calls) one=$(total load/one lifetime_mqtt_inbound) two=$(total load/two lifetime_mqtt_inbound)
  [ "$events $one $two" != "$acknowledged $PUBLISHED $PUBLISHED" ] || break
  sleep 2
done
printf '%s replacements: events %s of %s; messages %s and %s of %s\n' "$rounds" "$events" "$acknowledged" "$one" "$two" "$PUBLISHED"
cli books
cli gaps
# Once more: what comes twice would come by now.
[ "$(total load/events lifetime_api_calls)" = "$acknowledged" ]
[ "$(total load/one lifetime_mqtt_inbound)" = "$PUBLISHED" ]
[ "$(total load/two lifetime_mqtt_inbound)" = "$PUBLISHED" ]
