// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/addr.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_split(void **state)
{
	static const char *const bad[] = {"",           "host",    "host:",      "host:x",
					  "host:65536", "::1:443", "[::1]443",   "[::1:443",
					  "ho st:1",    "host:-1", "host:000443"};
	char host[ADDR_HOST_MAX + 1];
	char lengthy[300];
	uint16_t port = 7;

	(void)state;
	assert_int_equal(addr_split("example.org:443", host, &port), 0);
	assert_string_equal(host, "example.org");
	assert_int_equal(port, 443);
	assert_int_equal(addr_split("[2001:db8::1]:65535", host, &port), 0);
	assert_string_equal(host, "2001:db8::1");
	assert_int_equal(port, 65535);
	assert_int_equal(addr_split(":80", host, &port), 0);
	assert_string_equal(host, "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (addr_split(bad[i], host, &port) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(port, 80);
	memset(lengthy, 'a', sizeof(lengthy));
	strcpy(lengthy + 256, ":1");
	assert_int_equal(addr_split(lengthy, host, &port), -EINVAL);
}

static void test_parse_and_format(void **state)
{
	static const struct {
		const char *text, *formatted, *anonymous;
		int loopback;
	} cases[] = {
		{"192.0.2.7:443", "192.0.2.7:443", "192.0.x.x", 0},
		{"[2001:db8::1]:443", "[2001:db8::1]:443", "2001:db8::x", 0},
		{"[::ffff:192.0.2.7]:1", "192.0.2.7:1", "192.0.x.x", 0},
		{"127.8.0.1:1", "127.8.0.1:1", "127.8.x.x", 1},
		{"[::1]:1", "[::1]:1", "0:0::x", 1},
		{"[::ffff:127.0.0.1]:1", "127.0.0.1:1", "127.0.x.x", 1},
		{":443", "[::]:443", "0:0::x", 0},
	};
	char text[ADDR_TEXT_MAX];
	struct addr addr;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(addr_parse(cases[i].text, &addr, 1), 1);
		addr_format(&addr, text);
		assert_string_equal(text, cases[i].formatted);
		addr_format_anonymous(&addr, text);
		assert_string_equal(text, cases[i].anonymous);
		assert_int_equal(addr_is_loopback(&addr), cases[i].loopback);
	}
}

static void test_localhost_and_names(void **state)
{
	struct addr addr[4];
	char text[ADDR_TEXT_MAX];

	(void)state;
	assert_int_equal(addr_parse("LocalHost:9", addr, 4), 2);
	addr_format(&addr[0], text);
	assert_string_equal(text, "127.0.0.1:9");
	addr_format(&addr[1], text);
	assert_string_equal(text, "[::1]:9");
	assert_int_equal(addr_parse("localhost:9", addr, 1), 1);
	assert_int_equal(addr_parse("localhost:9", addr, 0), -EINVAL);
	assert_int_equal(addr_parse("example.org:9", addr, 4), -EAGAIN);
	assert_int_equal(addr_resolve("192.0.2.1:9", addr, 4), 1);
	assert_int_equal(addr_resolve("no-such-name.invalid:9", addr, 4), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_parse_and_format),
		cmocka_unit_test(test_localhost_and_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
