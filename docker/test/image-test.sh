#!/bin/sh
# Builds the image on both bases, tries every program in it, and runs the whole path in containers; see test/image.
# To be run by with-engine.sh.
set -eu
cd "$(dirname "$0")/../.."

# The machine's network, because an engine of our own has no other; its proxies; and the authorities it trusts.
set -- --network host
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
  [ -z "$(printenv "$name" || true)" ] || set -- "$@" --build-arg "$name"
done
if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
  set -- "$@" --build-arg NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
fi

mkdir -p .odometer
log=.odometer/image-build.log
build() {
  printf 'Building %s …\n' "$1"
  sh docker/build.sh "$@" >"$log" 2>&1 || {
    tail -n 40 "$log" >&2
    printf '\nThe image could not be built: the end of %s is above.\n' "$log" >&2
    exit 1
  }
}
build odometer:local "$@"
build odometer:distroless --build-arg BASE_IMAGE=gcr.io/distroless/nodejs24-debian12:nonroot "$@"
.odometer/tools/node_modules/.bin/pnpm --silent jest --config test/image/jest.config.js
