// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/allowed_domains.h"

#include <errno.h>
#include <stdlib.h>

int allowed_domains_load(const json_t *settings, struct allowed_domains *ret)
{
	const json_t *list = json_object_get(settings, "allowed_domains");
	struct allowed_domains allowed = {.n = json_array_size(list)};

	if (!json_is_array(list) || allowed.n > ALLOWED_DOMAINS_MAX)
		return -EBADMSG;
	allowed.patterns = calloc(allowed.n + 1, sizeof(*allowed.patterns));
	if (!allowed.patterns)
		return -ENOMEM;
	for (size_t i = 0; i < allowed.n; i++) {
		const char *text = json_string_value(json_array_get(list, i));
		if (!text || domain_pattern_normalise(text, allowed.patterns[i], NULL) < 0) {
			free(allowed.patterns);
			return -EBADMSG;
		}
	}
	*ret = allowed;
	return 0;
}

void allowed_domains_clear(struct allowed_domains *allowed)
{
	free(allowed->patterns);
	*allowed = (struct allowed_domains){0};
}

bool allowed_domains_cover(const struct allowed_domains *allowed, const char *domain)
{
	for (size_t i = 0; i < allowed->n; i++)
		if (domain_covers(allowed->patterns[i], domain))
			return true;
	return false;
}
