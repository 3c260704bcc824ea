#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The machine's memory for TCP is exhausted: what is passed by the program
# leaves a socket's account overdrawn, and kernels up to 7.2 then send a
# negative number of bytes (WARN in tcp_sendmsg_locked, or worse).
# shellcheck disable=SC2317 # check calls the functions
set -u
# shellcheck source=tests/vm/guest/lib.sh
. tests/vm/guest/lib.sh

exhaust() {
	# Pages: 4, 18 and 32 MiB. All connections together would like some hundred. Between them
	# lies what does on a machine of 1 GiB, whose marks are 44, 58 and 87 MiB.
	echo "1024 4608 8192" >/proc/sys/net/ipv4/tcp_mem
}

was_exhausted() {
	grep '^TCP:' /proc/net/sockstat
	awk '/^TcpExt:/ {
			if (!n) n = split($0, name)
			else for (i = 2; i <= n; i++) if (name[i] == "TCPMemoryPressures") found = $i
		}
		END { print "memory pressure " found + 0 " times"; exit found + 0 == 0 }' /proc/net/netstat
}

# From 6.0 to 6.4 the kernel's worker makes a corrupt skb of that negative number, and the machine
# crashes: user/plane/sockmap/gate.c does not choose the sockmap there. So these run what a user gets.
case $(uname -r) in
6.[0-4].*)
	echo "# forwarding: auto, since kernel $(uname -r) is known to crash under this with the sockmap"
	forward_by auto
	;;
*) force_sockmap ;;
esac

mib=$((1024 * 1024))
plan 7
start_five hyper >"$dir/started"
start_streamer
check "the five processes answer" ready
# Some are in the sockmap already when it begins.
streamed --up $((2 * mib)) --down $((2 * mib)) --connections 16 --write 1-4096 --pause 20:20000 \
	>"$dir/before" 2>&1 &
before=$!
sleep 1
check "TCP memory of 18 MiB for all, and 32 at most" exhaust
check "connections from before: every byte once" wait "$before"
check "32 connections, writes of every size: every byte once" \
	streamed --up $mib --down $mib --connections 32 --write 1-262144
check "readers that stall: every byte once" \
	streamed --up $((mib / 2)) --down $mib --connections 16 --stall 10000:1000
check "there was pressure" was_exhausted
echo "98304 131072 196608" >/proc/sys/net/ipv4/tcp_mem
finish
