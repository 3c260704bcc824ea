#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The five processes with the dev settings, the sockmap forced.
# shellcheck disable=SC2317 # check calls the functions
set -u
# shellcheck source=tests/vm/guest/lib.sh
. tests/vm/guest/lib.sh

requests() { # N
	curl --silent --show-error --cacert settings/dev/certs/root.crt --max-time 200 \
		--resolve "$domain:4433:127.0.0.1" --header 'Connection: close' \
		--parallel --parallel-max 10 "$url#[1-$1]" >"$dir/answers" || return
	echo "$(grep -c '^{"message":"success"}$' "$dir/answers") answers are right"
	[ "$(grep -c '^{"message":"success"}$' "$dir/answers")" -eq "$1" ]
}

in_turns() {
	streamed --up 1000000 --down 1000000 --ping 1000 --nodelay >"$dir/turns" || return
	cat "$dir/turns"
	moved_by_kernel 1900000
}

mib=$((1024 * 1024))
# Handshakes are what an emulated CPU is slowest at.
many=300
[ "${PASSAGE_TEST_SCALE:-1}" -le 1 ] || many=60
force_sockmap
plan 10
start_five hyper >"$dir/started"
start_streamer
check "the five processes answer" ready
check "$many requests, each on a connection of its own" requests "$many"
check "a conversation in turns, moved by the kernel" in_turns
check "20 MiB up and down at once" streamed --up $((20 * mib)) --down $((20 * mib))
check "upload, FIN, then the answer" \
	streamed --up $((2 * mib)) --down $((3 * mib)) --answer-late --connections 4
check "FIN right behind the hello" \
	streamed --up 0 --down 1000 --half-close --connections 20 --total 100
check "16 connections, writes of every size, pauses" \
	streamed --up $mib --down $mib --connections 16 --write 1-262144 --pause 5:3000 --nodelay
check "a reader that stalls" \
	streamed --down $((8 * mib)) --up 1000 --stall 10000:1000 --rcvbuf 4096
check "RST in the middle of a download" streamed --down $((20 * mib)) --reset-received $mib
finish
