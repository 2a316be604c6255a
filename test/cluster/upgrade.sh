#!/bin/sh
# "before" installs the last published chart (before the first release: this one, with other settings) and counts something;
# "after" upgrades to this checkout; then changes it and rolls that back, since an older version refuses a newer schema
# (docs/upgrading.md). Totals stay, the books close, and counting goes on each time.
#
# Usage: upgrade.sh (before | after) CONTEXT IMAGE
set -eu
cd "$(dirname "$0")/../.."
part=$1
context=$2
image=$3
PUBLISHED=oci://ghcr.io/odometer-metering/charts/odometer
STATE=${RUNNER_TEMP:-/tmp}/odometer-usage.json

in_metering() { kubectl --context "$context" --namespace metering "$@"; }
cli() { in_metering exec deploy/odometer-stats-api -c stats-api -- node /app/odometer.mjs "$@"; }
helm_here() {
  command=$1
  shift
  helm "$command" odometer "$@" --kube-context "$context" --namespace metering
}
# What only grows, without what changes by itself.
totals() { cli usage odometer/smoke --json | jq -S 'with_entries(select(.key | startswith("lifetime_")))'; }
count_something() {
  helm_here test --logs --timeout 5m
  cli books
}
totals_stay() {
  totals | diff "$STATE" - || { printf 'The totals are others after the %s.\n' "$1" >&2; exit 1; }
  count_something
  totals >"$STATE"
}

case $part in
  before)
    if helm pull "$PUBLISHED" --untar --untardir published; then
      kubectl --context "$context" create namespace metering
      helm_here install published/odometer --values helm/odometer/ci/bundled-values.yaml --wait --wait-for-jobs --timeout 10m
    else
      echo 'No chart has been published yet: this one, with other settings, stands in for it.'
      sh scripts/cluster/install.sh "$context" "$image" --values helm/odometer/ci/bundled-values.yaml \
        --set defaults.logLevel=debug --set migrations.waitSeconds=299
    fi
    count_something
    totals >"$STATE"
    ;;
  after)
    # Whatever made the release, it is server-side from here on. Helm 3 owned the fields under another name.
    helm_here upgrade helm/odometer --values helm/odometer/ci/bundled-values.yaml --reset-values \
      --set image.registry= --set "image.repository=${image%:*}" --set-string "image.tag=${image##*:}" \
      --server-side=true --force-conflicts --wait --wait-for-jobs --timeout 10m
    totals_stay upgrade
    helm_here upgrade helm/odometer --reuse-values --set defaults.logLevel=warn --set components.ingestApi.replicas=2 --wait --wait-for-jobs --timeout 10m
    totals_stay 'change of values'
    helm_here rollback --wait --wait-for-jobs --timeout 10m
    totals_stay rollback
    ;;
esac
