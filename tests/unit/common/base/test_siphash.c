// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/siphash.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <string.h>

/* Key 00 01 … 0f, messages "", 00, …: from the appendix of the paper. */
static void agrees_with_the_paper(void **state)
{
	const struct siphash_key key = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
	uint8_t message[16];

	(void)state;
	for (unsigned i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)i;
	assert_true(siphash(&key, message, 0) == 0x726fdb47dd0e0e31ULL);
	assert_true(siphash(&key, message, 1) == 0x74f839c593dc67fdULL);
	assert_true(siphash(&key, message, 8) == 0x93f5f5799a932462ULL);
	assert_true(siphash(&key, message, 15) == 0xa129ca6149be45e5ULL);
}

static void keys_differ(void **state)
{
	struct siphash_key a, b;

	(void)state;
	siphash_key_new(&a);
	siphash_key_new(&b);
	assert_memory_not_equal(&a, &b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_paper),
		cmocka_unit_test(keys_differ),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
