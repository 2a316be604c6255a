#!/bin/sh
# Postgres, Valkey and Mosquitto as somebody else runs them, in a namespace of their own: TLS with an authority of their
# own, users and passwords full of characters that break URLs. And the Secrets that ci/minimal and ci/existing-secrets name.
#
# Usage: stores.sh CONTEXT
set -eu
cd "$(dirname "$0")/../.."
context=$1
here=test/cluster
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

in_databases() { kubectl --context "$context" --namespace databases "$@"; }
in_metering() { kubectl --context "$context" --namespace metering "$@"; }
secret() { kubectl create secret generic --dry-run=client --output yaml "$@"; }

PASSWORD='p%40/s:#?&w@rd'

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=team-ca -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
certificate() {
  openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$work/$1.key" -out "$work/$1.csr" 2>/dev/null
  printf 'subjectAltName=DNS:%s,DNS:%s.databases.svc\n' "$1" "$1" >"$work/$1.ext"
  openssl x509 -req -days 2 -in "$work/$1.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial \
    -extfile "$work/$1.ext" -out "$work/$1.pem" 2>/dev/null
}

for namespace in databases metering; do
  kubectl --context "$context" create namespace "$namespace" --dry-run=client --output yaml |
    kubectl --context "$context" apply --filename -
done
for store in postgres valkey mosquitto odometer; do certificate "$store"; done
for store in postgres valkey mosquitto; do
  secret "$store" --from-file="tls.crt=$work/$store.pem" --from-file="tls.key=$work/$store.key" \
    --from-file="ca.crt=$work/ca.pem" --from-literal="password=$PASSWORD" | in_databases apply --filename -
done
in_databases apply --filename "$here/stores.yaml"

{
  secret odometer-postgres --from-literal="password=$PASSWORD"
  echo ---
  secret odometer-redis --from-literal="password=$PASSWORD"
  echo ---
  secret odometer-mqtt --from-literal=username=odometer --from-literal="password=$PASSWORD"
  echo ---
  secret odometer-db --from-literal="db-password=$PASSWORD"
  echo ---
  secret team-valkey --from-literal="valkey-pass=$PASSWORD"
  echo ---
  secret team-broker --from-literal=user=odometer --from-literal="pass=$PASSWORD"
  echo ---
  secret team-ca --from-file="root.pem=$work/ca.pem"
  echo ---
  kubectl create secret tls broker-client --cert "$work/odometer.pem" --key "$work/odometer.key" --dry-run=client --output yaml
  echo ---
  kubectl create secret docker-registry registry-login --docker-server registry.invalid --docker-username nobody \
    --docker-password none --dry-run=client --output yaml
} | in_metering apply --filename -

for store in postgres valkey mosquitto; do
  in_databases rollout status "deployment/$store" --timeout 5m
done
