#!/bin/sh
# Uninstalling leaves what docs/operations.md says, and nothing else: volumes of bundled stores, their Secret, and what
# somebody else has made.
#
# Usage: uninstall-leaves.sh CONTEXT
set -eu
context=$1
in_metering() { kubectl --context "$context" --namespace metering "$@"; }

# In the foreground: Deployments are there until their pods are gone.
helm uninstall odometer --kube-context "$context" --namespace metering --cascade foreground --wait --timeout 5m
kinds=$(kubectl --context "$context" api-resources --namespaced --verbs list --output name | grep -v -e events -e metrics | paste -sd, -)
left_over() {
  listed=$(in_metering get "$kinds" --selector app.kubernetes.io/instance=odometer --output name --ignore-not-found) || return
  printf '%s\n' "$listed" |
    grep -v -e '^$' -e '^persistentvolumeclaim/' -e '^secret/odometer-bundled$' -e '^pod/odometer-smoke$' || true
}
# What others remove in the background (endpoints, revisions, pods of Jobs) may take a while: up to two minutes.
tries=60
until left=$(left_over) && [ -z "$left" ]; do
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || { printf 'Uninstalling has left:\n%s\n' "$left" >&2; exit 1; }
  sleep 2
done
