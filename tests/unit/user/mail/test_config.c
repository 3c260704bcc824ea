// SPDX-License-Identifier: BSD-2-Clause
/* What the data path takes from settings, and what a later config may not change. */
#include "user/mail/config.h"

#include "common/base/clock.h"
#include "user/check.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define RELAY                                                                    \
	"  datastore: {type: sqlite, settings: {filename: /nowhere/state.db}}\n" \
	"  jsonrpc_client: {endpoint: \"http://127.0.0.1:3/jsonrpc\"}\n"         \
	"  jsonrpc_server: {bind_address: \"127.0.0.1:4\"}\n"

static const char *const usual = "workers: 3\n"
				 "forwarding: splice\n"
				 "limits: {hello_timeout: 2s, pending: 77, connections: 50}\n"
				 "public:\n"
				 "  name: pub\n"
				 "  tls_bind_address: 127.0.0.1:1\n"
				 "  internal_bind_address: 127.0.0.1:2\n"
				 "  tcp_rate_limits: [{type: hour, limit: 5}]\n"
				 "  accept_timeout: 4s\n" RELAY;

static json_t *load(const char *text)
{
	char name[] = "/tmp/test-config-XXXXXX";
	json_t *settings = NULL;
	int fd = mkstemp(name);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	setenv("PROXY_SETTINGS", name, 1);
	assert_int_equal(check_load(&settings), 0);
	unlink(name);
	return settings;
}

static struct config *read_config(const char *text, enum proxy_role role)
{
	json_t *settings = load(text);
	struct config *config = NULL;
	char *error = NULL;

	assert_int_equal(config_new(settings, role, &config, &error), 0);
	json_decref(settings); /* the config keeps what it needs */
	return config;
}

static void from_the_settings(void **state)
{
	struct config *config = read_config(usual, ROLE_PUBLIC);
	char text[ADDR_TEXT_MAX];

	(void)state;
	assert_int_equal(config->fixed.role, ROLE_PUBLIC);
	assert_int_equal(config->fixed.workers, 3);
	assert_int_equal(config->plane.forwarding, FORWARD_SPLICE);
	assert_int_equal(config->connections, 50);
	assert_int_equal(config->pending, 77);
	assert_true(config->hello_timeout == 2 * NS_PER_S);
	assert_true(config->accept_timeout == 4 * NS_PER_S);
	assert_int_equal(config->fixed.n_public_listen, 1);
	addr_format(&config->fixed.public_listen[0], text);
	assert_string_equal(text, "127.0.0.1:1");
	assert_int_equal(json_array_size(config->fixed.public_rate_limits), 1);
	config_unref(config);
	config_unref(NULL);
}

/* No more than there are descriptors for, whatever the settings say. */
static void connections_have_descriptors(void **state)
{
	struct rlimit limit;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	rlim_t before = limit.rlim_cur;
	limit.rlim_cur = 600;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	struct config *config = read_config("limits: {connections: 100000}\nprivate:\n  name: p\n  "
					    "internal_endpoint: {address: \"127.0.0.1:5\"}\n" RELAY,
					    ROLE_PRIVATE);
	assert_int_equal(config->connections, (600 - 256) / 2);
	config_unref(config);
	/* Reading the settings raises nothing. */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(limit.rlim_cur, 600);
	limit.rlim_cur = before;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void a_bad_address_is_named(void **state)
{
	json_t *settings = load(usual);
	struct config *config = NULL;
	char *error = NULL;

	(void)state;
	json_object_set_new(json_object_get(settings, "public"), "tls_bind_address",
			    json_string("nonsense"));
	assert_true(config_new(settings, ROLE_PUBLIC, &config, &error) < 0);
	assert_null(config);
	assert_non_null(strstr(error, "public.tls_bind_address: 'nonsense'"));
	free(error);
	json_decref(settings);
}

static void what_is_fixed_stays(void **state)
{
	struct config *running = read_config(usual, ROLE_PUBLIC);
	struct config *next = read_config("workers: 9\n"
					  "forwarding: copy\n"
					  "limits: {hello_timeout: 1s, pending: 5}\n"
					  "public:\n"
					  "  name: pub\n"
					  "  tls_bind_address: 127.0.0.1:7\n"
					  "  internal_bind_address: 127.0.0.1:8\n" RELAY,
					  ROLE_PUBLIC);

	(void)state;
	config_succeed(next, running);
	assert_memory_equal(&next->fixed, &running->fixed, sizeof(next->fixed));
	assert_int_equal(next->plane.forwarding, FORWARD_SPLICE);
	assert_int_equal(next->pending, 5);
	assert_true(next->hello_timeout == NS_PER_S);
	config_unref(running);
	assert_int_equal(json_array_size(next->fixed.public_rate_limits), 1);
	config_unref(next);
}

static void references(void **state)
{
	struct config *config = read_config(usual, ROLE_PUBLIC);

	(void)state;
	assert_ptr_equal(config_ref(config), config);
	config_unref(config);
	assert_int_equal(config->fixed.workers, 3);
	config_unref(config);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_the_settings),
		cmocka_unit_test(connections_have_descriptors),
		cmocka_unit_test(a_bad_address_is_named),
		cmocka_unit_test(what_is_fixed_stays),
		cmocka_unit_test(references),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
