#!/bin/sh
# With the policies of ci/networkpolicy-values.yaml: a pod that is nobody's reaches neither a store nor an admin port, and
# what may be reached, is. A network that does not enforce policies fails here.
#
# Usage: network-denied.sh CONTEXT IMAGE
set -eu
context=$1
image=$2
in_metering() { kubectl --context "$context" --namespace metering "$@"; }

pod_ip=$(in_metering get pod --selector app.kubernetes.io/component=ingest-api --output 'jsonpath={.items[0].status.podIP}')
# Ends with 0 when a connection comes about within three seconds.
reaches() {
  in_metering exec deploy/odometer-"$1" -c "$1" -- node -e '
    const [host, port] = process.argv.slice(1);
    const socket = require("net").connect({ host, port, timeout: 3000 });
    socket.on("connect", () => process.exit(0)).on("timeout", () => process.exit(1)).on("error", () => process.exit(1));
  ' "$2" "$3"
}

reaches stats-api odometer-postgres 5432 || { echo 'stats-api should reach Postgres, and does not.' >&2; exit 1; }
if reaches stats-api odometer-mosquitto 1883; then echo 'stats-api reaches the broker, which it never asks.' >&2; exit 1; fi
if reaches stats-api "$pod_ip" 9464; then echo 'stats-api reaches an admin port.' >&2; exit 1; fi

kubectl --context "$context" create namespace stranger --dry-run=client --output yaml | kubectl --context "$context" apply --filename -
kubectl --context "$context" --namespace stranger run stranger --image "$image" --restart Never --command -- node -e '
  const net = require("net");
  const reached = (host, port) => new Promise((resolve) => {
    const socket = net.connect({ host, port, timeout: 3000 });
    socket.on("connect", () => resolve(true)).on("timeout", () => resolve(false)).on("error", () => resolve(false));
  });
  (async () => {
    for (const target of process.argv.slice(1)) {
      const [host, port] = target.split(":");
      if (await reached(host, port)) { console.log(`reached ${target}`); process.exit(1); }
    }
  })();
' odometer-postgres.metering.svc:5432 odometer-valkey.metering.svc:6379 odometer-mosquitto.metering.svc:1883 \
  "$pod_ip:9464" odometer-ingest-api.metering.svc:8081
kubectl --context "$context" --namespace stranger wait pod/stranger --for 'jsonpath={.status.phase}=Succeeded' --timeout 2m || {
  kubectl --context "$context" --namespace stranger logs stranger >&2
  exit 1
}
