#!/bin/sh
# Builds the image of this checkout, and prints its name. The tag is made of its content, so that an upgrade with other
# sources replaces the pods, and one with the same leaves them alone. ODOMETER_IMAGE names one that is there already.
set -eu
cd "$(dirname "$0")/../.."

if [ -n "${ODOMETER_IMAGE:-}" ]; then
  printf '%s\n' "$ODOMETER_IMAGE"
  exit 0
fi
printf 'Building the image …\n' >&2
sh docker/build.sh odometer:local >&2
id=$(docker image inspect --format '{{.Id}}' odometer:local)
image=odometer:$(printf '%.12s' "${id#sha256:}")
docker tag odometer:local "$image" >&2
printf '%s\n' "$image"
