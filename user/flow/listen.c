// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/listen.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/loop/socket.h"
#include "user/flow/complain.h"
#include "user/flow/rate_gate.h"
#include "user/flow/worker.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define BACKLOG  4096 /* the kernel lowers it to net.core.somaxconn */
#define BURST    64   /* then open connections get their turn */
#define BACK_OFF (100 * NS_PER_MS)

/* Without `config` it is only tried whether the port is free. */
static int open_socket(const struct addr *addr, const struct config *config)
{
	AUTO_CLOSE int fd =
		socket(addr->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&addr->sa;
	int on = 1, off = 0;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (config && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0)
		return -errno;
	/* "[::]" serves IPv4 too, as addr_parse() means it for an empty host. */
	if (addr->sa.ss_family == AF_INET6) {
		bool any = IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, any ? &off : &on, sizeof(on));
	}
	/* Inherited by what is accepted: no calls for each connection, and from its first byte on.
	 */
	if (config) {
		socket_prepare(fd, config->plane.memory);
		socket_keep_alive(fd, config->keepalive);
	}
	if (bind(fd, (const struct sockaddr *)&addr->sa, addr->len) < 0)
		return -errno;
	if (listen(fd, BACKLOG) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int listen_probe(const struct addr *addr)
{
	AUTO_CLOSE int fd = open_socket(addr, NULL);

	return fd < 0 ? fd : 0;
}

/* No descriptors, no memory: stop asking for a moment instead of spinning on a readable listener.
 */
static void back_off(struct listen *listen, int error)
{
	struct worker *worker = listen->worker;

	if (!listen->complained)
		log_error("accept: %s; waiting until connections have ended", strerror(error));
	listen->complained = true;
	watch_remove(worker->epoll, &listen->watch);
	timer_arm(&worker->timers, &listen->back_off, clock_now() + BACK_OFF);
}

static void on_back_off_over(struct timer *timer)
{
	struct listen *listen = container_of(timer, struct listen, back_off);

	if (watch_set(listen->worker->epoll, &listen->watch, EPOLLIN) < 0)
		timer_arm(&listen->worker->timers, timer, clock_now() + BACK_OFF);
}

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

static void on_ready(struct watch *watch, uint32_t events)
{
	struct listen *listen = container_of(watch, struct listen, watch);

	(void)events;
	for (int i = 0; i < BURST; i++) {
		struct addr peer = {.len = sizeof(peer.sa)};
		int fd = accept4(watch->fd, (struct sockaddr *)&peer.sa, &peer.len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (is_shortage(errno))
				back_off(listen, errno);
			if (errno == EAGAIN || is_shortage(errno))
				return;
			continue; /* ECONNABORTED and network errors are the client's */
		}
		listen->complained = false;
		if (listen->gate && !rate_gate_admit(listen->gate, &peer)) {
			complain(&listen->worker->complaints, COMPLAINT_RATE, NULL);
			socket_reset_on_close(fd); /* as dial_back.c does */
			(void)close(fd);
			continue;
		}
		listen->accepted(listen->worker, fd, &peer);
	}
}

int listen_open(struct worker *worker, const struct addr *addr, struct rate_gate *gate,
		listen_accepted accepted)
{
	struct listen *listen = calloc(1, sizeof(*listen));

	if (!listen)
		return -ENOMEM;
	listen->worker = worker;
	listen->gate = gate;
	listen->accepted = accepted;
	listen->back_off.fire = on_back_off_over;
	listen->watch.ready = on_ready;
	listen->watch.fd = open_socket(addr, worker->config);
	int r = listen->watch.fd;
	if (r >= 0)
		r = watch_set(worker->epoll, &listen->watch, EPOLLIN);
	if (r < 0) {
		watch_close(&listen->watch);
		free(listen);
		return r;
	}
	LIST_INSERT_HEAD(&worker->listeners, listen, in_worker);
	return 0;
}

void listen_close_all(struct worker *worker)
{
	struct listen *listen;

	LIST_FOREACH(listen, &worker->listeners, in_worker) {
		timer_disarm(&worker->timers, &listen->back_off);
		watch_close(&listen->watch);
	}
}

void listen_free_all(struct worker *worker)
{
	struct listen *listen;

	listen_close_all(worker);
	while ((listen = LIST_FIRST(&worker->listeners))) {
		LIST_REMOVE(listen, in_worker);
		free(listen);
	}
}
