#!/bin/sh
# Ends with a sentence for each program that is missing, and where to get it; also when Docker is there and does not answer.
#
# Usage: need.sh (docker | kind | minikube | kubectl | helm) …
set -eu

source_of() {
  case $1 in
    docker) echo 'https://docs.docker.com/engine/install/' ;;
    kind) echo 'https://kind.sigs.k8s.io/docs/user/quick-start/#installation' ;;
    minikube) echo 'https://minikube.sigs.k8s.io/docs/start/' ;;
    kubectl) echo 'https://kubernetes.io/docs/tasks/tools/' ;;
    helm) echo 'https://helm.sh/docs/intro/install/ (3.17 or newer, or 4)' ;;
    *) echo 'the package manager of your system' ;;
  esac
}

missing=
for program in "$@"; do
  if ! command -v "$program" >/dev/null 2>&1; then
    missing=yes
    printf '%s is missing. Get it from %s\n' "$program" "$(source_of "$program")" >&2
  fi
done
[ -z "$missing" ] || { printf 'Nothing was changed. Install what is missing, then run this again.\n' >&2; exit 1; }

case " $* " in
  *' docker '*)
    docker info >/dev/null 2>&1 || {
      printf 'Docker is installed, but its engine does not answer: start it, and see that you may use it (docker info).\n' >&2
      exit 1
    }
    ;;
esac
