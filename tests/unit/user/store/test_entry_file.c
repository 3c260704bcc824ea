// SPDX-License-Identifier: BSD-2-Clause
#include "user/store/entry_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t log_bytes[1 << 20];
static size_t log_length;
static uint8_t next_id;

static void byte(unsigned value)
{
	log_bytes[log_length++] = (uint8_t)value;
}

static void le16(size_t value)
{
	byte(value & 0xff);
	byte(value >> 8 & 0xff);
}

/* One chunk of an entry, as the originals cut it. */
static void chunk(uint8_t id, size_t count, size_t index, const uint8_t *data, size_t n)
{
	byte(1);
	le16(count);
	le16(index);
	le16(16);
	memset(log_bytes + log_length, id, 16);
	log_length += 16;
	le16(n);
	memcpy(log_bytes + log_length, data, n);
	log_length += n;
}

static size_t entry(uint8_t *ret, unsigned version, unsigned type, const char *json)
{
	memcpy(ret, (const uint8_t[]){(uint8_t)version, (uint8_t)type, 16, 0}, 4);
	memset(ret + 4, 0xee, 16);
	memcpy(ret + 20, json, strlen(json));
	return 20 + strlen(json);
}

static void write_entry(unsigned version, unsigned type, const char *json)
{
	uint8_t bytes[4096];
	size_t n = entry(bytes, version, type, json), count = (n + 230) / 231;

	next_id++;
	for (size_t i = 0; i < count; i++)
		chunk(next_id, count, i, bytes + 231 * i, i == count - 1 ? n - 231 * i : 231);
}

static int append(const struct stored *record, void *arg)
{
	char *text = arg;

	sprintf(text + strlen(text), "%s|%s|%s|%lld\n", record->domain, record->proxy,
		record->owner, (long long)record->expires_at);
	return 0;
}

static struct entry_file_result result;

static int parse(enum proxy_role role, char *text)
{
	/* A copy of its own, so that the sanitizer sees what is read behind it. */
	uint8_t *copy = malloc(log_length);

	text[0] = '\0';
	memcpy(copy, log_bytes, log_length);
	int r = entry_file_parse(copy, log_length, role, append, text, &result);
	free(copy);
	return r;
}

static int start_again(void **state)
{
	(void)state;
	log_length = 0;
	return 0;
}

#define WIRE "{\"domain\":\"test.internal-server.local\",\"expires_at\":null,\"operator\":\"p-1\"}"

static void reads_a_public_log(void **state)
{
	char text[4096], long_entry[700];

	(void)state;
	write_entry(1, 1, WIRE);
	write_entry(1, 1,
		    "{\"domain\":\"A.org\",\"expires_at\":\"2026-11-22T09:35:31Z\",\"operator\":"
		    "\"x\"}");
	snprintf(long_entry, sizeof(long_entry),
		 "{\"domain\":\"_B.org.\",\"operator\":\"%0200d\",\"more\":\"%0300d\"}", 1, 2);
	write_entry(1, 1, long_entry);
	assert_int_equal(parse(ROLE_PUBLIC, text), 0);
	assert_int_equal(result.entries, 3);
	assert_int_equal(result.torn, 0);
	assert_non_null(strstr(text, "test.internal-server.local||p-1|0\n"
				     "a.org||x|1795340131000\n"
				     "_b.org||0000"));
}

static void reads_a_private_log(void **state)
{
	char text[4096];

	(void)state;
	write_entry(1, 2, "{\"domain\":\"a.org\",\"expires_at\":null,\"proxy\":\"pub\"}");
	assert_int_equal(parse(ROLE_PRIVATE, text), 0);
	assert_string_equal(text, "a.org|pub||0\n");
}

static void writers_may_interleave(void **state)
{
	uint8_t a[2000], b[2000];
	char json[700], text[4096];

	(void)state;
	snprintf(json, sizeof(json),
		 "{\"domain\":\"a.org\",\"operator\":\"x\",\"more\":\"%0500d\"}", 1);
	size_t n = entry(a, 1, 1, json);
	json[11] = 'b';
	entry(b, 1, 1, json);
	size_t last = n - 2 * 231;
	chunk(1, 3, 0, a, 231);
	chunk(2, 3, 0, b, 231);
	chunk(2, 3, 1, b + 231, 231);
	chunk(1, 3, 1, a + 231, 231);
	chunk(1, 3, 2, a + 462, last);
	chunk(2, 3, 2, b + 462, last);
	assert_int_equal(parse(ROLE_PUBLIC, text), 0);
	assert_string_equal(text, "a.org||x|0\nb.org||x|0\n");
}

static void a_torn_end_is_skipped(void **state)
{
	char text[4096];

	(void)state;
	write_entry(1, 1, WIRE);
	size_t whole = log_length;
	write_entry(1, 1, WIRE);
	for (size_t length = log_length; length > whole + 1;) {
		log_length = --length;
		assert_int_equal(parse(ROLE_PUBLIC, text), 0);
		assert_int_equal(result.entries, 1);
		assert_int_equal(result.torn, 1);
	}
	log_length = whole;
	assert_int_equal(parse(ROLE_PUBLIC, text), 0);
	assert_int_equal(result.torn, 0);
}

static void missing_chunks_are_torn_too(void **state)
{
	uint8_t bytes[400] = {0};
	char text[4096];

	(void)state;
	chunk(9, 3, 0, bytes, 231);
	write_entry(1, 1, WIRE);
	assert_int_equal(parse(ROLE_PUBLIC, text), 0);
	assert_int_equal(result.entries, 1);
	assert_int_equal(result.torn, 1);
}

static void assert_bad(enum proxy_role role, size_t offset, const char *reason)
{
	char text[4096];

	assert_int_equal(parse(role, text), -EBADMSG);
	assert_int_equal(result.offset, offset);
	if (!strstr(result.reason, reason))
		fail_msg("%s", result.reason);
	log_length = 0;
}

static void faults_name_their_place(void **state)
{
	(void)state;
	write_entry(1, 1, WIRE);
	size_t second = log_length;
	write_entry(1, 3, WIRE);
	assert_bad(ROLE_PUBLIC, second, "unknown type");
	write_entry(1, 2, WIRE);
	assert_bad(ROLE_PUBLIC, 0, "other kind");
	write_entry(2, 1, WIRE);
	assert_bad(ROLE_PUBLIC, 0, "entry of version 1");
	write_entry(1, 1, "{\"domain\":");
	assert_bad(ROLE_PUBLIC, 0, "not JSON");
	write_entry(1, 1, "{\"domain\":\"a.org\"}");
	assert_bad(ROLE_PUBLIC, 0, "without domain");
	write_entry(1, 1, "[]");
	assert_bad(ROLE_PUBLIC, 0, "without domain");
	write_entry(1, 1, "{\"domain\":\"a.org\",\"operator\":\"x\",\"expires_at\":\"soon\"}");
	assert_bad(ROLE_PUBLIC, 0, "no time");
	write_entry(1, 1, WIRE);
	log_bytes[0] = 2;
	assert_bad(ROLE_PUBLIC, 0, "chunk of version 1");
	write_entry(1, 1, WIRE);
	log_bytes[5] = 17;
	assert_bad(ROLE_PUBLIC, 0, "16 bytes");
	write_entry(1, 1, WIRE);
	log_bytes[1] = 0;
	assert_bad(ROLE_PUBLIC, 0, "out of range");
	chunk(1, 2, 1, (const uint8_t *)"", 0);
	assert_bad(ROLE_PUBLIC, 0, "out of order");
	chunk(1, 1, 0, (const uint8_t *)"\1\1\377\377", 4);
	assert_bad(ROLE_PUBLIC, 0, "shorter than its id");
	chunk(1, 1, 0, (const uint8_t *)"", 0);
	assert_bad(ROLE_PUBLIC, 0, "entry of version 1");
}

/* The originals take them; TLS has no way to ask for them. */
static void names_that_are_none_are_left_out(void **state)
{
	char text[4096];

	(void)state;
	write_entry(1, 1, "{\"domain\":\"a..x.org\",\"operator\":\"x\"}");
	assert_int_equal(parse(ROLE_PUBLIC, text), 0);
	assert_string_equal(text, "");
}

static void an_empty_log_is_fine(void **state)
{
	char text[4096];

	(void)state;
	assert_int_equal(parse(ROLE_PUBLIC, text), 0);
	assert_int_equal(result.entries, 0);
}

static void noise_never_hurts(void **state)
{
	char *text = malloc(1 << 20);

	(void)state;
	srandom(1);
	for (unsigned round = 0; round < 3000; round++) {
		log_length = 0;
		write_entry(1, 1, WIRE);
		write_entry(1, 1, WIRE);
		for (unsigned i = 0; i < 3; i++)
			log_bytes[(size_t)random() % log_length] = (uint8_t)random();
		log_length -= (size_t)random() % 20;
		(void)parse(ROLE_PUBLIC, text);
	}
	free(text);
}

#define TEST(function) cmocka_unit_test_setup(function, start_again)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_a_public_log),
		TEST(reads_a_private_log),
		TEST(writers_may_interleave),
		TEST(a_torn_end_is_skipped),
		TEST(missing_chunks_are_torn_too),
		TEST(faults_name_their_place),
		TEST(names_that_are_none_are_left_out),
		TEST(an_empty_log_is_fine),
		TEST(noise_never_hurts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
