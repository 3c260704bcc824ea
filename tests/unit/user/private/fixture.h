/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A keeper with short times that keeps connections at the public proxy "pub":
 * the test plays the relay and the workers. Included by one test program each.
 */
#pragma once

#include "common/base/timestamp.h"
#include "tests/unit/user/fakes.h"
#include "user/private/keeper.h"

#include <stdio.h>
#include <time.h>

static struct mailbox *workers[2] = {(struct mailbox *)"a", (struct mailbox *)"b"};
static struct crew crew;
static struct event_base *base;
static struct private_service service;
static struct keeper *keeper;
static json_t *public_proxies;
static uint64_t next_connection;

static void put(const char *domain, const char *proxy)
{
	const struct stored record = {domain, proxy, "x", 0};

	assert_int_equal(announcements_put(service.announcements, &record), 1);
	assert_int_equal(announcements_commit(service.announcements), 1);
	announcements_find(service.announcements, domain, proxy)->accepted = true;
}

static int start_with(unsigned min, unsigned max)
{
	const struct announcements_limits limits = {.total = 10, .per_owner = 10};
	const struct keeper_settings settings = {
		.min = min,
		.max = max,
		.backoff_min = 40,
		.backoff_max = 160,
		.refused = 400,
		.calm = 150,
		.directory = 1500,
		.steady = 100,
	};

	base = event_base_new();
	public_proxies = json_pack("[{s:s, s:[s]}]", "name", "pub", "endpoints", "127.0.0.1:9999");
	crew = (struct crew){.boxes = workers, .n = 2};
	service = (struct private_service){
		.name = "me",
		.crew = &crew,
		.public_proxies = public_proxies,
	};
	next_connection = 0;
	assert_int_equal(announcements_new(NULL, &limits, timestamp_now(), &service.announcements),
			 0);
	assert_int_equal(resolver_new(base, NULL, &service.resolver), 0);
	put("a.org", "pub");
	return keeper_new(base, &service, &settings, &keeper);
}

static int start(void **state)
{
	(void)state;
	return start_with(4, 16);
}

static int end(void **state)
{
	(void)state;
	resolver_free(service.resolver);
	keeper_free(keeper);
	announcements_free(service.announcements);
	event_base_free(base);
	json_decref(public_proxies);
	return n_fake_requests || n_fake_mail;
}

static int64_t ms_by(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t now_ms(void)
{
	return ms_by(CLOCK_MONOTONIC);
}

/*
 * Of the last wait_for_call(), in ms of processor time. It asks all the time,
 * so this is what it took where nobody else wants the processor, and says that
 * a call came at once.
 */
static int64_t waited_cpu_ms;

/* Let the loop run until a call is made; how long that took, in ms. */
static int64_t wait_for_call(void)
{
	int64_t from = now_ms(), cpu_from = ms_by(CLOCK_PROCESS_CPUTIME_ID);

	while (n_fake_requests == 0) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		if (now_ms() - from > 60000)
			fail_msg("no call within a minute");
	}
	waited_cpu_ms = ms_by(CLOCK_PROCESS_CPUTIME_ID) - cpu_from;
	assert_int_equal(n_fake_requests, 1);
	return now_ms() - from;
}

/* Without any wait, but not in the turn that the reason for it came in. */
__attribute__((unused)) static void call_at_once(void)
{
	for (unsigned i = 0; i < 3 && n_fake_requests == 0; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(n_fake_requests, 1);
}

__attribute__((unused)) static void no_call_within(int64_t ms)
{
	for (int64_t from = now_ms(); now_ms() - from < ms;)
		event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(n_fake_requests, 0);
}

#define RESERVE "pub.reserveConnections"
#define TOKEN   "//////////////////////////////////////////8="

static json_t *tokens(unsigned n)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, json_string(TOKEN));
	return list;
}

/* Answer the call, which asks for `count`, with `n` tokens. */
static void give(unsigned count, unsigned n, const char *endpoint)
{
	char params[40];

	snprintf(params, sizeof(params), "{\"count\": %u}", count);
	fake_reply(RESERVE, params, 0,
		   json_pack("{s:s, s:o, s:f}", "endpoint", endpoint, "tokens", tokens(n),
			     "expires_in", 10.0),
		   0, NULL);
}

static void report(enum parked_condition condition, uint64_t connection)
{
	struct mail *mail = mail_new_named(MAIL_PARKED, "pub", "");

	mail->u.parked.condition = condition;
	mail->u.parked.worker = connection % 2;
	mail->u.parked.connection = connection;
	keeper_parked(keeper, mail);
	mail_free(mail);
}

/* `n` dials were mailed; they are `condition` now. */
static void dialled(unsigned n, enum parked_condition condition)
{
	assert_int_equal(n_fake_mail, n);
	for (unsigned i = 0; i < n; i++) {
		char text[ADDR_TEXT_MAX];
		struct mailbox *to;
		struct mail *mail = fake_take_mail(&to);

		assert_ptr_equal(to, workers[(next_connection + 1) % 2]);
		assert_int_equal(mail->type, MAIL_PARK);
		assert_string_equal(mail->u.park.operator, "pub");
		assert_int_equal(mail->u.park.n_outside, 1);
		addr_format(&mail->u.park.outside[0], text);
		assert_string_equal(text, "127.0.0.1:9999");
		for (unsigned j = 0; j < TOKEN_BYTES; j++)
			assert_int_equal(mail->u.park.token[j], 0xff);
		mail_free(mail);
		report(condition, next_connection++);
	}
}

__attribute__((unused)) static void fill(void)
{
	keeper_accepted("pub", keeper);
	wait_for_call();
	give(4, 4, "127.0.0.1:9999");
	dialled(4, PARKED_WAITING);
	assert_int_equal(keeper_waiting(keeper, "pub"), 4);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)
