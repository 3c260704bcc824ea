// SPDX-License-Identifier: BSD-2-Clause
/*
 * The whole control thread over real HTTP: the test plays the relay in a
 * second thread, and workers are the test's mailboxes.
 */
#include "user/control.h"
#include "common/jsonrpc_client.h"
#include "common/jsonrpc_server.h"
#include "user/check.h"
#include "user/public/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct worker;
void worker_mail(struct worker *worker, struct mail *mail);

#define WAIT_MS 10000

static char folder[] = "/tmp/passage-control-XXXXXX";
static struct mailbox *boxes[2]; /* the two workers */
static unsigned relay_port, proxy_port;
static struct control *control;

void worker_mail(struct worker *worker, struct mail *mail)
{
	mailbox_put((struct mailbox *)worker, mail);
}

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

static void relay_open(struct relay *relay, jsonrpc_handler handler)
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
	assert_int_equal(jsonrpc_client_new(relay->base, client, &relay->client, &error), 0);
	json_decref(server);
	json_decref(client);
}

static void relay_close(struct relay *relay)
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
static const char *ask(struct relay *relay, const char *method, const char *caller,
		       const char *params)
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

static void wait_for_request(struct relay *relay, unsigned number)
{
	while (relay->requests < number)
		event_base_loop(relay->base, EVLOOP_ONCE);
}

static void note_request(struct relay *relay, struct jsonrpc_call *call)
{
	const struct jsonrpc_request *request = jsonrpc_call_request(call);

	relay->requests++;
	snprintf(relay->method, sizeof(relay->method), "%s", request->method);
	json_decref(relay->seen);
	relay->seen = json_incref(request->params);
}

static const char *seen(const struct relay *relay, const char *field)
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

static void open_control(enum proxy_role role, const char *more)
{
	json_t *settings = load(role == ROLE_PUBLIC ? "public" : "private", more);
	char *error = NULL;

	int r = control_new(settings, role, &control, &error);
	if (r < 0)
		fail_msg("%s", error);
	json_decref(settings);
	control_set_workers(control, (struct worker **)boxes, 2);
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
	for (unsigned i = 0; i < 2; i++) {
		struct mail *mail = wait_for_mail(i);
		assert_non_null(mail);
		assert_int_equal(mail->type, MAIL_STOP);
		assert_int_equal(mail->u.stop.grace_ms, 1000);
		mail_free(mail);
	}
}

#define CHECK(condition)                   \
	do {                               \
		if (!(condition))          \
			return #condition; \
	} while (0)

static void refuse_notice(struct jsonrpc_call *call, void *arg)
{
	struct jsonrpc_error error = {0};

	note_request(arg, call);
	jsonrpc_error_set(&error, 404, NULL, "no matching connection found");
	jsonrpc_call_error(call, &error);
}

static bool has_route(unsigned worker, const char *name, const char *operator)
{
	struct mail *mail = wait_for_mail(worker);
	bool found = false;

	if (mail && mail->type == MAIL_ROUTES) {
		const struct route *route = routes_find(mail->u.routes, name, 0);
		found = operator? route && strcmp(route->operator, operator) == 0 : !route;
	}
	mail_free(mail);
	return found;
}

static bool reservation_for(unsigned worker, const char *operator)
{
	struct mail *mail = wait_for_mail(worker);
	bool found = mail && mail->type == MAIL_RESERVATION &&
		     mail->u.reservation.token[0] % 2 == worker &&
		     mail->u.reservation.valid_ms == 10000 &&
		     strcmp(mail->u.reservation.operator, operator) == 0;

	mail_free(mail);
	return found;
}

static const char *public_script(void)
{
	struct relay relay;

	relay_open(&relay, refuse_notice);
	CHECK(has_route(0, "a.org", NULL));
	CHECK(has_route(1, "a.org", NULL));
	CHECK(strcmp(ask(&relay, "announceConnections", "p-1",
			 "{\"connections\": [{\"domain\": \"a.org\"}, {\"domain\": \"a.net\"}]}"),
		     "[null, {\"code\": 403, \"message\": \"not allowed\"}]") == 0);
	CHECK(has_route(0, "a.org", "p-1"));
	CHECK(has_route(1, "a.org", "p-1"));
	CHECK(strcmp(ask(&relay, "nonsense", "p-1", "{}"), "method not found") == 0);
	CHECK(strcmp(ask(&relay, "reserveConnections", "p-2", "{\"count\": 1}"),
		     "no matching announcement") == 0);
	CHECK(strstr(ask(&relay, "reserveConnections", "p-1", "{\"count\": 3}"),
		     "{\"endpoint\": \"127.0.0.1:9999\", \"expires_in\": 10.0, \"tokens\": [\""));
	/* The limit of the settings is two; each worker made one. */
	CHECK(reservation_for(0, "p-1"));
	CHECK(reservation_for(1, "p-1"));
	CHECK(strstr(ask(&relay, "reserveConnections", "p-1", "{\"count\": 1}"), "\"tokens\": []"));
	struct mail *shown = mail_new(MAIL_RESERVATION);
	strcpy(shown->u.reservation.operator, "p-1");
	mailbox_put(control_mailbox(control), shown);
	while (!strstr(ask(&relay, "reserveConnections", "p-1", "{\"count\": 1}"),
		       "\"tokens\": [\""))
		;
	CHECK(reservation_for(0, "p-1"));

	struct mail *mail = mail_new(MAIL_NOTICE);
	mail->u.notice.worker = 1;
	mail->u.notice.connection = 99;
	strcpy(mail->u.notice.domain, "a.org");
	strcpy(mail->u.notice.operator, "p-1");
	mailbox_put(control_mailbox(control), mail);
	wait_for_request(&relay, 1);
	CHECK(strcmp(relay.method, "p-1.incomingConnection") == 0);
	CHECK(strcmp(seen(&relay, "domain"), "a.org") == 0);
	CHECK(strcmp(seen(&relay, "endpoint"), "127.0.0.1:9999") == 0);
	CHECK(strlen(seen(&relay, "token")) == 44);
	/* The answer leaves with the next turns of this loop. */
	struct pollfd fd = {.fd = mailbox_fd(boxes[1]), .events = POLLIN};
	while (poll(&fd, 1, 1) == 0)
		event_base_loop(relay.base, EVLOOP_NONBLOCK);
	mail = wait_for_mail(1);
	CHECK(mail && mail->type == MAIL_NOTICE_REFUSED && mail->u.refused.connection == 99);
	CHECK(strcmp(mail->u.refused.reason, "refused: 404 no matching connection found") == 0);
	mail_free(mail);
	relay_close(&relay);
	return NULL;
}

static void a_public_proxy(void **state)
{
	(void)state;
	open_control(ROLE_PUBLIC, "  internal_endpoint: 127.0.0.1:9999\n"
				  "  internal_bind_address: 127.0.0.1:9999\n");
	run_beside(public_script);
}

#define TOKEN "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void give_tokens(struct jsonrpc_call *call, const json_t *params)
{
	json_t *tokens = json_array();

	for (long long i = json_integer_value(json_object_get(params, "count")); i > 0; i--)
		json_array_append_new(tokens, json_string(TOKEN));
	jsonrpc_call_result(call, json_pack("{s:s, s:o, s:i}", "endpoint", "127.0.0.1:9999",
					    "tokens", tokens, "expires_in", 10));
}

static void accept_all(struct jsonrpc_call *call, void *arg)
{
	const struct jsonrpc_request *request = jsonrpc_call_request(call);
	const json_t *list = json_object_get(request->params, "connections");
	struct relay *relay = arg;
	json_t *answers;

	if (strcmp(request->method, "pub.reserveConnections") == 0) {
		relay->reserved +=
			(unsigned)json_integer_value(json_object_get(request->params, "count"));
		give_tokens(call, request->params);
		return;
	}
	answers = json_array();
	note_request(relay, call);
	for (size_t i = 0; i < json_array_size(list); i++)
		json_array_append_new(answers, json_null());
	jsonrpc_call_result(call, answers);
}

/* Let the relay's loop run until this worker has mail; the mail, all of it. */
static struct mail *serve_until_mail(struct relay *relay, unsigned worker)
{
	struct pollfd fd = {.fd = mailbox_fd(boxes[worker]), .events = POLLIN};

	while (poll(&fd, 1, 1) == 0)
		event_base_loop(relay->base, EVLOOP_NONBLOCK);
	return mailbox_take_all(boxes[worker]);
}

/* Connections that these workers shall dial ahead; -1: other mail came. */
static int count_parks(struct mail *mail)
{
	int n = 0;

	for (struct mail *next; mail; mail = next) {
		next = mail->next;
		if (n >= 0 && mail->type == MAIL_PARK &&
		    strcmp(mail->u.park.operator, "pub") == 0 && mail->u.park.n_outside == 1)
			n++;
		else
			n = -1;
		mail_free(mail);
	}
	return n;
}

/* Each of the two gets as many. */
static const char *expect_parks(struct relay *relay, int n)
{
	int got[2] = {0, 0};

	for (unsigned i = 0; i < 2; i++)
		while (got[i] < n / 2) {
			int more = count_parks(serve_until_mail(relay, i));
			CHECK(more > 0);
			got[i] += more;
		}
	CHECK(got[0] == n / 2 && got[1] == n / 2);
	return NULL;
}

static void report(enum parked_condition condition, unsigned worker, uint64_t connection)
{
	struct mail *mail = mail_new(MAIL_PARKED);

	mail->u.parked.condition = condition;
	mail->u.parked.worker = worker;
	mail->u.parked.connection = connection;
	strcpy(mail->u.parked.operator, "pub");
	strcpy(mail->u.parked.domain, "x.fixed.org");
	mailbox_put(control_mailbox(control), mail);
}

/* Four wait; one is taken, and made up for. */
static const char *parking_script(struct relay *relay)
{
	const char *problem = expect_parks(relay, 4);

	CHECK(relay->reserved == 4);
	for (unsigned i = 0; !problem && i < 4; i++)
		report(PARKED_WAITING, i % 2, i);
	report(PARKED_TAKEN, 1, 3);
	struct mail *mail = serve_until_mail(relay, 1);
	CHECK(mail && mail->type == MAIL_INSIDE && mail->u.inside.connection == 3);
	CHECK(mail->u.inside.n_inside == 1);
	CHECK(ntohs(((struct sockaddr_in *)&mail->u.inside.inside[0].sa)->sin_port) == 77);
	int after = count_parks(mail->next);
	mail_free(mail);
	if (!problem && after == 0)
		after = count_parks(serve_until_mail(relay, 1));
	CHECK(after == 1);
	CHECK(relay->reserved == 5);
	return problem;
}

static const char *private_script(void)
{
	static const char incoming[] =
		"{\"domain\": \"x.fixed.org\", \"endpoint\": \"127.0.0.1:9999\", \"token\": "
		"\"" TOKEN "\"}";
	struct relay relay;

	/* The relay comes late, as it may. */
	usleep(500000);
	relay_open(&relay, accept_all);
	wait_for_request(&relay, 1);
	CHECK(strcmp(relay.method, "pub.announceConnections") == 0);
	CHECK(json_array_size(json_object_get(relay.seen, "connections")) == 1);
	const char *problem = parking_script(&relay);
	if (problem)
		return problem;
	CHECK(strcmp(ask(&relay, "announceConnection", "x",
			 "{\"domain\": \"a.org\", \"proxy\": \"pub\"}"),
		     "\"ok\"") == 0);
	CHECK(relay.requests == 2);
	CHECK(strcmp(ask(&relay, "incomingConnection", "pub", incoming), "{\"message\": \"ok\"}") ==
	      0);
	struct mail *mail = wait_for_mail(0);
	CHECK(mail && mail->type == MAIL_DIAL && mail->u.dial.n_inside == 1);
	CHECK(ntohs(((struct sockaddr_in *)&mail->u.dial.inside[0].sa)->sin_port) == 77);
	mail_free(mail);
	CHECK(strcmp(ask(&relay, "incomingConnection", "pub-2", incoming),
		     "no matching connection found") == 0);
	relay_close(&relay);
	return NULL;
}

static const char *quiet_script(void)
{
	struct relay relay;

	relay_open(&relay, accept_all);
	wait_for_request(&relay, 1);
	for (unsigned i = 0; i < 30; i++) {
		event_base_loop(relay.base, EVLOOP_NONBLOCK);
		usleep(10000);
	}
	CHECK(relay.reserved == 0);
	relay_close(&relay);
	return NULL;
}

static void without_parking(void **state)
{
	(void)state;
	open_control(ROLE_PRIVATE, "  internal_endpoint: {address: 127.0.0.1:8888}\n"
				   "  announcements: [{domain: a.org, proxies: [pub]}]\n"
				   "  parked: {max: 0}\n");
	run_beside(quiet_script);
}

static void a_private_proxy(void **state)
{
	(void)state;
	open_control(ROLE_PRIVATE,
		     "  internal_endpoint: {address: 127.0.0.1:8888}\n"
		     "  announcements:\n"
		     "    - {domain: \"*.Fixed.org\", proxies: [pub], internal_address: "
		     "\"127.0.0.1:77\"}\n"
		     "  public_proxies: [{name: pub, endpoints: [\"127.0.0.1:9999\"]}]\n");
	run_beside(private_script);
}

static const char *signal_script(void)
{
	mail_free(wait_for_mail(0));
	mail_free(wait_for_mail(1));
	usleep(100000);
	kill(getpid(), SIGTERM);
	return NULL;
}

static void a_signal_stops_it(void **state)
{
	(void)state;
	open_control(ROLE_PUBLIC, "");
	run_beside(signal_script);
}

static void what_cannot_start_says_why(void **state)
{
	json_t *settings = load("public", "");
	struct control *second = NULL;
	char *error = NULL;

	(void)state;
	assert_int_equal(control_new(settings, ROLE_PRIVATE, &second, &error), -EINVAL);
	assert_non_null(strstr(error, "private"));
	free(error);

	error = NULL;
	json_object_set_new(json_object_get(json_object_get(settings, "public"), "jsonrpc_server"),
			    "bind_address", json_string("192.0.2.1:1"));
	assert_true(control_new(settings, ROLE_PUBLIC, &second, &error) < 0);
	assert_non_null(error);
	free(error);
	json_decref(settings);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_public_proxy),
		TEST(a_private_proxy),
		TEST(without_parking),
		TEST(a_signal_stops_it),
		TEST(what_cannot_start_says_why),
	};
	signal(SIGPIPE, SIG_IGN);
	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
