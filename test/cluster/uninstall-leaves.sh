#!/bin/sh
# Uninstalling leaves what docs/operations.md says, and nothing else: volumes of bundled stores, their Secret, and what
# somebody else has made.
#
# Usage: uninstall-leaves.sh CONTEXT
set -eu
context=$1
in_metering() { kubectl --context "$context" --namespace metering "$@"; }

helm uninstall odometer --kube-context "$context" --namespace metering --wait --timeout 5m
kinds=$(kubectl --context "$context" api-resources --namespaced --verbs list --output name | grep -v -e events -e metrics | paste -sd, -)
left=$(in_metering get "$kinds" --selector app.kubernetes.io/instance=odometer --output name --ignore-not-found |
  grep -v -e '^persistentvolumeclaim/' -e '^secret/odometer-bundled$' -e '^pod/odometer-smoke$' || true)
[ -z "$left" ] || { printf 'Uninstalling has left:\n%s\n' "$left" >&2; exit 1; }
