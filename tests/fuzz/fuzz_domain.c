// SPDX-License-Identifier: BSD-2-Clause
/* Names and patterns of names: what is normal stays so, and covers what it should. */
#include "common/base/domain.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_name(const char *text)
{
	char name[DOMAIN_MAX + 1], again[DOMAIN_MAX + 1], below[DOMAIN_PATTERN_MAX];
	const char *reason = NULL;

	if (domain_normalise(text, true, name, &reason) < 0) {
		must(reason != NULL);
		return;
	}
	must(strlen(name) <= DOMAIN_MAX);
	must(domain_normalise(name, true, again, NULL) == 0 && strcmp(name, again) == 0);
	must(domain_covers(name, name));
	below[0] = '.';
	memcpy(below + 1, name, strlen(name) + 1);
	must(name[0] == '*' || !domain_covers(below, name));
	/* Without wildcards it is the same, or refused. */
	must((domain_normalise(text, false, again, NULL) == 0) == (name[0] != '*'));
}

static void check_pattern(const char *text)
{
	char pattern[DOMAIN_PATTERN_MAX], again[DOMAIN_PATTERN_MAX];

	if (domain_pattern_normalise(text, pattern, NULL) < 0)
		return;
	must(domain_pattern_normalise(pattern, again, NULL) == 0 && strcmp(pattern, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = malloc(length + 1);

	if (!text)
		return 0;
	memcpy(text, bytes, length);
	text[length] = '\0';
	check_name(text);
	check_pattern(text);
	free(text);
	return 0;
}
