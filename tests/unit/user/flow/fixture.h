/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker without its thread: the test makes its turns, and what the control
 * thread would get is in a mailbox. Included by one test program each.
 */
#pragma once

#include "common/base/clock.h"
#include "common/base/log.h"
#include "user/flow/connection.h"
#include "user/flow/dial_back.h"
#include "user/flow/park.h"
#include "user/flow/peek.h"
#include "user/flow/sources.h"
#include "user/flow/worker.h"
#include "user/flow/worker_config.h"
#include "user/flow/worker_life.h"
#include "user/mail/routes.h"
#include "user/plane/paths/table.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define WORKERS 2

static struct workers workers;
static struct worker *worker; /* the first of them */

__attribute__((unused)) static struct config *new_config(void)
{
	struct config *config = calloc(1, sizeof(*config));

	atomic_init(&config->references, 1);
	config->fixed.workers = WORKERS;
	config->plane.forwarding = FORWARD_COPY;
	config->connections = 100;
	config->half_open = config->half_open_per_source = 100;
	config->pending = config->pending_per_operator = 100;
	config->parked = config->parked_per_operator = 100;
	config->dial_backs = 100;
	config->park_timeout = 100 * NS_PER_S;
	config->hello_timeout = config->token_timeout = 5 * NS_PER_S;
	config->accept_timeout = config->dial_timeout = 10 * NS_PER_S;
	return config;
}

__attribute__((unused)) static int start_workers(void **state)
{
	struct config *config = new_config();
	const struct path_wants wants = {.workers = WORKERS, .connections = 100};
	char why[PATH_WHY];
	static struct worker *list[WORKERS];

	(void)state;
	log_setup("test", LOG_ERROR, LOG_FORMAT_PLAIN);
	workers = (struct workers){.n = WORKERS, .list = list};
	(void)paths_open(&workers.paths, paths_table, FORWARD_COPY, &wants, why);
	workers.sources = sources_new(100, 100);
	assert_int_equal(mailbox_new(&workers.control), 0);
	for (unsigned i = 0; i < WORKERS; i++)
		assert_int_equal(worker_new(&workers, i, config, &list[i]), 0);
	config_unref(config);
	worker = list[0];
	return 0;
}

__attribute__((unused)) static int end_workers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < WORKERS; i++)
		worker_free(workers.list[i]);
	sources_free(workers.sources);
	mailbox_free(workers.control);
	paths_close(&workers.paths);
	return 0;
}

/* Everything that is ready, as worker_life.c does it. */
__attribute__((unused)) static void turn(struct worker *one)
{
	struct epoll_event events[16];
	int n;

	while ((n = epoll_wait(one->epoll, events, 16, 20)) > 0) {
		for (int i = 0; i < n; i++) {
			struct watch *watch = events[i].data.ptr;

			if (watch->fd >= 0 && watch->added)
				watch->ready(watch, events[i].events);
		}
		connection_bury(one);
		dial_back_bury(one);
		park_bury(one);
	}
}

__attribute__((unused)) static void time_goes_by(struct worker *one, uint64_t ns)
{
	timers_run(&one->timers, clock_now() + ns);
	connection_bury(one);
	dial_back_bury(one);
	park_bury(one);
}

/* Both ends of a TCP connection over the loopback; fds[1] is non-blocking, for the worker. */
__attribute__((unused)) static void connect_pair(int fds[2])
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(in);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&in, length), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &length), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[0], (struct sockaddr *)&in, length), 0);
	fds[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	assert_true(fds[1] >= 0);
	close(listener);
}

__attribute__((unused)) static struct addr some_client(void)
{
	struct addr addr;

	assert_int_equal(addr_parse("192.0.2.7:443", &addr, 1), 1);
	return addr;
}

/* The oldest mail for the control thread; NULL: none. */
__attribute__((unused)) static struct mail *told(void)
{
	struct mail *mail = mailbox_take_all(workers.control);

	if (mail)
		assert_null(mail->next);
	return mail;
}

#define WORKER_TEST(function) cmocka_unit_test_setup_teardown(function, start_workers, end_workers)

__attribute__((unused)) static uint64_t counted(unsigned counter)
{
	return counters_get(&worker->counters, counter);
}

/* A ClientHello for this name; *ret takes 300 bytes. Returns how many it has. */
__attribute__((unused)) static size_t make_hello(const char *name, uint8_t *ret)
{
	size_t n = strlen(name), body = 2 + 32 + 1 + 4 + 2 + 2 + 9 + n;
	uint8_t head[] = {22, 3, 1, 0, (uint8_t)(body + 4), 1, 0, 0, (uint8_t)body, /* version */
			  3,  3};
	uint8_t rest[] = {0,
			  0,
			  2,
			  0x13,
			  1,
			  1,
			  0,
			  /* extensions: */ 0,
			  (uint8_t)(9 + n),
			  0,
			  0,
			  0,
			  (uint8_t)(5 + n),
			  0,
			  (uint8_t)(3 + n),
			  0,
			  0,
			  (uint8_t)n};
	uint8_t *at = ret;

	assert_true(body < 250);
	memcpy(at, head, sizeof(head));
	at += sizeof(head);
	memset(at, 0x55, 32);
	at += 32;
	memcpy(at, rest, sizeof(rest));
	at += sizeof(rest);
	memcpy(at, name, n);
	return (size_t)(at + n - ret);
}

/* A client has come to the public port and sent its hello. Returns its end. */
__attribute__((unused)) static int client_for(const char *name)
{
	struct addr client = some_client();
	uint8_t hello[300];
	size_t n = make_hello(name, hello);
	int fds[2];

	connect_pair(fds);
	assert_int_equal(write(fds[0], hello, n), n);
	peek_accepted(worker, fds[1], &client);
	turn(worker);
	return fds[0];
}

/* As the control thread sends it. */
__attribute__((unused)) static void announce(const char *domain, const char *owner)
{
	const struct route route = {.domain = domain, .owner = owner};
	struct mail *mail = mail_new(MAIL_ROUTES);

	mail->u.routes = routes_new(&route, 1);
	mailbox_put(worker->box, mail);
	turn(worker);
}

__attribute__((unused)) static void assert_reads(int fd, const void *expected, size_t n)
{
	uint8_t bytes[512] = {0};

	assert_int_equal(recv(fd, bytes, n, MSG_WAITALL), n);
	assert_memory_equal(bytes, expected, n);
}

/* The other end has been reset. */
__attribute__((unused)) static void assert_reset(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	close(fd);
}

__attribute__((unused)) static unsigned in_state(enum connection_state state)
{
	const struct connection *connection;
	unsigned n = 0;

	TAILQ_FOREACH(connection, &worker->states[state], in_state) {
		n++;
	}
	return n;
}
