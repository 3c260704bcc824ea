// SPDX-License-Identifier: BSD-2-Clause
#include "common/net/listener.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/net/rate_limit.h"
#include "common/net/unix_socket.h"

#include <errno.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ADDRESSES_MAX 8
#define BACKLOG       256
/* After accept() failed for want of descriptors or memory: time for some to be freed. */
#define PAUSE_MS 100

struct listener {
	char *name;
	listener_accept accept;
	void *arg;
	struct rate_limit *limit;
	struct event *resume;
	struct evconnlistener *sockets[ADDRESSES_MAX];
	size_t n_sockets;
	uint16_t port;
	bool loopback;
};

static void on_accept(struct evconnlistener *socket, evutil_socket_t fd, struct sockaddr *sa,
		      int length, void *arg)
{
	struct listener *listener = arg;
	struct addr peer = {.len = (socklen_t)length};
	char text[ADDR_TEXT_MAX];

	(void)socket;
	memcpy(&peer.sa, sa, (size_t)length);
	if (!rate_limit_admit(listener->limit, &peer, (uint64_t)clock_now_ms())) {
		addr_format_anonymous(&peer, text);
		log_debug("%s: connection from %s is over the rate limit", listener->name, text);
		(void)close(fd);
		return;
	}
	listener->accept(fd, &peer, listener->arg);
}

static void on_error(struct evconnlistener *socket, void *arg)
{
	struct listener *listener = arg;
	struct timeval pause = {.tv_usec = PAUSE_MS * 1000};

	(void)socket;
	if (!evtimer_pending(listener->resume, NULL))
		log_error("%s: cannot accept: %s", listener->name, strerror(errno));
	for (size_t i = 0; i < listener->n_sockets; i++)
		(void)evconnlistener_disable(listener->sockets[i]);
	(void)evtimer_add(listener->resume, &pause);
}

static void on_resume(evutil_socket_t fd, short events, void *arg)
{
	struct listener *listener = arg;

	(void)fd;
	(void)events;
	for (size_t i = 0; i < listener->n_sockets; i++)
		(void)evconnlistener_enable(listener->sockets[i]);
}

static bool is_any6(const struct addr *addr)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&addr->sa;

	return addr->sa.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
}

static int open_socket(const struct addr *addr, int *ret)
{
	int family = addr->sa.ss_family, on = 1, v6only = !is_any6(addr);
	AUTO_CLOSE int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)) < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&addr->sa, addr->len) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

static void set_port(struct addr *addr, uint16_t port)
{
	if (addr->sa.ss_family == AF_INET)
		((struct sockaddr_in *)&addr->sa)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)&addr->sa)->sin6_port = htons(port);
}

static uint16_t bound_port(int fd)
{
	struct addr addr = {.len = sizeof(addr.sa)};

	if (getsockname(fd, (struct sockaddr *)&addr.sa, &addr.len) < 0)
		return 0;
	return ntohs(addr.sa.ss_family == AF_INET ? ((struct sockaddr_in *)&addr.sa)->sin_port
						  : ((struct sockaddr_in6 *)&addr.sa)->sin6_port);
}

/* Takes `fd` in any case. */
static int watch_socket(struct listener *listener, struct event_base *base, int fd)
{
	struct evconnlistener *socket = evconnlistener_new(
		base, on_accept, listener, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);

	if (!socket) {
		(void)close(fd);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(socket, on_error);
	listener->sockets[listener->n_sockets++] = socket;
	return 0;
}

static int add_socket(struct listener *listener, struct event_base *base, struct addr *addr)
{
	AUTO_CLOSE int fd = -1;

	if (listener->port > 0)
		set_port(addr, listener->port);
	int r = open_socket(addr, &fd);
	/* Every address of a host without IPv6. */
	if (r == -EAFNOSUPPORT && is_any6(addr)) {
		struct sockaddr_in any = {.sin_family = AF_INET};
		any.sin_port = ((struct sockaddr_in6 *)&addr->sa)->sin6_port;
		memcpy(&addr->sa, &any, sizeof(any));
		addr->len = sizeof(any);
		r = open_socket(addr, &fd);
	}
	if (r < 0)
		return r;
	uint16_t port = bound_port(fd);
	r = watch_socket(listener, base, TAKE_FD(fd));
	if (r < 0)
		return r;
	listener->port = port;
	listener->loopback = listener->loopback && addr_is_loopback(addr);
	return 0;
}

static int add_sockets(struct listener *listener, struct event_base *base, char **ret_error)
{
	struct addr addresses[ADDRESSES_MAX];
	char text[ADDR_TEXT_MAX];
	int n = addr_resolve(listener->name, addresses, ADDRESSES_MAX);

	if (n < 0)
		return error_set(ret_error, n, "cannot listen on %s: %s", listener->name,
				 n == -ENOENT ? "the name does not resolve"
					      : "not an address of the form host:port");
	for (int i = 0; i < n; i++) {
		int r = add_socket(listener, base, &addresses[i]);
		if (r == 0)
			continue;
		addr_format(&addresses[i], text);
		/* Containers often have no IPv6 loopback: IPv4 alone will do. */
		if (addresses[i].sa.ss_family == AF_INET6 && listener->n_sockets > 0) {
			log_debug("not listening on %s: %s", text, strerror(-r));
			continue;
		}
		return error_set(ret_error, r, "cannot listen on %s (bind_address %s): %s", text,
				 listener->name, strerror(-r));
	}
	return 0;
}

static void cleanup_listener(struct listener **listener)
{
	listener_free(*listener);
}

static int make(struct event_base *base, const char *name, listener_accept accept, void *arg,
		struct listener **ret)
{
	CLEANUP(cleanup_listener) struct listener *listener = calloc(1, sizeof(*listener));

	if (!listener)
		return -ENOMEM;
	listener->accept = accept;
	listener->arg = arg;
	listener->loopback = true;
	listener->name = strdup(name);
	listener->resume = evtimer_new(base, on_resume, listener);
	if (!listener->name || !listener->resume)
		return -ENOMEM;
	*ret = TAKE_PTR(listener);
	return 0;
}

int listener_new(struct event_base *base, const char *bind_address, const json_t *rate_limits,
		 listener_accept accept, void *arg, struct listener **ret, char **ret_error)
{
	CLEANUP(cleanup_listener) struct listener *listener = NULL;

	int r = make(base, bind_address, accept, arg, &listener);
	if (r < 0)
		return r;
	r = rate_limit_new(rate_limits, &listener->limit);
	if (r < 0)
		return error_set(ret_error, r, "tcp_rate_limits of %s: %s", bind_address,
				 strerror(-r));
	r = add_sockets(listener, base, ret_error);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(listener);
	return 0;
}

int listener_new_unix(struct event_base *base, const struct unix_socket *unix_socket,
		      listener_accept accept, void *arg, struct listener **ret, char **ret_error)
{
	CLEANUP(cleanup_listener) struct listener *listener = NULL;
	int fd;

	int r = make(base, unix_socket->path, accept, arg, &listener);
	if (r < 0)
		return r;
	r = unix_socket_listen(unix_socket, BACKLOG, &fd);
	if (r < 0)
		return error_set(ret_error, r, "cannot listen on %s: %s", unix_socket->path,
				 r == -EADDRINUSE ? "another process listens there" : strerror(-r));
	r = watch_socket(listener, base, fd);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(listener);
	return 0;
}

void listener_free(struct listener *listener)
{
	if (!listener)
		return;
	for (size_t i = 0; i < listener->n_sockets; i++)
		evconnlistener_free(listener->sockets[i]);
	if (listener->resume)
		event_free(listener->resume);
	rate_limit_free(listener->limit);
	free(listener->name);
	free(listener);
}

bool listener_is_loopback(const struct listener *listener)
{
	return listener->loopback;
}

const char *listener_name(const struct listener *listener)
{
	return listener->name;
}

uint16_t listener_port(const struct listener *listener)
{
	return listener->port;
}
