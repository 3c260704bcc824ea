// SPDX-License-Identifier: BSD-2-Clause
#include "common/http/server.h"

#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "common/http/connection.h"
#include "common/net/listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void on_accept(int fd, const struct addr *peer, void *arg)
{
	struct http_server *server = arg;
	char text[ADDR_TEXT_MAX];

	if (server->n_connections >= server->limits.connections) {
		if (!server->full)
			log_warn("%s: all %u connections are in use, new ones are closed",
				 listener_name(server->listener), server->limits.connections);
		server->full = true;
		(void)close(fd);
		return;
	}
	server->full = false;
	int r = http_connection_new(server, fd, peer);
	if (r < 0) {
		addr_format_anonymous(peer, text);
		log_error("%s: cannot serve %s: %s", listener_name(server->listener), text,
			  strerror(-r));
	}
}

static void cleanup_server(struct http_server **server)
{
	http_server_free(*server);
}

int http_server_new(const struct http_server_config *config, struct http_server **ret,
		    char **ret_error)
{
	CLEANUP(cleanup_server) struct http_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return -ENOMEM;
	server->base = config->base;
	server->limits = config->limits;
	server->router = config->router;
	server->ops = config->ops;
	server->arg = config->arg;
	if (config->tls) {
		SSL_CTX_up_ref(config->tls);
		server->tls = config->tls;
	}
	if (config->bind_address)
		r = listener_new(server->base, config->bind_address, config->rate_limits, on_accept,
				 server, &server->listener, ret_error);
	else
		r = listener_new_unix(server->base, config->unix_socket, on_accept, server,
				      &server->listener, ret_error);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(server);
	return 0;
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	listener_free(server->listener);
	while (server->connections)
		http_connection_free(server->connections);
	SSL_CTX_free(server->tls);
	free(server);
}

bool http_server_is_loopback(const struct http_server *server)
{
	return listener_is_loopback(server->listener);
}

uint16_t http_server_port(const struct http_server *server)
{
	return listener_port(server->listener);
}
