# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# Sourced by demo.sh and stress.sh: start the five processes with the dev
# roles, wait until they serve, stop them.

domain=test.internal-server.local
url="https://$domain:4433/jsonrpc"
bin=${PASSAGE_BIN:-build/bin}
dir=${dir:-build/demo}
pids=

say() { printf '%s\n' "$*"; }
die() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

ask() { # ARGUMENTS OF CURL
	curl --silent --show-error --cacert settings/dev/certs/root.crt \
		--resolve "$domain:4433:127.0.0.1" "$@" "$url"
}

check_built() {
	for program in proxy relay internal-server; do
		[ -x "$bin/$program" ] || die "$bin/$program is not built yet: make && make examples"
	done
	[ -r settings/dev/certs/root.crt ] || die "there are no certificates yet: make certs"
}

check_ports() {
	taken=
	for port in 4433 9999 6655 5544 5556 8877 7766 8888; do
		hex=$(printf '%04X' "$port")
		if cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
			awk -v port=":$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 }
				END { exit !found }'; then
			taken="$taken $port"
		fi
	done
	[ -z "$taken" ] || die "these ports are taken:$taken (ss -tlnp shows by whom). Is a demo running already?"
}

launch() { # LOG VARIABLE=VALUE COMMAND...
	log=$1
	shift
	env "$@" >"$dir/$log.log" 2>&1 </dev/null &
	pids="$pids $!"
	say "  $!	$*"
}

start_five() { # hyper|eps
	roles=settings/dev/roles
	variable=$(printf '%s' "$1" | tr '[:lower:]' '[:upper:]')_SETTINGS
	trap stop_five EXIT
	trap 'exit 130' INT
	trap 'exit 143' HUP TERM
	launch internal-server IS_BIND_ADDRESS=localhost:8888 "$bin/internal-server"
	launch public-relay "$variable=$roles/public-proxy-$1-1" "$bin/$1" server run
	launch private-relay "$variable=$roles/private-proxy-$1-1" "$bin/$1" server run
	launch public-proxy "PROXY_SETTINGS=$roles/public-proxy-1" "$bin/proxy" run public
	launch private-proxy "PROXY_SETTINGS=$roles/private-proxy-1" "$bin/proxy" run private
}

show_logs() {
	for log in "$dir"/*.log; do
		say "--- $log" >&2
		tail -n 15 "$log" >&2
	done
}

wait_ready() {
	tries=0
	until ask --output /dev/null --max-time 2 2>"$dir/curl.err"; do
		for pid in $pids; do
			kill -0 "$pid" 2>/dev/null || {
				show_logs
				die "a process has ended before it could serve; see $dir/*.log"
			}
		done
		tries=$((tries + 1))
		[ "$tries" -lt 150 ] || {
			show_logs
			die "no answer within the time limit; last: $(cat "$dir/curl.err")"
		}
		sleep 0.2
	done
}

stop_five() {
	status=$?
	trap - EXIT
	for pid in $pids; do
		kill -TERM "$pid" 2>/dev/null || :
	done
	tries=0
	for pid in $pids; do
		while kill -0 "$pid" 2>/dev/null; do
			tries=$((tries + 1))
			if [ "$tries" -gt 100 ]; then
				kill -KILL "$pid" 2>/dev/null || :
				say "process $pid did not stop on SIGTERM" >&2
				status=1
				break
			fi
			sleep 0.1
		done
		wait "$pid" 2>/dev/null || :
	done
	pids=
	exit "$status"
}
