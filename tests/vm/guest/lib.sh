# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# Sourced by the guest's tests: TAP, and the five processes. tools/five.sh
# starts and stops these, as it does for the demo.
# shellcheck disable=SC2034 # for five.sh
dir=/tmp/${0##*/}
PASSAGE_BIN=build/bin
stream=stream.internal-server.local
# Each test has the tree for itself, with settings that it may change.
mkdir -p "$dir/tree" "$dir/log"
cp -a . "$dir/tree"
cd "$dir/tree" || exit
dir=$dir/log
mkdir -p build/state
# shellcheck source=tools/five.sh
. tools/five.sh

n=0
failed=0
check() { # WHAT COMMAND...
	what=$1
	shift
	n=$((n + 1))
	if "$@" >"$dir/out" 2>&1; then
		echo "ok $n - $what"
	else
		echo "not ok $n - $what"
		failed=1
		tail -c 3000 "$dir/out" | sed 's/^/# /'
	fi
}

# More settings for a proxy, merged last.
settle() { # ROLE JSON
	printf '%s\n' "$2" >"settings/dev/roles/$1/900_vm.json"
}

ready() {
	(
		trap - EXIT
		wait_ready
	)
}

force_sockmap() {
	forward_by sockmap
}

forward_by() { # auto|sockmap
	settle public-proxy-1 '{"forwarding": "'"$1"'"}'
	settle private-proxy-1 '{"forwarding": "'"$1"'", "private": {"announcements": [{
		"domain": "'$stream'", "proxies": ["public-proxy-1.ga"], "internal_address": "localhost:8889"}]}}'
}

plan() { # TESTS
	echo "1..$1"
}

# The server for content that knows its place. Its exit status tells of resets that a test wanted.
start_streamer() {
	# shellcheck disable=SC2086 # words are wanted
	$inside build/tests/tools/streamer server localhost 8889 >"$dir/streamer.log" 2>&1 </dev/null &
	streamer=$!
}

# Ends the test program: SIGTERM for all processes, each of which has to end by it with status 0.
finish() {
	trap - EXIT
	check "all processes stop on SIGTERM" stop_all
	if [ "$failed" -ne 0 ]; then
		for log in "$dir"/*.log; do
			echo "# --- $log"
			tail -n 25 "$log" | sed 's/^/# /'
		done
	fi
	exit "$failed"
}

stop_all() {
	bad=0
	for pid in $pids; do
		kill -TERM "$pid" || bad=1
	done
	for pid in $pids; do
		wait "$pid" || {
			echo "process $pid: exit status $?"
			bad=1
		}
	done
	pids=
	kill "$streamer"
	wait "$streamer" || :
	return $bad
}

# Both proxies' lines about ended connections must say that the kernel moved at least this.
moved_by_kernel() { # BYTES
	for side in public private; do
		awk -v least="$1" '
			/ closed: .*path=sockmap/ {
				for (i = 1; i <= NF; i++)
					if ($i ~ /^kernel_(up|down)=/) {
						split($i, part, "=")
						sum += part[2]
					}
			}
			END { print FILENAME ": " sum + 0 " bytes by the kernel"; exit sum < least }
		' "$dir/$side-proxy.log" || return
	done
}

streamed() { # ARGUMENTS OF streamer client, after the address
	# shellcheck disable=SC2086 # words are wanted
	$inside build/tests/tools/streamer client "$host" 4433 --hello "$stream" --timeout 200 "$@"
}
host=127.0.0.1
inside=
