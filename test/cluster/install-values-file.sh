#!/bin/sh
# Installs the chart with one of ci/*-values.yaml, and runs `helm test`.
#
# Usage: install-values-file.sh CONTEXT IMAGE NAME
set -eu
cd "$(dirname "$0")/../.."
context=$1
image=$2
name=$3
set -- --values "helm/odometer/ci/$name-values.yaml"
# Where stores.sh has put what these values only give an example of.
case $name in
  minimal | existing-secrets) set -- "$@" --values "test/cluster/$name-stores.yaml" ;;
  # There is no queue to be looked at.
  keda) set -- "$@" --set components.s3UsageWatcher.autoscaling.keda.enabled=false ;;
esac
exec sh scripts/cluster/install.sh "$context" "$image" "$@"
