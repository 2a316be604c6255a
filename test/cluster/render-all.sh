#!/bin/sh
# Lints and renders the chart with each of its values files, into a folder.
#
# Usage: render-all.sh FOLDER
set -eu
cd "$(dirname "$0")/../.."
folder=$1
mkdir -p "$folder"
for values in helm/odometer/ci/*-values.yaml helm/odometer/examples/*.yaml; do
  case $values in */cnpg-cluster.yaml) continue ;; esac
  helm lint helm/odometer --strict --values "$values"
  # The generated passwords of the bundled stores are other ones each time.
  helm template odometer helm/odometer --namespace metering --values "$values" --set bundled.existingSecret=odometer-bundled \
    >"$folder/$(basename "$values")"
done
