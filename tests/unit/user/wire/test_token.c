// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_owner(void **state)
{
	uint8_t token[TOKEN_BYTES];

	(void)state;
	for (unsigned workers = 1; workers <= 256; workers++)
		for (unsigned worker = 0; worker < workers; worker++) {
			assert_int_equal(token_make(worker, workers, token), 0);
			assert_int_equal(token_owner(token, workers), worker);
		}
}

static void test_random(void **state)
{
	uint8_t a[TOKEN_BYTES], b[TOKEN_BYTES];

	(void)state;
	assert_int_equal(token_make(0, 2, a), 0);
	assert_int_equal(token_make(0, 2, b), 0);
	assert_memory_not_equal(a + 1, b + 1, TOKEN_BYTES - 1);
}

static void test_hash(void **state)
{
	struct token_hasher *hasher = token_hasher_new(), *other_hasher = token_hasher_new();
	uint8_t token[TOKEN_BYTES] = {3};
	uint8_t hash[TOKEN_KEY_BYTES], again[TOKEN_KEY_BYTES], other[TOKEN_KEY_BYTES];

	(void)state;
	assert_int_equal(token_hash(hasher, token, hash), 0);
	assert_int_equal(token_hash(hasher, token, again), 0);
	assert_memory_equal(hash, again, sizeof(hash));
	assert_int_equal(token_hash(other_hasher, token, other), 0);
	assert_memory_not_equal(hash, other, sizeof(hash));
	token[31] ^= 1;
	assert_int_equal(token_hash(hasher, token, other), 0);
	assert_memory_not_equal(hash, other, sizeof(hash));
	token_hasher_free(hasher);
	token_hasher_free(other_hasher);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
