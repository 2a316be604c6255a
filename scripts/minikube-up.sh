#!/bin/sh
# Odometer in a Kubernetes cluster on this machine: made by minikube, with the image of this checkout and with stores of its
# own. Run again, it upgrades what is there.
#
#   ODOMETER_MINIKUBE_PROFILE   name of the cluster, odometer
#   ODOMETER_IMAGE              an image that is there already, instead of building one
set -eu
cd "$(dirname "$0")/.."

# Every minikube since 1.37 knows it.
KUBERNETES_VERSION=v1.34.0

sh scripts/cluster/need.sh docker minikube kubectl helm
profile=${ODOMETER_MINIKUBE_PROFILE:-odometer}
if minikube status --profile "$profile" >/dev/null 2>&1; then
  printf 'The cluster %s runs.\n' "$profile"
else
  printf 'Starting the cluster %s …\n' "$profile"
  minikube start --profile "$profile" --kubernetes-version "$KUBERNETES_VERSION" --driver docker --memory 4g --keep-context
fi
image=$(sh scripts/cluster/build-image.sh)
printf 'Loading %s into it …\n' "$image"
minikube image load "$image" --profile "$profile"
sh scripts/cluster/install.sh "$profile" "$image"
sh scripts/cluster/say-how-to-go-on.sh "$profile" "minikube delete --profile $profile"
