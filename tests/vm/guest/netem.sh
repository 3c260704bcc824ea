#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Two hosts on a bad wire. The public relay and proxy are on this one; the
# client, the private relay and proxy and the server on the other, so that each
# byte crosses the wire twice, and all of the control network does.
# shellcheck disable=SC2317 # check calls the functions
set -u
# shellcheck source=tests/vm/guest/lib.sh
. tests/vm/guest/lib.sh
host=192.0.2.1
inside='/usr/bin/ip netns exec inside'

# Not busybox's, which its shell would prefer.
ip() {
	/usr/bin/ip "$@"
}
tc() {
	/usr/bin/tc "$@"
}

wire() {
	ip netns add inside &&
		ip link add wire type veth peer name wire netns inside &&
		ip address add "$host/24" dev wire &&
		ip -n inside address add 192.0.2.2/24 dev wire &&
		ip -n inside link set lo up &&
		# One packet a segment: else the wire would lose 64 KiB at a time.
		ip link set wire gso_max_segs 1 up &&
		ip -n inside link set wire gso_max_segs 1 up
}

bad() { # LOSS
	tc qdisc replace dev wire root netem limit 10000 delay 5ms reorder 5% loss "$1" &&
		tc -n inside qdisc replace dev wire root netem limit 10000 delay 5ms reorder 5% loss "$1"
}

no_sack() {
	echo 0 >/proc/sys/net/ipv4/tcp_sack && $inside sh -c 'echo 0 >/proc/sys/net/ipv4/tcp_sack'
}

start() {
	roles=settings/dev/roles
	launch public-relay HYPER_SETTINGS=$roles/public-proxy-hyper-1 "$bin/hyper" server run
	launch public-proxy PROXY_SETTINGS=$roles/public-proxy-1 "$bin/proxy" run public
	# shellcheck disable=SC2086 # words are wanted
	{
		launch private-relay HYPER_SETTINGS=$roles/private-proxy-hyper-1 $inside "$bin/hyper" server run
		launch private-proxy PROXY_SETTINGS=$roles/private-proxy-1 $inside "$bin/proxy" run private
	}
}

ready() {
	tries=0
	until streamed --up 10 --down 10 --timeout 2; do
		tries=$((tries + 1))
		[ "$tries" -lt 60 ] || return
		sleep 0.3
	done
}

mib=$((1024 * 1024))
address=$host
sed -i "s/localhost:\(4433\|9999\|5556\)/$address:\1/" settings/dev/directory/*.json \
	settings/dev/roles/*/*.yml
force_sockmap
plan 9
check "two hosts, joined by a wire" wire
check "the wire delays, reorders, loses 1 %" bad 1%
start >"$dir/started"
start_streamer
check "a connection over it" ready
check "1 % loss: every byte once" \
	streamed --up $((2 * mib)) --down $((2 * mib)) --connections 8 --write 1-65536 --nodelay
check "the wire loses 5 %" bad 5%
check "5 % loss: every byte once" \
	streamed --up $((mib / 2)) --down $((mib / 2)) --connections 8 --write 1-65536
no_sack
bad 2%
check "2 % loss, no SACK, small writes: every byte once" \
	streamed --up $((mib / 4)) --down $((mib / 4)) --connections 8 --write 8-320 --nodelay
check "the kernel moved the bytes" moved_by_kernel $mib
finish
