#!/bin/sh
# Makes the secrets of compose.yaml, once, for the user that the nodes run as. Keep a copy of secrets/kek elsewhere:
# without it no card key can be opened.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
[ -e secrets/kek ] || random 32 > secrets/kek
[ -e secrets/pgpassword ] || random 24 > secrets/pgpassword
[ -e secrets/grafana ] || random 12 > secrets/grafana
[ -e secrets/pgpass ] || printf '*:*:*:kami:%s\n' "$(cat secrets/pgpassword)" > secrets/pgpass
chmod 400 secrets/kek
# Root alone can give files away; whoever runs containers without root does not need to.
if [ "$(id -u)" = 0 ]; then chown 10001:10001 secrets/kek secrets/pgpass secrets/grafana; fi
