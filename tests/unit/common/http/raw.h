/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Raw sockets that meet an HTTP server in the same thread: whoever waits turns
 * the server's loop. Included by one test program each.
 */
#pragma once

#include "common/base/clock.h"
#include "common/base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 60000

static struct event_base *base;

static inline uint64_t now_ms(void)
{
	return (uint64_t)clock_now_ms();
}

/* Several rounds for each sleep, which on a busy machine is long: one round moves 16 KiB. */
static inline void turn(void)
{
	for (int i = 0; i < 16; i++)
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
	usleep(500);
}

static inline int dial(uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0 || errno == EINPROGRESS);
	return fd;
}

/*
 * Read until `part` has come or the server closes; whether it came. Everything
 * read is in `text`. An empty `part` waits for the close.
 */
static inline bool read_until(int fd, const char *part, char *text, size_t size)
{
	uint64_t end = now_ms() + PATIENCE_MS;
	size_t length = 0;

	text[0] = '\0';
	while (now_ms() < end) {
		turn();
		ssize_t n = recv(fd, text + length, size - 1 - length, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != ENOTCONN))
			return part[0] == '\0';
		length += n > 0 ? (size_t)n : 0;
		text[length] = '\0';
		if (part[0] && strstr(text, part))
			return true;
	}
	return false;
}

static inline bool expect(int fd, const char *part)
{
	char text[65536];

	return read_until(fd, part, text, sizeof(text));
}

static inline void push(int fd, const char *text, size_t length)
{
	uint64_t end = now_ms() + PATIENCE_MS;

	while (length > 0 && now_ms() < end) {
		ssize_t n = send(fd, text, length, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != ENOTCONN)
			return;
		text += n > 0 ? n : 0;
		length -= n > 0 ? (size_t)n : 0;
		turn();
	}
}

static inline void say(int fd, const char *text)
{
	push(fd, text, strlen(text));
}

/* Say `text` on a new connection and wait for `expected`. */
static inline void exchange(uint16_t port, const char *text, const char *expected)
{
	int fd = dial(port);

	say(fd, text);
	if (!expect(fd, expected))
		fail_msg("no '%s' after '%.60s'", expected, text);
	close(fd);
}

/* As a process that is killed. */
static inline void reset(int fd)
{
	struct linger linger = {1, 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

static inline int open_loop(void **state)
{
	(void)state;
	log_setup("test", LOG_ERROR, LOG_FORMAT_PLAIN);
	base = event_base_new();
	return base ? 0 : -1;
}

static inline int close_loop(void **state)
{
	(void)state;
	event_base_free(base);
	return 0;
}
