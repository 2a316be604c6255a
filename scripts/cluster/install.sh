#!/bin/sh
# Installs the chart, or upgrades it, in a namespace that refuses whatever is not restricted, and runs `helm test`: an event
# and a message go in, and come out as totals.
#
# Usage: install.sh CONTEXT IMAGE [argument of "helm upgrade"] …    (without any: the stores that come with the chart)
#   ODOMETER_NAMESPACE   metering
#   ODOMETER_RELEASE     odometer
set -eu
cd "$(dirname "$0")/../.."

context=$1
image=$2
shift 2
[ $# -gt 0 ] || set -- --values helm/odometer/ci/bundled-values.yaml
namespace=${ODOMETER_NAMESPACE:-metering}
release=${ODOMETER_RELEASE:-odometer}

say() { printf '%s\n' "$*"; }
kubectl_here() { kubectl --context "$context" --namespace "$namespace" "$@"; }

# Whatever this shows helps; that it cannot be shown must not hide why we are here.
show_what_is_wrong() {
  {
    say '' 'What is in the namespace, what it warns of, and what the migration says:'
    kubectl_here get pods,jobs --output wide || true
    kubectl_here get events --field-selector type=Warning --sort-by .lastTimestamp || true
    kubectl_here logs --selector app.kubernetes.io/component=migrate --all-containers --tail 30 || true
    say '' 'docs/operations.md, "When something is wrong", says how to go on.'
  } >&2
}

say "Namespace $namespace, which lets only restricted pods in …"
kubectl --context "$context" apply --filename - <<MANIFEST
apiVersion: v1
kind: Namespace
metadata:
  name: $namespace
  labels:
    pod-security.kubernetes.io/enforce: restricted
MANIFEST

began=$(date +%s)
say "Installing $release from $image, which takes a few minutes at first: images are pulled …"
helm upgrade "$release" helm/odometer --install --kube-context "$context" --namespace "$namespace" "$@" \
  --set image.registry= --set "image.repository=${image%:*}" --set-string "image.tag=${image##*:}" \
  --wait --wait-for-jobs --timeout 10m || { show_what_is_wrong; exit 1; }

say 'Posting an event, publishing a message, and waiting for the totals …'
helm test "$release" --kube-context "$context" --namespace "$namespace" --logs --timeout 5m ||
  { show_what_is_wrong; exit 1; }
say "The first event was counted $(($(date +%s) - began)) s after the installation began."
