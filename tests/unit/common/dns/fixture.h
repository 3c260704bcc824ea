/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Name servers on loopback that answer as a test says, on the same loop as the
 * resolver. Included by one test program each.
 */
#pragma once

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/dns/resolver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	SILENT = 1 << 0, /* no answer */
	FAILS = 1 << 1,  /* SERVFAIL */
	SHORT = 1 << 2,  /* by UDP: truncated */
	SILENT_AAAA = 1 << 3,
	FAILS_AAAA = 1 << 4,
	DENIED = 1 << 5,   /* NXDOMAIN */
	NO_EDNS = 1 << 6,  /* FORMERR to a question with OPT */
	LOOPBACK = 1 << 7, /* addresses begin with 127.0.0 */
};

#define ZONE_MAX 8

struct record {
	const char *name; /* in lower case; NULL: every other one */
	unsigned n_a, n_aaaa;
	unsigned first; /* 192.0.2.first, 2001:db8::first, and those that follow */
	unsigned ttl;
	unsigned how;
};

struct name_service {
	uint16_t port;
	int udp, tcp;
	struct event *on_udp, *on_tcp;
	struct record zone[ZONE_MAX];
	unsigned n_a, n_aaaa, n_tcp, n_edns; /* questions */
};

static struct event_base *base;
static struct name_service first, second;
static struct resolver *resolver;

static const struct record *record_of(const struct name_service *service, const char *name)
{
	static const struct record none = {.how = DENIED};

	for (unsigned i = 0; i < ZONE_MAX; i++) {
		const struct record *record = &service->zone[i];
		if (record->name ? strcasecmp(record->name, name) == 0 : record->ttl || record->how)
			return record;
	}
	return &none;
}

static size_t question_name(const unsigned char *data, char name[256])
{
	size_t at = 12, length = 0;

	while (data[at]) {
		memcpy(name + length, data + at + 1, data[at]);
		length += data[at];
		name[length++] = '.';
		at += 1u + data[at];
	}
	name[length > 0 ? length - 1 : 0] = '\0';
	return at + 1;
}

static size_t put_address(unsigned char *to, const struct record *record, unsigned type, unsigned i)
{
	const unsigned char v6[16] = {0x20, 1, 0x0d,
				      0xb8, [15] = (unsigned char)(record->first + i)};
	const unsigned char v4[4] = {192, 0, 2, (unsigned char)(record->first + i)};
	const unsigned char loopback[4] = {127, 0, 0, (unsigned char)(record->first + i)};
	size_t length = type == ns_t_a ? 4 : 16;

	memcpy(to, "\xc0\x0c\0\0\0\1", 6);
	to[3] = (unsigned char)type;
	uint32_t ttl = htonl(record->ttl);
	memcpy(to + 6, &ttl, 4);
	to[10] = 0;
	to[11] = (unsigned char)length;
	memcpy(to + 12, type != ns_t_a ? v6 : record->how & LOOPBACK ? loopback : v4, length);
	return 12 + length;
}

/* The length of the answer, 0: none. */
static size_t make_answer(struct name_service *service, const unsigned char *query, bool tcp,
			  unsigned char *answer)
{
	char name[256];
	size_t at = question_name(query, name);
	unsigned type = query[at] << 8 | query[at + 1], n = 0, code = 0;
	const struct record *record = record_of(service, name);
	unsigned how = record->how;
	bool edns = query[11] != 0;

	service->n_a += type == ns_t_a;
	service->n_aaaa += type == ns_t_aaaa;
	service->n_tcp += tcp;
	service->n_edns += edns;
	if (how & SILENT || (how & SILENT_AAAA && type == ns_t_aaaa))
		return 0;
	at += 4;
	memcpy(answer, query, at);
	memset(answer + 6, 0, 6);
	answer[2] = 0x81;
	if (how & FAILS || (how & FAILS_AAAA && type == ns_t_aaaa))
		code = 2;
	else if (how & DENIED)
		code = 3;
	else if (how & NO_EDNS && edns)
		code = 1;
	else
		n = type == ns_t_a ? record->n_a : record->n_aaaa;
	if (how & SHORT && !tcp) {
		answer[2] |= 2;
		n = 0;
	}
	answer[3] = (unsigned char)(0x80 | code);
	answer[7] = (unsigned char)n;
	for (unsigned i = 0; i < n; i++)
		at += put_address(answer + at, record, type, i);
	return at;
}

static void on_udp(evutil_socket_t fd, short what, void *arg)
{
	unsigned char query[1500], answer[4096];
	struct sockaddr_in from;
	socklen_t size = sizeof(from);

	(void)what;
	ssize_t n = recvfrom(fd, query, sizeof(query), 0, (struct sockaddr *)&from, &size);
	if (n < 17)
		return;
	size_t length = make_answer(arg, query, false, answer);
	if (length > 0)
		(void)sendto(fd, answer, length, 0, (struct sockaddr *)&from, size);
}

/* Questions arrive whole: they are small, and come over loopback. */
static void on_stream(evutil_socket_t fd, short what, void *arg)
{
	unsigned char query[4096], answer[4096 + 2];
	ssize_t n = recv(fd, query, sizeof(query), MSG_DONTWAIT);

	(void)what;
	if (n <= 0) {
		close(fd);
		return;
	}
	for (ssize_t at = 0; at + 2 < n; at += 2 + (query[at] << 8 | query[at + 1])) {
		size_t length = make_answer(arg, query + at + 2, true, answer + 2);
		answer[0] = (unsigned char)(length >> 8);
		answer[1] = (unsigned char)length;
		if (length > 0)
			(void)send(fd, answer, length + 2, MSG_NOSIGNAL);
	}
	event_base_once(base, fd, EV_READ, on_stream, arg, NULL);
}

static void on_tcp(evutil_socket_t fd, short what, void *arg)
{
	int stream = accept(fd, NULL, NULL);

	(void)what;
	if (stream >= 0)
		event_base_once(base, stream, EV_READ, on_stream, arg, NULL);
}

static void service_close(struct name_service *service)
{
	if (service->on_udp) {
		event_free(service->on_udp);
		event_free(service->on_tcp);
		close(service->udp);
		close(service->tcp);
	}
	service->on_udp = NULL;
}

/* False: its port is taken. */
static bool service_bind(struct name_service *service)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(in);

	service->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	service->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bind(service->udp, (struct sockaddr *)&in, sizeof(in)) == 0 &&
	    getsockname(service->udp, (struct sockaddr *)&in, &size) == 0 &&
	    bind(service->tcp, (struct sockaddr *)&in, sizeof(in)) == 0 &&
	    listen(service->tcp, 16) == 0) {
		service->port = ntohs(in.sin_port);
		return true;
	}
	close(service->udp);
	close(service->tcp);
	return false;
}

/* On a port that is free for both. */
static void service_open(struct name_service *service)
{
	for (int i = 0; !service_bind(service); i++)
		assert_true(i < 1000);
	service->on_udp = event_new(base, service->udp, EV_READ | EV_PERSIST, on_udp, service);
	service->on_tcp = event_new(base, service->tcp, EV_READ | EV_PERSIST, on_tcp, service);
	event_add(service->on_udp, NULL);
	event_add(service->on_tcp, NULL);
}

static struct resolver_settings two_servers(void)
{
	struct resolver_settings settings = RESOLVER_DEFAULTS;
	char text[32];

	snprintf(text, sizeof(text), "127.0.0.1:%u", first.port);
	assert_true(name_server_parse(text, &settings.servers[0]));
	snprintf(text, sizeof(text), "127.0.0.1:%u", second.port);
	assert_true(name_server_parse(text, &settings.servers[1]));
	settings.n_servers = 2;
	return settings;
}

__attribute__((unused)) static void renew(const struct resolver_settings *settings)
{
	resolver_free(resolver);
	assert_int_equal(resolver_new(base, settings, &resolver), 0);
}

static int start(void **state)
{
	(void)state;
	base = event_base_new();
	first = second = (struct name_service){0};
	service_open(&first);
	service_open(&second);
	const struct resolver_settings settings = two_servers();
	return resolver_new(base, &settings, &resolver);
}

static int end(void **state)
{
	(void)state;
	resolver_free(resolver);
	resolver = NULL;
	service_close(&first);
	service_close(&second);
	event_base_free(base);
	return 0;
}

struct outcome {
	unsigned calls;
	int n;
	unsigned ttl_ms;
	char list[RESOLVER_ADDRS][ADDR_TEXT_MAX];
	char reason[512];
	uint64_t took_ms;
};

__attribute__((unused)) static void on_done(const struct resolver_answer *answer, void *arg)
{
	struct outcome *outcome = arg;

	outcome->calls++;
	outcome->n = answer->n;
	outcome->ttl_ms = answer->ttl_ms;
	for (int i = 0; i < answer->n; i++)
		addr_format(&answer->addrs[i], outcome->list[i]);
	snprintf(outcome->reason, sizeof(outcome->reason), "%s",
		 answer->reason ? answer->reason : "");
}

__attribute__((unused)) static void turn_for(unsigned ms)
{
	for (uint64_t from = clock_now(); clock_now() - from < ms * NS_PER_MS;) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(200);
	}
}

__attribute__((unused)) static struct outcome look_up(const char *endpoint)
{
	struct outcome outcome = {0};
	uint64_t from = clock_now();

	resolver_lookup(resolver, endpoint, on_done, &outcome);
	while (outcome.calls == 0) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(100);
		if (clock_now() - from > 20 * NS_PER_S)
			fail_msg("%s: no answer", endpoint);
	}
	outcome.took_ms = (clock_now() - from) / NS_PER_MS;
	assert_int_equal(outcome.calls, 1);
	return outcome;
}

/* Exactly one address. */
__attribute__((unused)) static void assert_leads_to(const char *endpoint, const char *expected)
{
	struct outcome outcome = look_up(endpoint);

	if (outcome.n != 1)
		fail_msg("%s: %d addresses: %s", endpoint, outcome.n, outcome.reason);
	assert_string_equal(outcome.list[0], expected);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)
