#!/bin/sh
# Says how the Odometer in a cluster is used, and how the cluster goes again.
#
# Usage: say-how-to-go-on.sh CONTEXT COMMAND-THAT-REMOVES-IT
set -eu
namespace=${ODOMETER_NAMESPACE:-metering}
release=${ODOMETER_RELEASE:-odometer}
cat <<TEXT

Odometer runs. The command, in the cluster:

  odometer() { kubectl --context $1 -n $namespace exec deploy/$release-stats-api -c stats-api -- node /app/odometer.mjs "\$@"; }
  odometer usage odometer/smoke
  odometer books

Its addresses, here (each takes a terminal):

  kubectl --context $1 -n $namespace port-forward service/$release-ingest-api 8081
  kubectl --context $1 -n $namespace port-forward service/$release-stats-api 8085

docs/install.md goes on from here. Remove it all, data included: $2
TEXT
