// SPDX-License-Identifier: BSD-2-Clause
/*
 * A relay that knows 10,000 operators: each is found, nobody else is, and what
 * that costs is printed. Times are not asserted: the machine may be busy.
 */
#include "relay/bus/transit.h"
#include "relay/channel/grpc/delivery_private.h"
#include "tests/unit/relay/directory/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#define OPERATORS 10000
#define ROUNDS    20

static char names[OPERATORS][32], strangers[OPERATORS][32];

static int make_names(void **state)
{
	(void)state;
	for (int i = 0; i < OPERATORS; i++) {
		snprintf(names[i], sizeof(names[i]), "private-proxy-%d.ga", i);
		snprintf(strangers[i], sizeof(strangers[i]), "private-proxy-%d.gb", i);
	}
	return 0;
}

/* Of this process alone, in ns. */
static uint64_t cpu_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

typedef bool (*look_up)(const void *where, const char *name);

static void measure(const char *what, look_up found, const void *where)
{
	uint64_t begin = cpu_time();
	unsigned n = 0;

	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < OPERATORS; i++)
			n += found(where, names[(i * 7919) % OPERATORS]);
	uint64_t took = cpu_time() - begin;
	assert_int_equal(n, ROUNDS * OPERATORS);
	for (int i = 0; i < OPERATORS; i++)
		assert_false(found(where, strangers[i]));
	printf("%s: %.3f us for a look-up among %d\n", what,
	       (double)took / 1000 / (ROUNDS * OPERATORS), OPERATORS);
}

static bool in_directory(const void *where, const char *name)
{
	return directory_entry(where, name) != NULL;
}

static void test_directory(void **state)
{
	struct directory *directory = directory_new();

	(void)state;
	for (int i = 0; i < OPERATORS; i++)
		assert_int_equal(directory_add(directory, names[i], json_object()), 0);
	assert_int_equal(directory_size(directory), OPERATORS);
	measure("directory", in_directory, directory);
	directory_free(directory);
}

static bool in_transit(const void *where, const char *name)
{
	return transits_has(where, name, "peer.echo(1)");
}

static void on_done(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	(void)r;
	(void)result;
	(void)error;
	(void)arg;
}

static void test_transits(void **state)
{
	struct event_base *base = event_base_new();
	struct transits transits;
	struct transit *transit;

	(void)state;
	transits_init(&transits, base, OPERATORS, 30000);
	for (int i = 0; i < OPERATORS; i++)
		assert_int_equal(transit_begin(&transits, names[i], "peer", "echo", "peer.echo(1)",
					       json_object(), on_done, NULL, &transit),
				 0);
	assert_int_equal(transits.senders.n, OPERATORS);
	measure("messages under way", in_transit, &transits);
	transits_done(&transits);
	event_base_free(base);
}

static bool holds_stream(const void *where, const char *name)
{
	return grpc_delivery_can(where, name);
}

/* Whoever holds no stream any more has no queue either. */
static void test_delivery(void **state)
{
	static struct grpc_stream *streams[OPERATORS];
	struct grpc_delivery *delivery;

	(void)state;
	assert_int_equal(grpc_delivery_new(NULL, &delivery), 0);
	for (int i = 0; i < OPERATORS; i++)
		assert_int_equal(grpc_delivery_add(delivery, names[i], NULL, 1, &streams[i]), 0);
	measure("operators with streams", holds_stream, delivery);
	for (int i = 0; i < OPERATORS; i++)
		grpc_delivery_remove(streams[i]);
	assert_int_equal(delivery->queues.n, 0);
	grpc_delivery_free(delivery);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_transits),
		cmocka_unit_test(test_delivery),
	};
	return cmocka_run_group_tests(tests, make_names, NULL);
}
