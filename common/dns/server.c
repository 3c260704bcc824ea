// SPDX-License-Identifier: BSD-2-Clause
#include "common/dns/server.h"

#include "common/base/cleanup.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

/* How exact time-outs are. c-ares' own answer to "when" walks through all queries. */
#define TICK_MS 50
/* What passes everywhere without fragments (DNS flag day 2020). */
#define EDNS_BYTES 1232
/* As many questions at once. dnsmasq, for one, answers 150. */
#define ASKED_MAX 128

struct server_socket {
	LIST_ENTRY(server_socket) entry;
	struct server *server;
	int fd;
	struct event *event;
};

struct query {
	TAILQ_ENTRY(query) entry;
	struct server *server;
	server_reply reply;
	void *arg;
	int type;
	char name[];
};

static void socket_free(struct server_socket *socket)
{
	LIST_REMOVE(socket, entry);
	if (socket->event)
		event_free(socket->event);
	free(socket);
}

static void process(struct server *server, int read_fd, int write_fd)
{
	server->refs++;
	ares_process_fd(server->channel, read_fd, write_fd);
	server->refs--;
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	const struct server_socket *socket = arg;

	process(socket->server, what & EV_READ ? fd : ARES_SOCKET_BAD,
		what & EV_WRITE ? fd : ARES_SOCKET_BAD);
}

static void send_waiting(struct server *server);

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	process(arg, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	send_waiting(arg);
}

static struct server_socket *find_socket(struct server *server, int fd)
{
	struct server_socket *socket;

	LIST_FOREACH(socket, &server->sockets, entry) {
		if (socket->fd == fd)
			return socket;
	}
	return NULL;
}

/* Without memory for the event the query ends by its time-out. */
static void on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct server *server = arg;
	struct server_socket *socket = find_socket(server, fd);
	short what = (short)(EV_PERSIST | (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

	if (!readable && !writable) {
		if (socket)
			socket_free(socket);
		return;
	}
	if (!socket) {
		socket = calloc(1, sizeof(*socket));
		if (!socket)
			return;
		socket->server = server;
		socket->fd = fd;
		LIST_INSERT_HEAD(&server->sockets, socket, entry);
	}
	if (socket->event)
		event_free(socket->event);
	socket->event = event_new(server->base, fd, what, on_socket, socket);
	if (!socket->event || event_add(socket->event, NULL) < 0)
		socket_free(socket);
}

static int set_address(struct server *server)
{
	const struct addr *addr = &server->name_server.addr;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&addr->sa;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&addr->sa;
	struct ares_addr_port_node node = {.family = addr->sa.ss_family};

	if (node.family == AF_INET) {
		node.addr.addr4 = in->sin_addr;
		node.udp_port = node.tcp_port = ntohs(in->sin_port);
	} else {
		memcpy(&node.addr.addr6, &in6->sin6_addr, sizeof(in6->sin6_addr));
		node.udp_port = node.tcp_port = ntohs(in6->sin6_port);
	}
	if (server->name_server.device[0])
		ares_set_local_dev(server->channel, server->name_server.device);
	return ares_set_servers_ports(server->channel, &node) == ARES_SUCCESS ? 0 : -ENOMEM;
}

static int open_channel(struct server *server, unsigned timeout_ms, bool use_tcp)
{
	char lookups[] = "b", nothing[] = "/dev/null";
	struct ares_options options = {
		/* Every answer is for us to judge, also SERVFAIL, and no name is changed. */
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP |
			 ARES_FLAG_EDNS | (use_tcp ? ARES_FLAG_USEVC : 0),
		.timeout = (int)timeout_ms,
		.tries = 1,
		.lookups = lookups,
		.sock_state_cb = on_state,
		.sock_state_cb_data = server,
		.ednspsz = EDNS_BYTES,
		.resolvconf_path = nothing, /* read by resolv_conf.c, all of it */
	};

	int r = ares_init_options(&server->channel, &options,
				  ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					  ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS |
					  ARES_OPT_SOCK_STATE_CB | ARES_OPT_EDNSPSZ |
					  ARES_OPT_RESOLVCONF);
	if (r != ARES_SUCCESS) {
		server->channel = NULL;
		return -ENOMEM;
	}
	return set_address(server);
}

int server_new(struct event_base *base, const struct name_server *name_server, unsigned timeout_ms,
	       bool use_tcp, struct server **ret)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		return -ENOMEM;
	TAILQ_INIT(&server->queue);
	LIST_INIT(&server->sockets);
	server->base = base;
	server->name_server = *name_server;
	addr_format(&name_server->addr, server->text);
	server->tick = event_new(base, -1, EV_PERSIST, on_tick, server);
	int r = server->tick ? open_channel(server, timeout_ms, use_tcp) : -ENOMEM;
	if (r < 0) {
		server_free(server);
		return r;
	}
	*ret = server;
	return 0;
}

void server_free(struct server *server)
{
	if (!server)
		return;
	server->closing = true;
	if (server->channel)
		ares_destroy(server->channel);
	for (struct query *query; (query = TAILQ_FIRST(&server->queue));) {
		TAILQ_REMOVE(&server->queue, query, entry);
		query->reply(server, ARES_EDESTRUCTION, NULL, 0, query->arg);
		free(query);
	}
	while (!LIST_EMPTY(&server->sockets))
		socket_free(LIST_FIRST(&server->sockets));
	if (server->tick)
		event_free(server->tick);
	free(server);
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *data, int length)
{
	struct query *query = arg;
	struct server *server = query->server;

	(void)timeouts;
	server->asked--;
	query->reply(server, status, data, length, query->arg);
	free(query);
	send_waiting(server);
	if (server->asked == 0)
		event_del(server->tick);
	server->refs--;
}

static void ask_now(struct query *query)
{
	static const struct timeval tick = {.tv_usec = TICK_MS * 1000};
	struct server *server = query->server;

	if (server->asked++ == 0)
		(void)event_add(server->tick, &tick);
	ares_query(server->channel, query->name, ns_c_in, query->type, on_answer, query);
}

/* Of a server that is silent nobody knows how long they would wait in line. */
static bool has_room(const struct server *server)
{
	return server->asked < ASKED_MAX || server->avoid_until != 0;
}

static void send_waiting(struct server *server)
{
	struct query *query;

	/* A query that fails at once leads here again. */
	if (server->sending)
		return;
	server->sending = true;
	while (!server->closing && has_room(server) && (query = TAILQ_FIRST(&server->queue))) {
		TAILQ_REMOVE(&server->queue, query, entry);
		ask_now(query);
	}
	server->sending = false;
}

void server_ask(struct server *server, const char *name, int type, server_reply reply, void *arg)
{
	struct query *query = malloc(sizeof(*query) + strlen(name) + 1);

	if (!query) {
		reply(server, ARES_ENOMEM, NULL, 0, arg);
		return;
	}
	*query = (struct query){.server = server, .reply = reply, .arg = arg, .type = type};
	strcpy(query->name, name);
	server->refs++;
	if (has_room(server))
		ask_now(query);
	else
		TAILQ_INSERT_TAIL(&server->queue, query, entry);
}
