#!/bin/sh
# Builds the image of this checkout, with labels that say which.
#
# Usage: build.sh TAG [argument of "docker build"] …
set -eu
cd "$(dirname "$0")/.."

tag=$1
shift
version=$(node -p 'require("./package.json").version')
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
# An image of changes that nobody committed says so.
[ -z "$(git status --porcelain 2>/dev/null)" ] || revision=$revision-dirty
created=$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null || echo 1970-01-01T00:00:00Z)

# The registry that npm uses here, as an argument of the first stage: it is in no file and in no layer of the image.
exec docker build --file docker/Dockerfile --tag "$tag" \
  --build-arg VERSION="$version" --build-arg REVISION="$revision" --build-arg CREATED="$created" \
  --build-arg NPM_REGISTRY="$(npm config get registry 2>/dev/null || echo https://registry.npmjs.org/)" \
  "$@" .
