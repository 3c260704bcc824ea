/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole control thread over real HTTP: the test plays the relay in a
 * second thread, and workers are the test's mailboxes. Included by one test
 * program each.
 */
#pragma once

#include "common/jsonrpc/client.h"
#include "common/jsonrpc/server.h"
#include "user/check.h"
#include "user/control/control.h"
#include "user/control/role.h"
#include "user/private/role.h"
#include "user/public/role.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 60000

static char folder[] = "/tmp/passage-control-XXXXXX";
static struct mailbox *boxes[2]; /* the two workers */
static unsigned relay_port, proxy_port;
static struct control *control;

/* The next mail for this worker; there is one at a time in these tests. */
static struct mail *wait_for_mail(unsigned worker)
{
	struct pollfd fd = {.fd = mailbox_fd(boxes[worker]), .events = POLLIN};

	if (poll(&fd, 1, WAIT_MS) != 1)
		return NULL;
	struct mail *mail = mailbox_take_all(boxes[worker]);
	if (mail && mail->next) {
		mail_free(mail->next);
		mail->next = NULL;
	}
	return mail;
}

static unsigned free_port(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &length), 0);
	close(fd);
	return ntohs(in.sin_port);
}

/* One side of the relay: a loop of its own, a server, and a client towards the proxy. */
struct relay {
	struct event_base *base;
	struct jsonrpc_server *server;
	struct jsonrpc_client *client;
	jsonrpc_handler handler;
	char *answer; /* to the last call() */
	json_t *seen; /* params of the last request that came */
	char method[100];
	unsigned requests;
	unsigned reserved; /* tokens that were asked for */
};

__attribute__((unused)) static void relay_open(struct relay *relay, jsonrpc_handler handler)
{
	char address[40], url[60], *error = NULL;

	*relay = (struct relay){.base = event_base_new(), .handler = handler};
	snprintf(address, sizeof(address), "127.0.0.1:%u", relay_port);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/jsonrpc", proxy_port);
	json_t *server = json_pack("{s:s, s:s, s:[], s:i, s:i, s:i}", "bind_address", address,
				   "path", "/jsonrpc", "tcp_rate_limits", "body_limit", 1 << 20,
				   "max_connections", 16, "timeout", 30000);
	json_t *client = json_pack("{s:s, s:i, s:i}", "endpoint", url, "timeout", 10000,
				   "max_connections", 4);
	assert_int_equal(jsonrpc_server_new(relay->base, server, NULL, handler, relay,
					    &relay->server, &error),
			 0);
	assert_int_equal(jsonrpc_client_new(relay->base, NULL, client, &relay->client, &error), 0);
	json_decref(server);
	json_decref(client);
}

__attribute__((unused)) static void relay_close(struct relay *relay)
{
	jsonrpc_client_free(relay->client);
	jsonrpc_server_free(relay->server);
	event_base_free(relay->base);
	json_decref(relay->seen);
	free(relay->answer);
}

static void answered(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	struct relay *relay = arg;

	free(relay->answer);
	if (r < 0)
		relay->answer = strdup(error->message);
	else
		relay->answer = json_dumps(result, JSON_SORT_KEYS | JSON_ENCODE_ANY);
}

/* Ask the proxy as its relay does; the answer as text, or the error's message. */
__attribute__((unused)) static const char *ask(struct relay *relay, const char *method,
					       const char *caller, const char *params)
{
	json_t *all = json_loads(params, 0, NULL);

	json_object_set_new(all, "_client",
			    json_pack("{s:s, s:{s:[{s:s, s:{s:[s]}}]}}", "name", caller, "entry",
				      "settings", "service", "proxy", "settings", "allowed_domains",
				      ".org"));
	free(relay->answer);
	relay->answer = NULL;
	int r = jsonrpc_client_call(relay->client, method, all, "p.m(1)", WAIT_MS, answered, relay);
	json_decref(all);
	while (r == 0 && !relay->answer)
		event_base_loop(relay->base, EVLOOP_ONCE);
	return relay->answer ? relay->answer : "";
}

__attribute__((unused)) static void wait_for_request(struct relay *relay, unsigned number)
{
	while (relay->requests < number)
		event_base_loop(relay->base, EVLOOP_ONCE);
}

__attribute__((unused)) static void note_request(struct relay *relay, struct jsonrpc_call *call)
{
	const struct jsonrpc_request *request = jsonrpc_call_request(call);

	relay->requests++;
	snprintf(relay->method, sizeof(relay->method), "%s", request->method);
	json_decref(relay->seen);
	relay->seen = json_incref(request->params);
}

__attribute__((unused)) static const char *seen(const struct relay *relay, const char *field)
{
	const char *text = json_string_value(json_object_get(relay->seen, field));

	return text ? text : "";
}

static int start(void **state)
{
	(void)state;
	strcpy(strrchr(folder, '-'), "-XXXXXX");
	relay_port = free_port();
	proxy_port = free_port();
	return !mkdtemp(folder) || mailbox_new(&boxes[0]) < 0 || mailbox_new(&boxes[1]) < 0;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	mailbox_free(boxes[0]);
	mailbox_free(boxes[1]);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static json_t *load(const char *role, const char *more)
{
	char name[128];
	json_t *settings = NULL;

	snprintf(name, sizeof(name), "%s/settings.yml", folder);
	FILE *file = fopen(name, "we");
	assert_non_null(file);
	fprintf(file,
		"limits: {shutdown_grace: 1s, parked_per_operator: 2}\n"
		"%s:\n"
		"  name: %s\n"
		"  datastore: {type: sqlite, settings: {filename: %s/state.db}}\n"
		"  jsonrpc_client: {endpoint: \"http://127.0.0.1:%u/jsonrpc\"}\n"
		"  jsonrpc_server: {bind_address: \"127.0.0.1:%u\"}\n%s",
		role, role, folder, relay_port, proxy_port, more);
	fclose(file);
	setenv("PROXY_SETTINGS", name, 1);
	assert_int_equal(check_load(&settings), 0);
	return settings;
}

static void open_control(const struct role_ops *ops, const char *more)
{
	json_t *settings = load(ops->section, more);
	char *error = NULL;

	int r = control_new(settings, ops, &control, &error);
	if (r < 0)
		fail_msg("%s", error);
	json_decref(settings);
	control_set_workers(control, boxes, 2);
}

/* The test's part runs beside control_run(); it returns what went wrong. */
static void *run_script(void *script)
{
	const char *(*function)(void);

	memcpy(&function, &script, sizeof(function));
	const char *problem = function();
	control_stop(control);
	return (void *)problem;
}

static int last_grace_ms = 1000; /* what the workers are told at the end */

/* The grace of an order to stop this worker, which is not dismissed yet; -1: no order. */
static int wait_for_stop(unsigned worker)
{
	struct mail *mail = wait_for_mail(worker);
	struct stop_order order;

	if (mail || !mailbox_take_stop(boxes[worker], &order) || order.dismissed) {
		mail_free(mail);
		return -1;
	}
	return (int)order.grace_ms;
}

static void run_beside(const char *(*function)(void))
{
	pthread_t thread;
	void *script, *problem;

	memcpy(&script, &function, sizeof(script));
	assert_int_equal(pthread_create(&thread, NULL, run_script, script), 0);
	assert_int_equal(control_run(control), 0);
	pthread_join(thread, &problem);
	control_free(control);
	if (problem)
		fail_msg("%s", (const char *)problem);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(wait_for_stop(i), last_grace_ms);
}

#define CHECK(condition)                   \
	do {                               \
		if (!(condition))          \
			return #condition; \
	} while (0)

#define CONTROL_TEST(function) cmocka_unit_test_setup_teardown(function, start, end)
