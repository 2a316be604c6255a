#!/bin/sh
# Odometer in a Kubernetes cluster on this machine: made by kind, with the image of this checkout and with stores of its own.
# Run again, it upgrades what is there.
#
#   ODOMETER_KIND_CLUSTER      name of the cluster, odometer
#   ODOMETER_KIND_NODE_IMAGE   another version of Kubernetes
#   ODOMETER_IMAGE             an image that is there already, instead of building one
set -eu
cd "$(dirname "$0")/.."

# Kubernetes 1.37, as kind 0.33 has it.
NODE_IMAGE=kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5

sh scripts/cluster/need.sh docker kind kubectl helm
cluster=${ODOMETER_KIND_CLUSTER:-odometer}
if kind get clusters 2>/dev/null | grep -qxF "$cluster"; then
  printf 'The cluster %s is there.\n' "$cluster"
else
  printf 'Making the cluster %s …\n' "$cluster"
  kind create cluster --name "$cluster" --image "${ODOMETER_KIND_NODE_IMAGE:-$NODE_IMAGE}" --wait 3m
fi
image=$(sh scripts/cluster/build-image.sh)
printf 'Loading %s into it …\n' "$image"
kind load docker-image "$image" --name "$cluster"
sh scripts/cluster/install.sh "kind-$cluster" "$image"
sh scripts/cluster/say-how-to-go-on.sh "kind-$cluster" 'make kind-down'
