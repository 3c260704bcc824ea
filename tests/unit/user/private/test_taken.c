// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/timestamp.h"
#include "tests/unit/user/fakes.h"
#include "user/private/taken.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct mailbox *workers[2] = {(struct mailbox *)"a", (struct mailbox *)"b"};
static struct crew crew = {.boxes = workers, .n = 2};
static struct event_base *base;
static struct private_service service;

static void put(const char *domain, const char *proxy, const char *inside)
{
	const struct stored record = {domain, proxy, "me", 0};

	assert_int_equal(announcements_add_fixed(service.announcements, &record, inside), 0);
}

static int start(void **state)
{
	const struct announcements_limits limits = {.total = 5, .per_owner = 5};

	(void)state;
	base = event_base_new();
	service = (struct private_service){
		.name = "me",
		.crew = &crew,
		.internal_address = "127.0.0.1:8888",
		.max_dials = 2,
	};
	assert_int_equal(announcements_new(NULL, &limits, timestamp_now(), &service.announcements),
			 0);
	put("*.a.org", "pub", "127.0.0.1:77");
	put("www.a.org", "pub", NULL);
	put("name.org", "pub", "nowhere.invalid:1");
	return resolver_new(base, NULL, &service.resolver);
}

static int end(void **state)
{
	(void)state;
	resolver_free(service.resolver);
	announcements_free(service.announcements);
	event_base_free(base);
	return n_fake_mail != 0;
}

static void taken(const char *domain, const char *proxy)
{
	struct mail *mail = mail_new_named(MAIL_PARKED, proxy, domain);

	mail->u.parked.condition = PARKED_TAKEN;
	mail->u.parked.worker = 1;
	mail->u.parked.connection = 5;
	private_taken(&service, mail);
	mail_free(mail);
}

static bool unresolved; /* whether that is to be told */

/* The answer is there, without a turn of the loop; NULL: a refusal. */
static void assert_inside(const char *expected)
{
	char text[ADDR_TEXT_MAX];
	struct mailbox *to;
	struct mail *mail = fake_take_mail(&to);

	assert_ptr_equal(to, workers[1]);
	assert_int_equal(mail->type, MAIL_INSIDE);
	assert_int_equal(mail->u.inside.connection, 5);
	assert_int_equal(mail->u.inside.n_inside, expected ? 1 : 0);
	assert_int_equal(mail->u.inside.unresolved, unresolved);
	if (expected) {
		addr_format(&mail->u.inside.inside[0], text);
		assert_string_equal(text, expected);
	}
	mail_free(mail);
	assert_int_equal(service.dials, 0);
}

static void the_exact_name_then_the_wildcard(void **state)
{
	(void)state;
	taken("WWW.a.org", "pub");
	assert_inside("127.0.0.1:8888");
	taken("x.a.org", "pub");
	assert_inside("127.0.0.1:77");
	taken("_X-.a.org.", "pub");
	assert_inside("127.0.0.1:77");
}

static void others_are_refused(void **state)
{
	static const char *const unknown[] = {"a.org", "x.y.a.org", "b.org",
					      "",      "*.a.org",   "x\n.a.org"};

	(void)state;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		taken(unknown[i], "pub");
		assert_inside(NULL);
	}
	taken("www.a.org", "pub-2"); /* announced elsewhere */
	assert_inside(NULL);
}

static void those_being_resolved_are_bounded(void **state)
{
	(void)state;
	service.dials = 2;
	taken("www.a.org", "pub");
	service.dials = 0;
	assert_inside(NULL);
}

static void a_name_that_does_not_resolve_is_a_refusal(void **state)
{
	(void)state;
	taken("name.org", "pub");
	/* Without a name server it may take its time; freeing the resolver ends it, too. */
	resolver_free(service.resolver);
	unresolved = true;
	assert_inside(NULL);
	unresolved = false;
	assert_int_equal(resolver_new(base, NULL, &service.resolver), 0);
}

static void unreachable(const char *domain)
{
	struct mail *mail = mail_new_named(MAIL_UNREACHABLE, "pub", domain);

	private_unreachable(&service, mail);
	mail_free(mail);
}

static int questions;

static void on_question(evutil_socket_t fd, short what, void *arg)
{
	static const unsigned char address[16] = {0xc0, 0x0c, 0, 1, 0,   1, 0, 0,
						  1,    0,    0, 4, 127, 0, 0, 9};
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	unsigned char data[512];

	(void)what;
	(void)arg;
	ssize_t n = recvfrom(fd, data, sizeof(data) - 16, 0, (struct sockaddr *)&from, &size);
	/* nowhere.invalid: header, name, type; without the OPT of the question. */
	bool a = n > 32 && data[12 + 17 + 1] == 1;
	if (n <= 32)
		return;
	questions++;
	data[2] = 0x81;
	data[3] = 0x80;
	memset(data + 6, 0, 6);
	data[7] = a;
	memcpy(data + 33, address, 16);
	(void)sendto(fd, data, a ? 49 : 33, 0, (struct sockaddr *)&from, size);
}

static void wait_for_mail(void)
{
	while (n_fake_mail == 0)
		event_base_loop(base, EVLOOP_ONCE);
}

/* The worker tells that nobody is there: then the name is asked for anew, though its TTL is
 * 256 s. */
static void a_server_that_may_have_moved(void **state)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct resolver_settings settings = RESOLVER_DEFAULTS;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	socklen_t size = sizeof(in);
	char text[32];

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &size), 0);
	snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(in.sin_port));
	settings.n_servers = name_server_parse(text, &settings.servers[0]);
	resolver_free(service.resolver);
	assert_int_equal(resolver_new(base, &settings, &service.resolver), 0);
	struct event *event = event_new(base, fd, EV_READ | EV_PERSIST, on_question, NULL);
	event_add(event, NULL);
	taken("name.org", "pub");
	wait_for_mail();
	assert_inside("127.0.0.9:1");
	usleep(1050000);
	taken("name.org", "pub");
	assert_inside("127.0.0.9:1");
	assert_int_equal(questions, 2);
	unreachable("other.org");
	unreachable("no name");
	unreachable("Name.org");
	taken("name.org", "pub");
	assert_int_equal(n_fake_mail, 0);
	wait_for_mail();
	assert_inside("127.0.0.9:1");
	assert_int_equal(questions, 4);
	event_free(event);
	close(fd);
}

static void without_a_worker_nothing_is_kept(void **state)
{
	(void)state;
	crew.n = 0;
	taken("www.a.org", "pub");
	crew.n = 2;
	assert_int_equal(n_fake_mail, 0);
	assert_int_equal(service.dials, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_exact_name_then_the_wildcard),
		TEST(others_are_refused),
		TEST(those_being_resolved_are_bounded),
		TEST(a_name_that_does_not_resolve_is_a_refusal),
		TEST(a_server_that_may_have_moved),
		TEST(without_a_worker_nothing_is_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
