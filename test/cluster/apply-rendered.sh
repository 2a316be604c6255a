#!/bin/sh
# The chart without a release, as docs/install.md has it: rendered, applied, and counting; applied once more nothing is started
# again. Passwords are in a Secret of ours, since a rendering would make others each time.
#
# Usage: apply-rendered.sh CONTEXT IMAGE
set -eu
cd "$(dirname "$0")/../.."
context=$1
image=$2

in_metering() { kubectl --context "$context" --namespace metering "$@"; }
rendered() {
  helm template odometer ./helm/odometer --namespace metering --values helm/odometer/ci/bundled-values.yaml "$@" \
    --set bundled.existingSecret=store-passwords \
    --set image.registry= --set "image.repository=${image%:*}" --set-string "image.tag=${image##*:}"
}
apply() {
  rendered --skip-tests | in_metering apply --filename -
  for workload in $(in_metering get deployment,statefulset --selector app.kubernetes.io/instance=odometer --output name); do
    in_metering rollout status "$workload" --timeout 10m
  done
}
pods() { in_metering get pods --selector app.kubernetes.io/instance=odometer --sort-by .metadata.name --output 'jsonpath={.items[*].metadata.uid}'; }

kubectl --context "$context" apply --filename - <<'MANIFEST'
apiVersion: v1
kind: Namespace
metadata:
  name: metering
  labels:
    pod-security.kubernetes.io/enforce: restricted
MANIFEST
in_metering create secret generic store-passwords --from-literal=postgres-password="$(openssl rand -hex 24)" \
  --from-literal=valkey-password="$(openssl rand -hex 24)" --from-literal=mqtt-password="$(openssl rand -hex 24)"

apply
if in_metering get pod odometer-smoke; then
  echo 'The pod of "helm test" was applied with the rest.' >&2
  exit 1
fi
before=$(pods)
apply
[ "$(pods)" = "$before" ] || { echo 'Applied once more, the same rendering has replaced pods.' >&2; exit 1; }

# What `helm test` would run.
rendered --show-only templates/tests/smoke.yaml | in_metering apply --filename -
in_metering wait pod/odometer-smoke --for jsonpath='{.status.phase}'=Succeeded --timeout 5m ||
  { in_metering logs odometer-smoke >&2; exit 1; }
