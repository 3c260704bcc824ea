// SPDX-License-Identifier: BSD-2-Clause
/* The control thread of a private proxy, with and without connections that are parked. */
#include "tests/unit/user/control/fixture.h"

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
	struct mail *mail = mail_new_named(MAIL_PARKED, "pub", "x.fixed.org");

	mail->u.parked.condition = condition;
	mail->u.parked.worker = worker;
	mail->u.parked.connection = connection;
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
	open_control(&role_private, "  internal_endpoint: {address: 127.0.0.1:8888}\n"
				    "  announcements: [{domain: a.org, proxies: [pub]}]\n"
				    "  parked: {max: 0}\n");
	run_beside(quiet_script);
}

static void a_private_proxy(void **state)
{
	(void)state;
	open_control(&role_private,
		     "  internal_endpoint: {address: 127.0.0.1:8888}\n"
		     "  announcements:\n"
		     "    - {domain: \"*.Fixed.org\", proxies: [pub], internal_address: "
		     "\"127.0.0.1:77\"}\n"
		     "  public_proxies: [{name: pub, endpoints: [\"127.0.0.1:9999\"]}]\n");
	run_beside(private_script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONTROL_TEST(a_private_proxy),
		CONTROL_TEST(without_parking),
	};
	signal(SIGPIPE, SIG_IGN);
	alarm(600);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
