// SPDX-License-Identifier: BSD-2-Clause
/* The control thread of a public proxy, from call to mail and back. */
#include "tests/unit/user/control/fixture.h"
#include "user/mail/routes.h"

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
		found = operator? route && strcmp(route->owner, operator) == 0 : !route;
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
	struct mail *shown = mail_new_named(MAIL_TOKEN_SHOWN, "p-1", "");
	mailbox_put(control_mailbox(control), shown);
	while (!strstr(ask(&relay, "reserveConnections", "p-1", "{\"count\": 1}"),
		       "\"tokens\": [\""))
		;
	CHECK(reservation_for(0, "p-1"));

	struct mail *mail = mail_new_named(MAIL_NOTICE, "p-1", "a.org");
	mail->u.notice.worker = 1;
	mail->u.notice.connection = 99;
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
	open_control(&role_public, "  internal_endpoint: 127.0.0.1:9999\n"
				   "  internal_bind_address: 127.0.0.1:9999\n");
	run_beside(public_script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONTROL_TEST(a_public_proxy),
	};
	signal(SIGPIPE, SIG_IGN);
	alarm(600);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
