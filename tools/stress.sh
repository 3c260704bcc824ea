#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# N requests, 25 at a time, each a curl of its own through the five
# processes. Prints what failed, the rate, and percentiles of the latency.
#
#   tools/stress.sh [hyper|eps] [N]
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tools/five.sh
. tools/five.sh
name=${1:-hyper}
n=${2:-2000}
dir=${DEMO_DIR:-build/stress}
case $name in
hyper | eps) ;;
*) die "NAME=$name: there are hyper and eps" ;;
esac
case $n in
'' | *[!0-9]*) die "N=$n: not a number" ;;
esac
check_built
command -v parallel >/dev/null || die "GNU parallel is missing: make deps"

check_ports
mkdir -p "$dir"
rm -f "$dir"/*.log "$dir"/results
say "Starting the five processes; their logs are in $dir"
start_five "$name"
wait_ready
say "Sending $n requests, 25 at a time"
begin=$(date +%s%N)
# One line a request: curl's exit status, the HTTP status, seconds, the answer or the error.
export domain url
# shellcheck disable=SC2016 # expanded by the shell of each request
one='answer=$(curl --silent --show-error --max-time 30 --cacert settings/dev/certs/root.crt \
	--resolve "$domain:4433:127.0.0.1" --write-out " %{http_code} %{time_total}" "$url" 2>&1)
printf "%s %s\n" "$?" "$(printf "%s" "$answer" | tr "\n" " ")"'
seq "$n" | parallel --will-cite --jobs 25 --max-args 0 "$one" >"$dir/results" || :
end=$(date +%s%N)

good='^0 {"message":"success"}  200 '
grep -v "$good" "$dir/results" | sort | uniq -c | head -n 20 || :
served=$(grep -c "$good" "$dir/results" || :)
awk -v n="$n" -v ok="$served" -v ns=$((end - begin)) 'BEGIN {
	printf "%d requests, %d failed, %.0f a second\n", n, n - ok, n / (ns / 1e9) }'
sed -n "s/$good//p" "$dir/results" | sort -n | awk '
	{ ms[NR] = $1 * 1000 }
	function at(p, i) { i = int((NR * p + 99) / 100); return ms[i < 1 ? 1 : i] }
	END { if (NR) printf "latency in ms: p50 %.1f, p90 %.1f, p99 %.1f, max %.1f\n",
		at(50), at(90), at(99), ms[NR] }'
[ "$served" -eq "$n" ]
