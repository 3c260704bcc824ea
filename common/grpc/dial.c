// SPDX-License-Identifier: BSD-2-Clause
#include "common/grpc/dial.h"

#include "common/base/cleanup.h"
#include "common/dns/resolver.h"

#include <errno.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

struct grpc_dial {
	struct event_base *base;
	struct resolver *resolver;
	SSL_CTX *tls;
	char *address;
	char *operator;
	grpc_dial_done done;
	void *arg;
	struct resolver_wait *lookup;
	struct event *deadline;
	struct bufferevent *bev;
	struct addr addrs[RESOLVER_ADDRS];
	int n_addrs, next;
	bool asked_anew; /* whether the name leads elsewhere by now */
	char reason[512];
};

static void dial_free(struct grpc_dial *dial)
{
	resolver_cancel(dial->lookup);
	if (dial->bev)
		bufferevent_free(dial->bev);
	if (dial->deadline)
		event_free(dial->deadline);
	SSL_CTX_free(dial->tls);
	free(dial->address);
	free(dial->operator);
	free(dial);
}

/* The dial goes first: the owner may start another one from inside. */
static void finish(struct grpc_dial *dial, const char *reason)
{
	struct bufferevent *bev = reason ? NULL : TAKE_PTR(dial->bev);
	grpc_dial_done done = dial->done;
	void *arg = dial->arg;
	char text[sizeof(dial->reason)];

	snprintf(text, sizeof(text), "%s", reason ? reason : "");
	dial_free(dial);
	done(bev, reason ? text : NULL, arg);
}

static void try_next(struct grpc_dial *dial);

static void on_connect(struct bufferevent *bev, short what, void *arg)
{
	struct grpc_dial *dial = arg;
	int error = EVUTIL_SOCKET_ERROR();
	unsigned long tls = bufferevent_get_openssl_error(bev);
	const SSL *ssl = bufferevent_openssl_get_ssl(bev);
	const int on = 1;

	if (what & BEV_EVENT_CONNECTED) {
		(void)setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		finish(dial, NULL);
		return;
	}
	if (SSL_get_verify_result(ssl) != X509_V_OK)
		snprintf(dial->reason, sizeof(dial->reason), "its certificate is not valid: %s",
			 X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
	else if (tls && ERR_reason_error_string(tls))
		snprintf(dial->reason, sizeof(dial->reason), "TLS: %s",
			 ERR_reason_error_string(tls));
	else if (what & BEV_EVENT_EOF || error == 0)
		snprintf(dial->reason, sizeof(dial->reason), "it closed the connection");
	else
		snprintf(dial->reason, sizeof(dial->reason), "%s",
			 evutil_socket_error_to_string(error));
	try_next(dial);
}

static SSL *new_ssl(struct grpc_dial *dial)
{
	static const unsigned char h2[] = {2, 'h', '2'};
	SSL *ssl = SSL_new(dial->tls);

	if (ssl && (SSL_set_tlsext_host_name(ssl, dial->operator) != 1 ||
		    SSL_set_alpn_protos(ssl, h2, sizeof(h2)) != 0)) {
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}

static int try_address(struct grpc_dial *dial, const struct addr *addr)
{
	SSL *ssl = new_ssl(dial);

	if (!ssl)
		return -ENOMEM;
	dial->bev = bufferevent_openssl_socket_new(dial->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING,
						   BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!dial->bev) {
		SSL_free(ssl);
		return -ENOMEM;
	}
	bufferevent_openssl_set_allow_dirty_shutdown(dial->bev, 1);
	bufferevent_setcb(dial->bev, NULL, NULL, on_connect, dial);
	bufferevent_enable(dial->bev, EV_READ | EV_WRITE);
	if (bufferevent_socket_connect(dial->bev, (const struct sockaddr *)&addr->sa,
				       (int)addr->len) < 0)
		return errno ? -errno : -EIO;
	return 0;
}

static void on_lookup(const struct resolver_answer *answer, void *arg);

static void try_next(struct grpc_dial *dial)
{
	while (dial->next < dial->n_addrs) {
		if (dial->bev)
			bufferevent_free(TAKE_PTR(dial->bev));
		int r = try_address(dial, &dial->addrs[dial->next++]);
		if (r == 0)
			return;
		snprintf(dial->reason, sizeof(dial->reason), "%s", strerror(-r));
	}
	/* Nobody is there: the other relay may have moved. */
	if (!dial->asked_anew) {
		dial->asked_anew = true;
		if (dial->bev)
			bufferevent_free(TAKE_PTR(dial->bev));
		resolver_refused(dial->resolver, dial->address);
		if (resolver_start(dial->resolver, dial->address, on_lookup, dial, &dial->lookup) ==
		    0)
			return;
	}
	finish(dial, dial->reason);
}

static bool tried(const struct grpc_dial *dial, const struct addr *addr)
{
	for (int i = 0; i < dial->next; i++) {
		if (dial->addrs[i].len == addr->len &&
		    memcmp(&dial->addrs[i].sa, &addr->sa, addr->len) == 0)
			return true;
	}
	return false;
}

static void on_lookup(const struct resolver_answer *answer, void *arg)
{
	struct grpc_dial *dial = arg;

	dial->lookup = NULL;
	if (answer->n < 0 && dial->n_addrs == 0) {
		snprintf(dial->reason, sizeof(dial->reason), "its host name cannot be resolved: %s",
			 answer->reason);
		finish(dial, dial->reason);
		return;
	}
	for (int i = 0; i < answer->n && dial->n_addrs < RESOLVER_ADDRS; i++) {
		if (!tried(dial, &answer->addrs[i]))
			dial->addrs[dial->n_addrs++] = answer->addrs[i];
	}
	try_next(dial);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct grpc_dial *dial = arg;
	/* While the name is asked for anew, what was wrong with the old addresses is the reason. */
	bool late = dial->lookup && dial->reason[0] != '\0';

	(void)fd;
	(void)what;
	finish(dial, late ? dial->reason : "it did not answer in time");
}

static int start(struct grpc_dial *dial, unsigned timeout_ms)
{
	const struct timeval limit = {timeout_ms / 1000, (suseconds_t)(timeout_ms % 1000) * 1000};

	dial->deadline = evtimer_new(dial->base, on_deadline, dial);
	if (!dial->address || !dial->operator|| !dial->deadline ||
				      event_add(dial->deadline, &limit) < 0)
		return -ENOMEM;
	return resolver_start(dial->resolver, dial->address, on_lookup, dial, &dial->lookup);
}

int grpc_dial_start(struct event_base *base, struct resolver *resolver, SSL_CTX *tls,
		    const char *address, const char *operator, unsigned timeout_ms,
		    grpc_dial_done done, void *arg, struct grpc_dial **ret)
{
	struct grpc_dial *dial = calloc(1, sizeof(*dial));

	if (!dial)
		return -ENOMEM;
	SSL_CTX_up_ref(tls);
	dial->base = base;
	dial->resolver = resolver;
	dial->tls = tls;
	dial->address = strdup(address);
	dial->operator= strdup(operator);
	dial->done = done;
	dial->arg = arg;
	int r = start(dial, timeout_ms);
	if (r < 0) {
		dial_free(dial);
		return r;
	}
	*ret = dial;
	return 0;
}

void grpc_dial_cancel(struct grpc_dial *dial)
{
	if (dial)
		dial_free(dial);
}
