// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/sockmap/account.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
/* include/net/tcp_states.h, which no header of user space shares with struct tcp_info's new fields.
 */
enum {
	TCP_CLOSE = 7,
	TCP_CLOSE_WAIT = 8,
	TCP_LAST_ACK = 9,
	TCP_CLOSING = 11,
};
/* The kernel's own header: glibc's struct tcp_info ends before the byte counters. */
#include <linux/tcp.h>

#define ATTEMPTS 16 /* acknowledgements may come in between, but not for ever */
#define PAUSE_NS 100000

static int tcp_info(int fd, struct tcp_info *ret)
{
	socklen_t length = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, ret, &length) < 0)
		return -errno;
	if (length < offsetof(struct tcp_info, tcpi_segs_out))
		return -EOPNOTSUPP;
	return 0;
}

int account_received(int fd, struct account_in *ret)
{
	struct tcp_info info;

	int r = tcp_info(fd, &info);
	if (r < 0)
		return r;
	ret->received = info.tcpi_bytes_received;
	ret->state = info.tcpi_state;
	return 0;
}

int account_taken_exactly(int fd, uint64_t *ret)
{
	struct tcp_info before, after;
	int queued;

	for (int i = 0; i < ATTEMPTS; i++) {
		int r = tcp_info(fd, &before);
		if (r < 0)
			return r;
		if (ioctl(fd, SIOCOUTQ, &queued) < 0)
			return -errno;
		r = tcp_info(fd, &after);
		if (r < 0)
			return r;
		if (before.tcpi_bytes_acked == after.tcpi_bytes_acked) {
			*ret = before.tcpi_bytes_acked + (uint64_t)queued;
			return 0;
		}
	}
	return -EAGAIN;
}

int account_taken(int fd, uint64_t *ret)
{
	struct tcp_info info;
	int queued;

	int r = tcp_info(fd, &info);
	if (r < 0)
		return r;
	/* tcp_ioctl(): write_seq − snd_una. Asked second, so that the sum errs to the safe side. */
	if (ioctl(fd, SIOCOUTQ, &queued) < 0)
		return -errno;
	*ret = info.tcpi_bytes_acked + (uint64_t)queued;
	return 0;
}

/* States that follow a FIN of the peer. TCP_CLOSE tells nothing, and its owner will hear of it. */
static bool has_fin(uint8_t state)
{
	return state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK || state == TCP_CLOSING;
}

/* 1: complete; 0: not, or not yet; -EAGAIN: bytes came in between. */
static int look_whether_complete(int fd, uint64_t seen)
{
	struct account_in before, after;
	int queued;

	int r = account_received(fd, &before);
	if (r < 0)
		return r;
	if (ioctl(fd, SIOCINQ, &queued) < 0)
		return -errno;
	r = account_received(fd, &after);
	if (r < 0)
		return r;
	if (after.state == TCP_CLOSE)
		return 1;
	if (before.received != after.received)
		return -EAGAIN;
	return after.received == seen + (uint64_t)queued + (has_fin(after.state) ? 1 : 0);
}

int account_complete(int fd, uint64_t seen)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	int r = -EAGAIN;

	for (int i = 0; i < ATTEMPTS && (r == -EAGAIN || r == 0); i++) {
		/*
		 * The kernel's worker may hold the psock for the instant in which it ends, and
		 * the socket keeps the sockmap's functions as long. Up to 6.12.84 SIOCINQ is
		 * TCP's own there, too; later it counts other bytes (docs/kernel.md, "FIONREAD").
		 */
		if (r == 0)
			(void)nanosleep(&pause, NULL);
		r = look_whether_complete(fd, seen);
	}
	return r;
}
