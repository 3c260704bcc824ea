/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server behind every chain of the benchmark: as little work as a server
 * can do, so that the proxies are what is measured. One process a processor,
 * each with its own listeners and epoll. What it speaks: lib/protocol.h.
 */
#include "tests/bench/lib/net.h"
#include "tests/bench/lib/protocol.h"
#include "tests/tools/lib/hello.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS    64
#define BUFFER    (256 * 1024)
#define HELLO_MAX 1024
#define BACKLOG   4096

enum state {
	STATE_LISTEN_TLS,
	STATE_LISTEN_PLAIN,
	STATE_TLS,
	STATE_HELLO,
	STATE_COMMAND,
	STATE_PING,
	STATE_DOWN,
	STATE_UP,
};

struct conn {
	enum state state;
	int fd;
	SSL *ssl;
	uint32_t size;
	uint64_t got;
	uint8_t *hello; /* what came of it, up to HELLO_MAX */
};

static const char zeros[BUFFER];
static char buffer[BUFFER];
static SSL_CTX *tls;
static int epoll;

static void free_conn(struct conn *conn)
{
	if (conn->ssl) {
		SSL_set_quiet_shutdown(conn->ssl, 1);
		SSL_free(conn->ssl);
		ERR_clear_error();
	}
	(void)close(conn->fd);
	free(conn->hello);
	free(conn);
}

static int add(int fd, enum state state)
{
	struct conn *conn = calloc(1, sizeof(*conn));
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};

	if (!conn)
		die("out of memory");
	conn->fd = fd;
	conn->state = state;
	if (state == STATE_TLS) {
		conn->ssl = SSL_new(tls);
		if (!conn->ssl || SSL_set_fd(conn->ssl, fd) != 1)
			die("out of memory");
		SSL_set_accept_state(conn->ssl);
	}
	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void accept_all(const struct conn *listener)
{
	enum state state = listener->state == STATE_LISTEN_TLS ? STATE_TLS : STATE_HELLO;
	int fd;

	while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
		if (add(fd, state) < 0)
			die("epoll: %s", strerror(errno));
	}
	if (errno != EAGAIN && errno != ECONNABORTED)
		die("accept: %s", strerror(errno));
}

/* HTTP that is only looked at for its ends: each empty line is a request. */
static int serve_tls(struct conn *conn)
{
	static const char end[] = "\r\n\r\n";
	int n;

	while ((n = SSL_read(conn->ssl, buffer, sizeof(buffer))) > 0)
		for (int i = 0; i < n; i++) {
			conn->size = buffer[i] == end[conn->size] ? conn->size + 1
				     : buffer[i] == end[0]        ? 1
								  : 0;
			if (conn->size < 4)
				continue;
			conn->size = 0;
			if (SSL_write(conn->ssl, BENCH_ANSWER, sizeof(BENCH_ANSWER) - 1) <= 0)
				return -EIO;
		}
	n = SSL_get_error(conn->ssl, n);
	return n == SSL_ERROR_WANT_READ || n == SSL_ERROR_WANT_WRITE ? 0 : -ECONNRESET;
}

static int take_hello(struct conn *conn, size_t n)
{
	const struct bench_ready ready = {.magic = BENCH_READY};
	int length;

	if (!conn->hello)
		conn->hello = malloc(HELLO_MAX);
	if (!conn->hello || conn->got + n > HELLO_MAX)
		return -EMSGSIZE;
	memcpy(conn->hello + conn->got, buffer, n);
	conn->got += n;
	length = hello_length(conn->hello, conn->got);
	if (length <= 0)
		return length;
	if ((size_t)length != conn->got)
		return -EBADMSG;
	free(conn->hello);
	conn->hello = NULL;
	conn->got = 0;
	conn->state = STATE_COMMAND;
	return send(conn->fd, &ready, sizeof(ready), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int take_ping(struct conn *conn, size_t n)
{
	for (conn->got += n; conn->got >= conn->size; conn->got -= conn->size)
		if (send(conn->fd, zeros, conn->size, MSG_NOSIGNAL) != (ssize_t)conn->size)
			return -EIO;
	return 0;
}

static int take_up(struct conn *conn, size_t n)
{
	conn->got += n;
	if ((uint8_t)buffer[n - 1] != BENCH_END)
		return 0;
	return send(conn->fd, &conn->got, sizeof(conn->got), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int take_command(struct conn *conn, size_t n)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = conn};
	struct bench_command command;

	if (n < sizeof(command))
		return -EBADMSG;
	memcpy(&command, buffer, sizeof(command));
	n -= sizeof(command);
	switch (command.what) {
	case BENCH_PING:
		if (command.size < 1 || command.size > BENCH_SIZE_MAX)
			return -EBADMSG;
		conn->size = command.size;
		conn->state = STATE_PING;
		return take_ping(conn, n);
	case BENCH_UP:
		conn->state = STATE_UP;
		memmove(buffer, buffer + sizeof(command), n);
		return n ? take_up(conn, n) : 0;
	case BENCH_DOWN:
		conn->state = STATE_DOWN;
		return epoll_ctl(epoll, EPOLL_CTL_MOD, conn->fd, &event);
	default:
		return -EBADMSG;
	}
}

static int serve_plain(struct conn *conn, uint32_t events)
{
	ssize_t n;

	if (conn->state == STATE_DOWN && events & EPOLLOUT) {
		n = send(conn->fd, zeros, sizeof(zeros), MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return -errno;
	}
	if (!(events & ~(uint32_t)EPOLLOUT))
		return 0;
	n = recv(conn->fd, buffer, sizeof(buffer), 0);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (n == 0)
		return -ECONNRESET;
	switch (conn->state) {
	case STATE_HELLO:
		return take_hello(conn, (size_t)n);
	case STATE_COMMAND:
		return take_command(conn, (size_t)n);
	case STATE_PING:
		return take_ping(conn, (size_t)n);
	case STATE_DOWN:
		return -ECANCELED;
	default:
		return take_up(conn, (size_t)n);
	}
}

static void listen_at(const char *address, enum state state)
{
	struct sockaddr_in sa = parse_address(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket: %s", strerror(errno));
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(fd, BACKLOG) < 0 ||
	    add(fd, state) < 0)
		die("%s: %s", address, strerror(errno));
}

__attribute__((noreturn)) static void serve(char **argv)
{
	struct epoll_event events[EVENTS];

	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		die("epoll: %s", strerror(errno));
	listen_at(argv[1], STATE_LISTEN_TLS);
	listen_at(argv[2], STATE_LISTEN_PLAIN);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct conn *conn = events[i].data.ptr;
			int r = 0;

			if (conn->state == STATE_LISTEN_TLS || conn->state == STATE_LISTEN_PLAIN)
				accept_all(conn);
			else if (conn->state == STATE_TLS)
				r = serve_tls(conn);
			else
				r = serve_plain(conn, events[i].events);
			if (r < 0)
				free_conn(conn);
		}
	}
}

static void setup_tls(const char *certificate, const char *key)
{
	tls = SSL_CTX_new(TLS_server_method());
	if (!tls || SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_num_tickets(tls, 0) != 1 ||
	    SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
		die("%s, %s: not a certificate and its key", certificate, key);
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(tls, 1);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
}

int main(int argc, char **argv)
{
	pid_t parent = getpid();

	if (argc != 5) {
		(void)fputs("usage: backend TLS-ADDRESS PLAIN-ADDRESS CERTIFICATE KEY\n", stderr);
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	raise_file_limit();
	setup_tls(argv[3], argv[4]);
	for (int i = 1; i < get_nprocs(); i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork: %s", strerror(errno));
		if (pid > 0)
			continue;
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			return 0;
		break;
	}
	serve(argv);
}
