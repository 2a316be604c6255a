#!/bin/sh
# Brings what the repository needs on a machine that has only Node and a package manager: pnpm of
# the version that package.json names, the dependencies of the lockfile, and the programs of
# PostgreSQL, Redis and Mosquitto. Everything but those programs stays inside the clone. Safe to
# repeat; does nothing, offline too, when all is there.
#
# Usage: bootstrap.sh [for-tests]
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*"; }
fail() { printf '\n%s\n' "$*" >&2; exit 1; }

# --- Node ------------------------------------------------------------------------------------
command -v node >/dev/null 2>&1 ||
  fail 'Node.js is not installed: Odometer needs Node 20.19 or newer (https://nodejs.org).'
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  fail "This is Node $(node -v): Odometer needs Node 20.19 or newer (https://nodejs.org)."

# --- Disk: the dependencies take about 400 MB ------------------------------------------------
if [ ! -d node_modules ]; then
  free_kb=$(df -Pk . | awk 'NR == 2 { print $4 }')
  [ "$free_kb" -gt 1000000 ] ||
    fail "The disk is full: $((free_kb / 1024)) MB are left here, and the dependencies and data need 1 GB."
fi

# --- pnpm, exactly the version of package.json -------------------------------------------------
tools=.odometer/tools
wanted=$(node -p 'require("./package.json").packageManager.replace(/^pnpm@/, "").replace(/\+.*/, "")')
found=$(node -p 'require("./'"$tools"'/node_modules/pnpm/package.json").version' 2>/dev/null || true)
if [ "$found" != "$wanted" ]; then
  command -v npm >/dev/null 2>&1 || fail 'npm is not installed: it comes with Node.js (on Debian as the package "npm").'
  say "Bringing pnpm $wanted …"
  mkdir -p "$tools"
  npm install --prefix "$tools" --no-audit --no-fund --loglevel=error "pnpm@$wanted" >/dev/null ||
    fail "pnpm $wanted could not be installed: npm gives the reason above."
fi

# --- Dependencies, when the lockfile or a package.json changed ---------------------------------
stamp=$tools/installed
state=$(cat pnpm-lock.yaml pnpm-workspace.yaml package.json packages/*/package.json services/*/package.json docker/package.json test/package.json | cksum)
if [ ! -d node_modules ] || [ "$(cat "$stamp" 2>/dev/null || true)" != "$state" ]; then
  say 'Installing the dependencies …'
  # CI=true: never ask a question.
  CI=true "$tools/node_modules/.bin/pnpm" install --frozen-lockfile --reporter=append-only --loglevel=error ||
    fail 'The dependencies could not be installed: pnpm gives the reason above.'
  printf '%s' "$state" >"$stamp"
fi

# --- Programs ----------------------------------------------------------------------------------
has() {
  PATH="$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/opt/homebrew/bin:/opt/homebrew/sbin" command -v "$1" >/dev/null 2>&1
}
has_postgres() {
  for program in /usr/lib/postgresql/*/bin/postgres /usr/pgsql-*/bin/postgres \
    /opt/homebrew/opt/postgresql@*/bin/postgres /usr/local/opt/postgresql@*/bin/postgres; do
    [ -x "$program" ] && return 0
  done
  return 1
}

missing=
has_postgres || missing="$missing postgresql"
has redis-server || missing="$missing redis"
has mosquitto || missing="$missing mosquitto"
has mosquitto_pub || missing="$missing mosquitto-clients"
has curl || missing="$missing curl"
has openssl || missing="$missing openssl" # tests make certificates with it
if [ "${1:-}" = for-tests ]; then
  # Tries the alerts; inside the clone when its package would bring a server that nobody asked for.
  [ -x "$tools/bin/promtool" ] || has promtool || missing="$missing promtool"
  # A registry of images; brew has none, and then the tests that need it say what to do.
  if command -v apt-get >/dev/null 2>&1; then
    has docker-registry || missing="$missing docker-registry"
  fi
fi
[ -z "$missing" ] || sh scripts/install-programs.sh $missing
