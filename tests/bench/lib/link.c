/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/bench/lib/link.h"
#include "tests/bench/lib/net.h"
#include "tests/bench/lib/protocol.h"
#include "tests/tools/lib/hello.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define AT_A_TIME 32

SSL_CTX *link_tls(const char *ca)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (!tls || SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_load_verify_locations(tls, ca, NULL) != 1)
		die("%s: no certificates to trust", ca);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(tls, 1);
	return tls;
}

int link_dial(struct link *link, const struct target *target, int epoll)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = link};
	int fd, r;

	*link = (struct link){.state = LINK_DIALLING, .fd = -1, .begun = now_ns()};
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	link->fd = fd;
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	r = connect(fd, (const struct sockaddr *)&target->address, sizeof(target->address));
	if ((r < 0 && errno != EINPROGRESS) || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		r = -errno;
		link_close(link);
		return r;
	}
	return 0;
}

static int greet_tls(struct link *link)
{
	int r = SSL_connect(link->ssl);

	if (r == 1) {
		link->state = LINK_OPEN;
		return 1;
	}
	r = SSL_get_error(link->ssl, r);
	return r == SSL_ERROR_WANT_READ || r == SSL_ERROR_WANT_WRITE ? 0 : -EPROTO;
}

static int greet_plain(struct link *link)
{
	struct bench_ready ready;
	ssize_t n = recv(link->fd, &ready, sizeof(ready), 0);

	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (n != sizeof(ready) || ready.magic != BENCH_READY)
		return n == 0 ? -ECONNRESET : -EPROTO;
	link->state = LINK_OPEN;
	return 1;
}

static int send_hello(struct link *link, const char *name)
{
	uint8_t hello[HELLO_RECORD_MAX];
	int n = hello_build(hello, name, 0);

	if (n < 0)
		return n;
	return send(link->fd, hello, (size_t)n, MSG_NOSIGNAL) == n ? 0 : -errno;
}

/* An event would come too late: the answer may be there while SSL_connect() still runs. */
static long on_read(BIO *bio, int operation, const char *data, size_t length, int argi, long argl,
		    int result, size_t *done)
{
	struct link *link = (struct link *)(void *)BIO_get_callback_arg(bio);

	(void)data, (void)length, (void)argi, (void)argl;
	if (operation == (BIO_CB_READ | BIO_CB_RETURN) && result > 0 && *done > 0) {
		link->first_byte = now_ns();
		BIO_set_callback_ex(bio, NULL);
	}
	return result;
}

/* Whether the dial is over. Asked once: with the first event. */
static int dialled(struct link *link, const struct target *target)
{
	socklen_t length = sizeof(int);
	int error = 0;

	if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		return -errno;
	if (error)
		return -error;
	link->state = LINK_GREETING;
	if (!target->tls)
		return send_hello(link, target->name);
	link->ssl = SSL_new(target->tls);
	if (!link->ssl || SSL_set_fd(link->ssl, link->fd) != 1 ||
	    SSL_set_tlsext_host_name(link->ssl, target->name) != 1 ||
	    SSL_set1_host(link->ssl, target->name) != 1)
		return -ENOMEM;
	BIO_set_callback_arg(SSL_get_rbio(link->ssl), (char *)link);
	BIO_set_callback_ex(SSL_get_rbio(link->ssl), on_read);
	return greet_tls(link);
}

int link_step(struct link *link, const struct target *target)
{
	if (link->state == LINK_DIALLING)
		return dialled(link, target);
	if (link->state == LINK_OPEN)
		return 1;
	return target->tls ? greet_tls(link) : greet_plain(link);
}

static ssize_t tls_result(struct link *link, int r)
{
	if (r > 0)
		return r;
	switch (SSL_get_error(link->ssl, r)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	default:
		return -ECONNRESET;
	}
}

ssize_t link_read(struct link *link, void *buf, size_t n)
{
	ssize_t r;

	if (link->ssl)
		return tls_result(link, SSL_read(link->ssl, buf, (int)n));
	r = recv(link->fd, buf, n, 0);
	return r > 0 ? r : r == 0 ? -ECONNRESET : -errno;
}

ssize_t link_write(struct link *link, const void *buf, size_t n)
{
	ssize_t r;

	if (link->ssl)
		return tls_result(link, SSL_write(link->ssl, buf, (int)n));
	r = send(link->fd, buf, n, MSG_NOSIGNAL);
	return r >= 0 ? r : -errno;
}

void link_want(struct link *link, int epoll, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = link};

	if (epoll_ctl(epoll, EPOLL_CTL_MOD, link->fd, &event) < 0)
		die("epoll: %s", strerror(errno));
}

void link_close(struct link *link)
{
	if (link->ssl) {
		if (link->state == LINK_OPEN)
			(void)SSL_shutdown(link->ssl);
		SSL_free(link->ssl);
		ERR_clear_error();
		link->ssl = NULL;
	}
	if (link->fd >= 0)
		(void)close(link->fd);
	link->fd = -1;
	link->state = LINK_CLOSED;
}

void links_open(struct link *links, unsigned n, const struct target *target, int epoll,
		unsigned timeout)
{
	uint64_t deadline = now_ns() + timeout * 1000000000ull;
	struct epoll_event events[AT_A_TIME];
	unsigned begun = 0, open = 0;

	while (open < n) {
		int ready, r;

		for (; begun < n && begun - open < AT_A_TIME; begun++) {
			r = link_dial(&links[begun], target, epoll);
			if (r < 0)
				die("connection %u of %u: %s", begun + 1, n, strerror(-r));
		}
		ready = epoll_wait(epoll, events, AT_A_TIME, 100);
		for (int i = 0; i < ready; i++) {
			struct link *link = events[i].data.ptr;

			if (link->state == LINK_OPEN)
				continue;
			r = link_step(link, target);
			if (r < 0)
				die("connection %u of %u: %s", open + 1, n, strerror(-r));
			open += (unsigned)r;
		}
		if (now_ns() > deadline)
			die("only %u of %u connections open after %u s", open, n, timeout);
	}
}
