// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/timestamp.h"
#include "tests/unit/user/fakes.h"
#include "user/private/target.h"

#include <errno.h>

static struct private_service service;
static json_t *public_proxies;

static void put(const char *domain, const char *proxy, const char *inside, int64_t expires_at)
{
	const struct stored record = {domain, proxy, "me", expires_at};

	assert_int_equal(announcements_add_fixed(service.announcements, &record, inside), 0);
}

static int start(void **state)
{
	const struct announcements_limits limits = {.total = 5, .per_owner = 5};

	(void)state;
	public_proxies = json_pack("[{s:s, s:[s]}]", "name", "pub", "endpoints", "pub.org:9999");
	service = (struct private_service){
		.name = "me",
		.internal_address = "127.0.0.1:8888",
		.public_proxies = public_proxies,
	};
	return announcements_new(NULL, &limits, timestamp_now(), &service.announcements);
}

static int end(void **state)
{
	(void)state;
	announcements_free(service.announcements);
	json_decref(public_proxies);
	return 0;
}

static void the_exact_name_comes_before_the_wildcard(void **state)
{
	(void)state;
	put("*.a.org", "pub", "127.0.0.1:1", 0);
	assert_string_equal(target_inside(&service, "www.a.org", "pub"), "127.0.0.1:1");
	put("www.a.org", "pub", NULL, 0);
	assert_string_equal(target_inside(&service, "www.a.org", "pub"), "127.0.0.1:8888");
	assert_string_equal(target_inside(&service, "ftp.a.org", "pub"), "127.0.0.1:1");
}

static void others_lead_nowhere(void **state)
{
	(void)state;
	put("*.a.org", "pub", NULL, 0);
	put("old.org", "pub", NULL, timestamp_now() - 1);
	assert_null(target_inside(&service, "a.org", "pub"));
	assert_null(target_inside(&service, "x.www.a.org", "pub"));
	assert_null(target_inside(&service, "www.a.org", "pub-2"));
	assert_null(target_inside(&service, "old.org", "pub"));
	assert_null(target_inside(&service, "org", "pub"));
}

/* One that has expired does not stand before a wildcard that has not. */
static void an_expired_name_leaves_the_wildcard(void **state)
{
	(void)state;
	put("*.a.org", "pub", "127.0.0.1:1", 0);
	put("www.a.org", "pub", "127.0.0.1:2", timestamp_now() - 1);
	assert_string_equal(target_inside(&service, "www.a.org", "pub"), "127.0.0.1:1");
}

static void only_known_endpoints_are_allowed(void **state)
{
	const struct caller pub = {.name = "pub"}, other = {.name = "other"};

	(void)state;
	assert_true(target_allowed(&service, &pub, "pub.org:9999"));
	assert_false(target_allowed(&service, &pub, "pub.org:22"));
	assert_false(target_allowed(&service, &pub, "nonsense"));
	assert_false(target_allowed(&service, &other, "pub.org:9999"));
}

static void addresses_are_taken_up_to_the_limit(void **state)
{
	struct addr list[ENDPOINT_ADDRS + 2], ret[ENDPOINT_ADDRS];
	struct resolver_answer answer = {.n = 2, .addrs = list};
	unsigned n = 77;

	(void)state;
	memset(list, 0, sizeof(list));
	for (unsigned i = 0; i < ENDPOINT_ADDRS + 2; i++)
		list[i].len = i + 1;
	assert_true(target_addresses("a.org", "pub", "x:1", &answer, ret, &n));
	assert_int_equal(n, 2);
	answer.n = ENDPOINT_ADDRS + 2;
	assert_true(target_addresses("a.org", "pub", "x:1", &answer, ret, &n));
	assert_int_equal(n, ENDPOINT_ADDRS);
	assert_int_equal(ret[ENDPOINT_ADDRS - 1].len, ENDPOINT_ADDRS);
	n = 77;
	answer = (struct resolver_answer){.n = -ENOENT, .reason = "no such name"};
	assert_false(target_addresses("a.org", "pub", "x:1", &answer, ret, &n));
	assert_int_equal(n, 77);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_exact_name_comes_before_the_wildcard),
		TEST(others_lead_nowhere),
		TEST(an_expired_name_leaves_the_wildcard),
		TEST(only_known_endpoints_are_allowed),
		TEST(addresses_are_taken_up_to_the_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
