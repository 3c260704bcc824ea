// SPDX-License-Identifier: BSD-2-Clause
/* Another relay's name: why it is not resolved, and what happens when nobody is there. */
#include "common/grpc/dial.h"
#include "tests/unit/common/dns/fixture.h"

static unsigned ends;
static char told[512];

static void on_end(struct bufferevent *bev, const char *reason, void *arg)
{
	(void)arg;
	assert_null(bev);
	ends++;
	snprintf(told, sizeof(told), "%s", reason);
}

static void dial(const char *address)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	struct grpc_dial *dial;

	ends = 0;
	assert_int_equal(
		grpc_dial_start(base, resolver, tls, address, "relay", 5000, on_end, NULL, &dial),
		0);
	assert_int_equal(ends, 0);
	for (uint64_t from = clock_now(); ends == 0 && clock_now() - from < 10 * NS_PER_S;) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(200);
	}
	assert_int_equal(ends, 1);
	SSL_CTX_free(tls);
}

static void the_resolvers_reason(void **state)
{
	(void)state;
	dial("none.test:1");
	assert_non_null(strstr(told, "its host name cannot be resolved: Domain name not found"));
	dial("no port");
	assert_string_equal(told, "its host name cannot be resolved: it is no host:port");
}

static void asked_anew_when_nobody_is_there(void **state)
{
	(void)state;
	first.zone[0] = (struct record){"relay.test", 1, 0, 9, 300, LOOPBACK};
	dial("relay.test:1");
	assert_null(strstr(told, "resolved"));
	assert_int_equal(first.n_a, 1);
	turn_for(1050);
	first.zone[0].first = 8;
	dial("relay.test:1");
	assert_null(strstr(told, "resolved"));
	assert_int_equal(first.n_a, 2);
	dial("127.0.0.9:1");
	assert_null(strstr(told, "resolved"));
}

static void cancelled(void **state)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	struct grpc_dial *dial;

	(void)state;
	first.zone[0] = second.zone[0] = (struct record){.how = SILENT};
	ends = 0;
	assert_int_equal(grpc_dial_start(base, resolver, tls, "a.test:1", "relay", 5000, on_end,
					 NULL, &dial),
			 0);
	turn_for(20);
	grpc_dial_cancel(dial);
	turn_for(20);
	assert_int_equal(ends, 0);
	SSL_CTX_free(tls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_resolvers_reason),
		TEST(asked_anew_when_nobody_is_there),
		TEST(cancelled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
