// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/common/settings/fixture.h"

static const char *const colours[] = {"red", "green", "blue", NULL};
static const struct schema_key plain = {.name = "k", .choices = colours};

static void accepts_as(const struct schema_key *key, enum schema_type type, const char *json,
		       const char *want)
{
	json_t *in = json_loads(json, JSON_DECODE_ANY, NULL), *out = NULL;
	char what[SCHEMA_WHAT_MAX];

	assert_non_null(in);
	if (schema_value(key, type, in, &out, what) != 0)
		fail_msg("%s: %s", json, what);
	is_json(out, want);
	json_decref(in);
	json_decref(out);
}

static void refuses_as(const struct schema_key *key, enum schema_type type, const char *json,
		       const char *part)
{
	json_t *in = json_loads(json, JSON_DECODE_ANY, NULL), *out = NULL;
	char what[SCHEMA_WHAT_MAX];

	assert_non_null(in);
	assert_int_equal(schema_value(key, type, in, &out, what), -EINVAL);
	assert_null(out);
	if (!strstr(what, part))
		fail_msg("%s: \"%s\" does not hold \"%s\"", json, what, part);
	json_decref(in);
}

static void accepts(enum schema_type type, const char *json, const char *want)
{
	accepts_as(&plain, type, json, want);
}

static void refuses(enum schema_type type, const char *json, const char *part)
{
	refuses_as(&plain, type, json, part);
}

static void strings(void **state)
{
	const struct schema_key shorter = {.name = "k", .max = 3};

	(void)state;
	accepts(SCHEMA_STRING, "\"x\"", "\"x\"");
	refuses(SCHEMA_STRING, "5", "must be a string, not 5; put it in quotes");
	refuses(SCHEMA_STRING, "true", "put it in quotes");
	refuses(SCHEMA_STRING, "[]", "not a list");
	refuses(SCHEMA_STRING, "{}", "not a map");
	accepts_as(&shorter, SCHEMA_STRING, "\"abc\"", "\"abc\"");
	refuses_as(&shorter, SCHEMA_STRING, "\"abcd\"", "at most 3 bytes");
	accepts(SCHEMA_ANY, "{\"a\":[1]}", "{\"a\":[1]}");
}

static void booleans(void **state)
{
	(void)state;
	accepts(SCHEMA_BOOL, "true", "true");
	accepts(SCHEMA_BOOL, "false", "false");
	refuses(SCHEMA_BOOL, "\"yes\"", "write true");
	refuses(SCHEMA_BOOL, "\"Off\"", "write false");
	refuses(SCHEMA_BOOL, "\"true\"", "write true");
	refuses(SCHEMA_BOOL, "1", "must be true or false, not 1");
	refuses(SCHEMA_BOOL, "\"maybe\"", "must be true or false, not \"maybe\"");
}

static void integers(void **state)
{
	const struct schema_key key = {.name = "k", .min = 1, .max = 10};
	const struct schema_key open = {.name = "k", .min = 5};

	(void)state;
	accepts_as(&key, SCHEMA_INTEGER, "1", "1");
	accepts_as(&key, SCHEMA_INTEGER, "10", "10");
	accepts_as(&open, SCHEMA_INTEGER, "9223372036854775807", "9223372036854775807");
	refuses_as(&key, SCHEMA_INTEGER, "0", "from 1 to 10, not 0");
	refuses_as(&key, SCHEMA_INTEGER, "11", "from 1 to 10, not 11");
	refuses_as(&open, SCHEMA_INTEGER, "4", "at least 5, not 4");
	refuses_as(&key, SCHEMA_INTEGER, "1.5", "must be an integer");
	refuses_as(&key, SCHEMA_INTEGER, "\"5\"", "remove the quotes");
	refuses_as(&key, SCHEMA_INTEGER, "\"x\"", "must be an integer, not \"x\"");
}

static void quantities(void **state)
{
	const struct schema_key key = {.name = "k", .min = 1, .max = 60000};

	(void)state;
	accepts_as(&key, SCHEMA_DURATION, "10", "10000");
	accepts_as(&key, SCHEMA_DURATION, "0.5", "500");
	accepts_as(&key, SCHEMA_DURATION, "\"10\"", "10000");
	accepts_as(&key, SCHEMA_DURATION, "\"1m\"", "60000");
	refuses_as(&key, SCHEMA_DURATION, "\"2m\"", "from 1 to 60000 ms, not 120000");
	refuses_as(&key, SCHEMA_DURATION, "0", "from 1 to 60000 ms, not 0");
	refuses_as(&key, SCHEMA_DURATION, "-1", "write 500ms, 10s");
	refuses_as(&key, SCHEMA_DURATION, "\"10 s\"", "write 500ms, 10s");
	refuses_as(&key, SCHEMA_DURATION, "1e30", "too large");
	refuses_as(&key, SCHEMA_DURATION, "true", "must be a duration");
	accepts_as(&key, SCHEMA_SIZE, "\"4KiB\"", "4096");
	accepts_as(&key, SCHEMA_SIZE, "100", "100");
	refuses_as(&key, SCHEMA_SIZE, "\"4KB\"", "write 64KiB");
	refuses_as(&key, SCHEMA_SIZE, "\"1MiB\"", "bytes, not 1048576");
}

static void addresses(void **state)
{
	(void)state;
	accepts(SCHEMA_ADDRESS, "\"localhost:443\"", "\"localhost:443\"");
	accepts(SCHEMA_ADDRESS, "\":443\"", "\":443\"");
	accepts(SCHEMA_ADDRESS, "\"[::1]:443\"", "\"[::1]:443\"");
	refuses(SCHEMA_ADDRESS, "\"localhost\"", "must be host:port");
	refuses(SCHEMA_ADDRESS, "\"localhost:65536\"", "must be host:port");
	refuses(SCHEMA_ADDRESS, "\"http://localhost:80\"", "must be host:port");
	refuses(SCHEMA_ADDRESS, "443", "must be host:port, not 443; put it in quotes");
}

static void urls(void **state)
{
	static const char *const good[] = {"http://a", "https://localhost:5544/jsonrpc",
					   "HTTPS://[::1]:80/x", "http://[::1]/", "http://a/b?c"};
	static const char *const bad[] = {"localhost:80", "ftp://a/",     "http://",    "http:///x",
					  "http://a b/",  "https://:80/", "http://a:x/"};
	char json[100];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(json, sizeof(json), "\"%s\"", good[i]);
		accepts(SCHEMA_URL, json, json);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(json, sizeof(json), "\"%s\"", bad[i]);
		refuses(SCHEMA_URL, json, "must be a URL");
	}
}

static void files(void **state)
{
	(void)state;
	accepts(SCHEMA_FILE, "\"/\"", "\"/\"");
	accepts(SCHEMA_PATH, "\"/nowhere/x\"", "\"/nowhere/x\"");
	refuses(SCHEMA_FILE, "\"/nowhere/x\"", "/nowhere/x: No such file or directory");
	refuses(SCHEMA_FILE, "\"nowhere/x\"", "sought in the working directory");
}

static void domains(void **state)
{
	char json[400], label[70];

	(void)state;
	accepts(SCHEMA_DOMAIN, "\"Test.Example.ORG\"", "\"test.example.org\"");
	accepts(SCHEMA_DOMAIN, "\"*.example.org\"", "\"*.example.org\"");
	accepts(SCHEMA_DOMAIN, "\"xn--bcher-kva.example\"", "\"xn--bcher-kva.example\"");
	accepts(SCHEMA_DOMAIN, "\"localhost\"", "\"localhost\"");
	accepts(SCHEMA_DOMAIN, "\"_x.A_b.org.\"", "\"_x.a_b.org\"");
	accepts(SCHEMA_DOMAIN, "\"*.abc-.org.\"", "\"*.abc-.org\"");
	static const char *const bad[] = {"a..b",  ".a",   "a..", "*",   "*.",
					  "a.*.b", "*a.b", ".",   "a b", "b\303\274cher.de"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(json, sizeof(json), "\"%s\"", bad[i]);
		refuses(SCHEMA_DOMAIN, json, "must be a domain");
	}
	refuses(SCHEMA_DOMAIN, "\"192.0.2.1\"", "\"192.0.2.1\", which is an address, not a name");
	memset(label, 'a', 64);
	label[64] = '\0';
	snprintf(json, sizeof(json), "\"%s.b\"", label);
	refuses(SCHEMA_DOMAIN, json, "must be a domain");
	label[63] = '\0';
	snprintf(json, sizeof(json), "\"%s.%s.%s.%s\"", label, label, label, label);
	refuses(SCHEMA_DOMAIN, json, "must be a domain");
}

static void times(void **state)
{
	static const char *const good[] = {"2027-01-31T12:00:00Z", "2028-02-29t00:00:00.123z",
					   "2027-06-30T23:59:60+02:00",
					   "2027-01-01 00:00:00-00:30"};
	static const char *const bad[] = {"2027-01-31",
					  "2027-02-29T00:00:00Z",
					  "0000-01-31T00:00:00Z",
					  "2027-13-01T00:00:00Z",
					  "2027-01-32T00:00:00Z",
					  "2027-01-31T24:00:00Z",
					  "2027-01-31T12:00:00",
					  "2027-01-31T12:00:00+0200",
					  "2027-01-31T12:00:00Zx",
					  "2027-01-31T12:00:00.Z",
					  "tomorrow",
					  "2027-01-31T",
					  "2027-01-31T12:00:00+"};
	char json[64];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(json, sizeof(json), "\"%s\"", good[i]);
		accepts(SCHEMA_TIME, json, json);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(json, sizeof(json), "\"%s\"", bad[i]);
		refuses(SCHEMA_TIME, json, "must be an RFC 3339 time");
	}
}

static void fingerprints(void **state)
{
	static const char lower[] =
		"\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"";

	(void)state;
	accepts(SCHEMA_FINGERPRINT, lower, lower);
	accepts(SCHEMA_FINGERPRINT,
		"\"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:"
		"AA:"
		"BB:CC:DD:EE:FF\"",
		lower);
	refuses(SCHEMA_FINGERPRINT, "\"0011\"", "64 digits");
	refuses(SCHEMA_FINGERPRINT,
		"\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00\"",
		"64 digits");
	refuses(SCHEMA_FINGERPRINT,
		"\"g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"",
		"64 digits");
}

static void choices(void **state)
{
	(void)state;
	accepts(SCHEMA_CHOICE, "\"red\"", "\"red\"");
	refuses(SCHEMA_CHOICE, "\"gren\"", "did you mean \"green\"?");
	refuses(SCHEMA_CHOICE, "\"violet\"", "none of the choices: red, green, blue");
	refuses(SCHEMA_CHOICE, "7", "must be a choice, not 7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings),   cmocka_unit_test(booleans),
		cmocka_unit_test(integers),  cmocka_unit_test(quantities),
		cmocka_unit_test(addresses), cmocka_unit_test(urls),
		cmocka_unit_test(files),     cmocka_unit_test(domains),
		cmocka_unit_test(times),     cmocka_unit_test(fingerprints),
		cmocka_unit_test(choices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
