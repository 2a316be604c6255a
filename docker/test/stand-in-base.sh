#!/bin/sh
# Makes an image that stands in for a base image where nothing can be pulled: Debian by debootstrap, Node from its package
# in the npm registry, imported under the base's name.
#
# Usage: stand-in-base.sh (node:… | gcr.io/distroless/nodejs…), as root and with DOCKER_HOST of an engine that only tests use
set -eu
cd "$(dirname "$0")/../.."

base=$1
# The same major version as the names of the base images say.
NODE_MAJOR=24
NPM_MAJOR=11
DEBIAN=bookworm
LIBRARIES='libc6 libgcc-s1 libstdc++6 ca-certificates tzdata netbase'

fail() { printf '\n%s\n' "$*" >&2; exit 1; }

case $(uname -m) in
  x86_64) architecture=x64 ;;
  aarch64) architecture=arm64 ;;
  *) fail "There is no Node for $(uname -m) in the npm registry." ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
printf 'Making a stand-in for %s …\n' "$base"

# Unpacks the newest version of a package of the npm registry into a directory.
unpack() {
  mkdir -p "$2"
  file=$(cd "$work" && npm pack --silent "$1" | tail -n 1) || fail "npm could not fetch $1."
  tar -xzf "$work/$file" -C "$2" --strip-components=1 --no-same-owner
}
unpack "node-linux-$architecture@$NODE_MAJOR" "$work/node"

import() { tar -C "$work/root" --numeric-owner -c . | docker import "$@" - "$base" >/dev/null; }
PATH_OF_IMAGE='ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

# The mirror that this machine's own packages come from.
mirror=http://deb.debian.org/debian
if [ "$(. /etc/os-release && echo "$ID")" = debian ]; then
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
fi

case $base in
  node:*)
    debootstrap --variant=minbase "$DEBIAN" "$work/root" "$mirror" >"$work/log" 2>&1 ||
      { tail -n 5 "$work/log" >&2; fail "debootstrap failed with $mirror: the end of its log is above."; }
    install -D "$work/node/bin/node" "$work/root/usr/local/bin/node"
    unpack "npm@$NPM_MAJOR" "$work/root/usr/local/lib/node_modules/npm"
    ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/root/usr/local/bin/npm"
    chmod +x "$work/root/usr/local/lib/node_modules/npm/bin/npm-cli.js"
    # As in the image of Debian's that it stands in for.
    rm -rf "$work"/root/var/cache/apt "$work"/root/var/lib/apt/lists/* "$work"/root/var/log/* \
      "$work"/root/usr/share/doc "$work"/root/usr/share/man "$work"/root/usr/share/info "$work"/root/usr/share/locale
    # The registry may be signed by an authority that only this machine knows.
    if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
      install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$work/root/etc/ssl/certs/ca-certificates.crt"
    fi
    import --change "$PATH_OF_IMAGE" --change 'CMD ["node"]'
    ;;
  gcr.io/distroless/nodejs*)
    mkdir -p "$work/packages" "$work/root"
    # shellcheck disable=SC2086 # a list of words
    (cd "$work/packages" && apt-get -q download $LIBRARIES >/dev/null 2>&1) || fail "apt-get could not download $LIBRARIES."
    for package in "$work"/packages/*.deb; do dpkg-deb --extract "$package" "$work/root"; done
    # Nothing to run but Node: what starts a shell, or a program beside it, fails here.
    rm -rf "$work"/root/bin "$work"/root/sbin "$work"/root/usr/bin "$work"/root/usr/sbin "$work"/root/usr/share/doc \
      "$work"/root/usr/share/man "$work"/root/usr/share/locale
    install -D "$work/node/bin/node" "$work/root/nodejs/bin/node"
    install -d -m 1777 "$work/root/tmp"
    install -d "$work/root/etc"
    printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >"$work/root/etc/passwd"
    import --change "$PATH_OF_IMAGE" --change 'USER 65532' --change 'WORKDIR /home/nonroot' \
      --change 'ENTRYPOINT ["/nodejs/bin/node"]'
    ;;
  *) fail "There is no stand-in for $base." ;;
esac
