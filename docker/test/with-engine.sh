#!/bin/sh
# Runs a command with a Docker engine that has the base images: the machine's own, if it has or can pull them; else one
# that is started here from the system's packages, on a socket of its own and with stand-ins for what cannot be pulled.
# What was started here is ended here, by its pid; its data stays in /var/cache for the next run.
#
# Usage: with-engine.sh COMMAND …
set -eu
cd "$(dirname "$0")/../.."

BASES='node:24-bookworm-slim gcr.io/distroless/nodejs24-debian12:nonroot'

say() { printf '%s\n' "$*"; }
fail() { printf '\n%s\n' "$*" >&2; exit 1; }

has_bases() {
  for base in $BASES; do
    docker image inspect "$base" >/dev/null 2>&1 || docker pull --quiet "$base" >/dev/null 2>&1 || return 1
  done
}

if command -v docker >/dev/null 2>&1 && docker info >/dev/null 2>&1 && has_bases; then
  say "The engine of this machine has the base images."
  exec "$@"
fi

# --- An engine of our own ------------------------------------------------------------------------
[ "$(uname -s)" = Linux ] || fail 'No Docker engine answers, or it can pull no images: start Docker, then run this again.'
[ "$(id -u)" -eq 0 ] ||
  fail 'No Docker engine answers, or it can pull no images; starting one needs root: run this as root, or start Docker.'
PATH=$PATH:/usr/sbin:/sbin
missing=
command -v dockerd >/dev/null 2>&1 || missing="$missing docker.io"
command -v debootstrap >/dev/null 2>&1 || missing="$missing debootstrap"
# shellcheck disable=SC2086 # a list of words
[ -z "$missing" ] || sh scripts/install-programs.sh $missing

# Not in the clone: tools that look through it would meet tens of thousands of files of other systems.
data=/var/cache/odometer-image-test
mkdir -p "$data"
# Short, because sockets are below it, and their paths are bounded to 107 bytes.
run=$(mktemp -d /run/odometer-docker.XXXXXX)
DOCKER_HOST=unix://$run/docker.sock
export DOCKER_HOST
engine=

end_engine() {
  [ -z "$engine" ] || { kill "$engine" 2>/dev/null || true; wait "$engine" 2>/dev/null || true; }
  engine=
}
# The network's name is a mount, which outlives the engine.
trap 'end_engine; umount "$run"/exec/netns/* 2>/dev/null || true; rm -rf "$run"' EXIT
trap 'exit 1' INT TERM HUP

# Without a bridge and without rules of a firewall: containers use the machine's network, and it stays as it is.
start_engine() {
  dockerd --data-root "$data/$1" --exec-root "$run/exec" --pidfile "$run/dockerd.pid" --host "$DOCKER_HOST" \
    --storage-driver "$1" --bridge none --iptables=false --ip6tables=false >"$data/dockerd.log" 2>&1 &
  engine=$!
  for _ in $(seq 120); do
    docker info >/dev/null 2>&1 && return 0
    kill -0 "$engine" 2>/dev/null || break
    sleep 0.5
  done
  end_engine
  return 1
}

say 'Starting a Docker engine …'
# overlay2 is quick and sparing; vfs, which copies every layer, works on any file system.
start_engine overlay2 || start_engine vfs || {
  tail -n 20 "$data/dockerd.log" >&2
  fail "dockerd does not start: the end of $data/dockerd.log is above."
}

for base in $BASES; do
  docker image inspect "$base" >/dev/null 2>&1 || sh docker/test/stand-in-base.sh "$base"
done

# Not exec: the trap ends the engine.
"$@"
