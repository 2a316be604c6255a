#!/bin/sh
# The API server takes every object of ci/full, and of all examples, in a namespace that enforces the restricted standard.
# Nothing is started: some of it names what does not exist.
#
# Usage: admitted.sh CONTEXT
set -eu
cd "$(dirname "$0")/../.."
context=$1

kubectl --context "$context" apply --filename - <<'MANIFEST'
apiVersion: v1
kind: Namespace
metadata:
  name: admitted
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/warn: restricted
MANIFEST

for values in helm/odometer/ci/*-values.yaml helm/odometer/examples/*.yaml; do
  case $values in */cnpg-cluster.yaml) continue ;; esac
  printf '%s\n' "$values"
  said=$(helm template odometer helm/odometer --namespace admitted --values "$values" |
    kubectl --context "$context" --namespace admitted apply --server-side --dry-run=server --filename - 2>&1) ||
    { printf '%s\n' "$said" >&2; exit 1; }
  # A workload's pods are only warned of here, and refused when it makes them.
  case $said in *'would violate PodSecurity'*) printf '%s\n' "$said" >&2; exit 1 ;; esac
done
