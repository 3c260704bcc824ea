#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The whole chain on one machine: starts the five processes with the dev
# roles, asks the internal server through both proxies, prints the answer as
# the last line, and stops them. Logs: build/demo.
#
#   tools/demo.sh [hyper|eps]
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tools/five.sh
. tools/five.sh
name=${1:-hyper}
dir=${DEMO_DIR:-build/demo}
case $name in
hyper | eps) ;;
*) die "NAME=$name: there are hyper and eps" ;;
esac
check_built

check_ports
mkdir -p "$dir"
rm -f "$dir"/*.log
say "Starting the five processes; their logs are in $dir"
start_five "$name"
say "Waiting until they serve"
wait_ready
say "Asking: curl --cacert settings/dev/certs/root.crt --resolve $domain:4433:127.0.0.1 $url"
before=$(wc -l <"$dir/public-proxy.log")
answer=$(ask --max-time 10)

# What the public proxy says about that connection when it has ended.
tries=0
until line=$(tail -n "+$((before + 1))" "$dir/public-proxy.log" | grep 'connection .* closed: ' | tail -n 1) &&
	[ -n "$line" ]; do
	tries=$((tries + 1))
	[ "$tries" -lt 50 ] || break
	sleep 0.1
done
field() { printf '%s\n' "$line" | sed -n "s/.* $1=\([^ ]*\).*/\1/p"; }
if [ -n "$line" ]; then
	say "The public proxy moved $(field up) bytes up and $(field down) down;" \
		"the kernel moved $(field kernel_up) and $(field kernel_down) of these (path: $(field path))"
fi
say "$answer"
[ "$answer" = '{"message":"success"}' ]
