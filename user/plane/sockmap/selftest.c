// SPDX-License-Identifier: BSD-2-Clause
#include "user/plane/sockmap/selftest.h"

#include "common/base/cleanup.h"
#include "common/loop/socket.h"
#include "user/plane/sockmap/door.h"
#include "user/plane/sockmap/overlap.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define PATIENCE_MS 500

/* Two connections; near[0] and near[1] are bridged, far[] are their peers. */
struct bench {
	int near[2], far[2];
	uint64_t cookies[2];
	uint32_t slots[2];
	struct kernel_share *share;
};

static int connect_pair(int *ret_near, int *ret_far)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	socklen_t length = sizeof(addr);
	int on = 1;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	AUTO_CLOSE int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO_CLOSE int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || far < 0)
		return -errno;
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&addr, &length) < 0 ||
	    connect(far, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	AUTO_CLOSE int near = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (near < 0)
		return -errno;
	(void)setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	*ret_near = TAKE_FD(near);
	*ret_far = TAKE_FD(far);
	return 0;
}

static int bridge(struct bench *bench)
{
	for (int i = 0; i < 2; i++) {
		socklen_t length = sizeof(bench->cookies[i]);

		if (getsockopt(bench->near[i], SOL_SOCKET, SO_COOKIE, &bench->cookies[i], &length) <
		    0)
			return -errno;
		int r = kernel_slot_take(bench->share, bench->cookies[i], 1 << 20, NULL,
					 &bench->slots[i]);
		if (r < 0)
			return r;
		kernel_flow(bench->share, bench->slots[i])->offered = 1;
	}
	for (int i = 0; i < 2; i++)
		kernel_flow(bench->share, bench->slots[i])->peer_slot = bench->slots[!i];
	int r = kernel_peer_add(bench->share, bench->cookies[0], bench->near[1]);
	return r < 0 ? r : kernel_peer_add(bench->share, bench->cookies[1], bench->near[0]);
}

/* Exactly these bytes come out of `fd`, and no more. */
static int expect(int fd, const char *bytes, size_t length)
{
	char got[256];
	size_t have = 0;

	while (have < length) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

		if (poll(&poll_fd, 1, PATIENCE_MS) <= 0)
			return -ETIMEDOUT;
		ssize_t n = recv(fd, got + have, sizeof(got) - have, MSG_DONTWAIT);
		if (n <= 0)
			return n < 0 ? -errno : -EPIPE;
		have += (size_t)n;
	}
	if (have > length || memcmp(got, bytes, length) != 0)
		return -EBADMSG;
	return 0;
}

static int expect_end(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	char byte;

	if (poll(&poll_fd, 1, PATIENCE_MS) <= 0)
		return -ETIMEDOUT;
	ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);
	return n == 0 ? 0 : n < 0 ? -errno : -EBADMSG;
}

static int test_bytes(struct bench *bench)
{
	static const char there[] = "from outside to inside", back[] = "and back";

	if (send(bench->far[0], there, sizeof(there), MSG_NOSIGNAL) < 0)
		return -errno;
	int r = expect(bench->far[1], there, sizeof(there));
	if (r < 0)
		return r;
	if (send(bench->far[1], back, sizeof(back), MSG_NOSIGNAL) < 0)
		return -errno;
	r = expect(bench->far[0], back, sizeof(back));
	if (r < 0)
		return r;
	if (kernel_flow(bench->share, bench->slots[0])->redirected != sizeof(there) ||
	    kernel_flow(bench->share, bench->slots[1])->redirected != sizeof(back))
		return -EIO;
	return 0;
}

static int test_fin(struct bench *bench)
{
	static const char after[] = "after the other side's FIN";

	if (shutdown(bench->far[1], SHUT_WR) < 0)
		return -errno;
	int r = expect_end(bench->near[1]);
	if (r < 0)
		return r;
	if (send(bench->far[0], after, sizeof(after), MSG_NOSIGNAL) < 0)
		return -errno;
	return expect(bench->far[1], after, sizeof(after));
}

/* Last, since the two ends do not agree about their sequence numbers any more. */
static int test_overlap(struct bench *bench)
{
	static const char segment[] = "FIN"
				      "which is new";

	int r = overlap_send(bench->far[0], segment, sizeof(segment), 3);
	if (r == -EPERM)
		return 1; /* no raw sockets: then this part is left to the tests */
	if (r < 0)
		return r;
	r = expect(bench->far[1], segment + 3, sizeof(segment) - 3);
	if (r < 0)
		return r;
	volatile struct flow *flow = kernel_flow(bench->share, bench->slots[0]);
	return flow->overlaps == 1 && flow->trimmed == 3 ? 0 : -EIO;
}

static int run(struct bench *bench, const char **ret_step)
{
	int r;

	*ret_step = "connections on loopback";
	for (int i = 0; i < 2; i++) {
		r = connect_pair(&bench->near[i], &bench->far[i]);
		if (r < 0)
			return r;
	}
	*ret_step = "inserting sockets";
	r = bridge(bench);
	if (r < 0)
		return r;
	*ret_step = "a socket filter, which no stream can leave the map without and which may need "
		    "CAP_NET_ADMIN";
	for (int i = 0; i < 2; i++) {
		r = door_check(bench->near[i]);
		if (r < 0)
			return r;
	}
	*ret_step = "bytes";
	r = test_bytes(bench);
	if (r < 0)
		return r;
	*ret_step = "FIN";
	r = test_fin(bench);
	if (r < 0)
		return r;
	*ret_step = "overlap";
	return test_overlap(bench);
}

/*
 * With RST: ends that do not agree about their sequence numbers would repeat
 * themselves for minutes after a close.
 */
static void drop_end(int *fd)
{
	if (*fd >= 0)
		socket_reset_on_close(*fd);
	cleanup_close(fd);
}

int selftest(struct kernel *kernel, char why[KERNEL_WHY])
{
	struct bench bench = {{-1, -1}, {-1, -1}, {0, 0}, {UINT32_MAX, UINT32_MAX}, NULL};
	const char *step = "ring buffer";

	int r = kernel_share_new(kernel, 0, NULL, &bench.share);
	if (r == 0)
		r = run(&bench, &step);
	for (int i = 0; i < 2; i++) {
		drop_end(&bench.near[i]);
		drop_end(&bench.far[i]);
		if (bench.slots[i] != UINT32_MAX)
			kernel_slot_give_back(bench.share, bench.slots[i]);
	}
	kernel_share_free(bench.share);
	if (r < 0)
		snprintf(why, KERNEL_WHY, "%s: %s", step, strerror(-r));
	return r;
}
