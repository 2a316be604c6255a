#!/bin/sh
# Removes the cluster that kind-up.sh made, and what it holds; no other.
set -eu
cd "$(dirname "$0")/.."

sh scripts/cluster/need.sh docker kind
cluster=${ODOMETER_KIND_CLUSTER:-odometer}
if kind get clusters 2>/dev/null | grep -qxF "$cluster"; then
  kind delete cluster --name "$cluster"
else
  printf 'There is no cluster %s; nothing was changed.\n' "$cluster"
fi
