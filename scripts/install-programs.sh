#!/bin/sh
# Installs missing programs from the system's own packages. Packages of servers like to start one on
# its usual port and to start it again at boot; we only want the programs, so both are prevented for
# what is installed here, and nothing that was on the machine before is touched.
#
# Usage: install-programs.sh (postgresql | redis | mosquitto | mosquitto-clients | curl | openssl | docker-registry |
#        promtool | docker.io | debootstrap) …
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*"; }
fail() { printf '\n%s\n' "$*" >&2; exit 1; }

as_root=
if [ "$(id -u)" -ne 0 ]; then as_root=sudo; fi

# The one program out of the package of Prometheus: the server, and what it depends on, is 100 MB that nobody needs.
extract_promtool() {
  bin=$PWD/.odometer/tools/bin
  mkdir -p "$bin"
  work=$(mktemp -d)
  (cd "$work" && apt-get -q download prometheus >/dev/null 2>&1 && dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool) ||
    fail 'The package "prometheus" could not be downloaded: install promtool yourself, or see "apt-get download prometheus".'
  mv "$work/usr/bin/promtool" "$bin/promtool"
  rm -rf "$work"
}

with_apt() {
  packages=
  units=
  promtool=
  for name in "$@"; do
    case $name in
      promtool) promtool=yes ;;
      postgresql) packages="$packages postgresql" units="$units postgresql" ;;
      redis) packages="$packages redis-server" units="$units redis-server" ;;
      mosquitto) packages="$packages mosquitto" units="$units mosquitto" ;;
      docker.io) packages="$packages docker.io" units="$units docker docker.socket containerd" ;;
      docker-registry) packages="$packages docker-registry" units="$units docker-registry" ;;
      *) packages="$packages $name" ;;
    esac
  done
  if [ -n "$as_root" ] && ! command -v sudo >/dev/null 2>&1; then
    fail "These packages are missing, and installing them needs root or sudo: apt-get install$packages"
  fi
  say "Installing$packages${promtool:+ promtool} with apt-get …"

  # A policy of "no" keeps packages from starting their servers; ours goes again, another's stays.
  policy=/usr/sbin/policy-rc.d
  defaults=/etc/postgresql-common/createcluster.conf
  added_policy=
  saved_defaults=
  restore() {
    [ -z "$added_policy" ] || $as_root rm -f "$policy"
    [ -z "$saved_defaults" ] || $as_root mv -f "$defaults.odometer-saved" "$defaults"
    added_policy=
    saved_defaults=
  }
  trap restore EXIT
  trap 'exit 1' INT TERM HUP
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
    added_policy=yes
  fi

  apt_get() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@"; }
  # Progress on one screen; what went wrong is printed by apt-get itself.
  apt_get update >/dev/null || fail 'apt-get update failed: is this machine online? Its message is above.'
  [ -z "$promtool" ] || extract_promtool
  case " $packages " in
    *' postgresql '*)
      # Without this the package makes a cluster of its own, which would start at the next boot.
      apt_get install --no-install-recommends postgresql-common >/dev/null ||
        fail 'apt-get could not install postgresql-common: its message is above.'
      if [ -f "$defaults" ]; then
        $as_root cp -p "$defaults" "$defaults.odometer-saved"
        saved_defaults=yes
        printf 'create_main_cluster = false\n' | $as_root tee -a "$defaults" >/dev/null
      fi
      ;;
  esac
  # shellcheck disable=SC2086 # a list of words
  [ -z "$packages" ] || apt_get install --no-install-recommends $packages >/dev/null ||
    fail "apt-get could not install$packages: its message is above."
  restore
  trap - EXIT INT TERM HUP
  if [ -n "$units" ] && command -v systemctl >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    $as_root systemctl disable --quiet $units 2>/dev/null || true
  fi
}

with_brew() {
  formulas=
  for name in "$@"; do
    case $name in
      postgresql) formulas="$formulas postgresql@17" ;;
      mosquitto | mosquitto-clients) formulas="$formulas mosquitto" ;;
      promtool) formulas="$formulas prometheus" ;;
      *) formulas="$formulas $name" ;;
    esac
  done
  say "Installing$formulas with brew …"
  # shellcheck disable=SC2086
  brew install --quiet $formulas || fail "brew could not install$formulas: its message is above."
}

if command -v apt-get >/dev/null 2>&1; then
  with_apt "$@"
elif command -v brew >/dev/null 2>&1; then
  with_brew "$@"
else
  fail "Please install these with your system's package manager, then run this again: $*"
fi
