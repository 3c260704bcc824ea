/* SPDX-License-Identifier: BSD-2-Clause */
/* Domain names as settings, announcements and the directory write them. Pure. */
#pragma once

#include <stdbool.h>

#define DOMAIN_MAX         253
#define DOMAIN_PATTERN_MAX (DOMAIN_MAX + 2)

/*
 * A name in lower case, as clients send it (RFC 6066 section 3): letters,
 * digits, hyphens and underscores in labels of 1 to 63 bytes, at most 253 bytes
 * in all; internationalised ones as A-labels, "xn--…". That is more than
 * RFC 1123 calls a host name: DNS has no such rule, and names like
 * "a_b.example.org" and "abc-.example.org" are in use. One dot at the end is
 * taken off. An IP address is no name. With `wildcard` also "*.example.org".
 * 0, or -EINVAL and, if wanted, *ret_reason (static).
 */
int domain_normalise(const char *text, bool wildcard, char ret[DOMAIN_MAX + 1],
		     const char **ret_reason);

/* An entry of allowed_domains: ".example.org", "example.org" or "*.example.org". */
int domain_pattern_normalise(const char *text, char ret[DOMAIN_PATTERN_MAX],
			     const char **ret_reason);

/*
 * Whether a normalised pattern covers a normalised domain:
 *   .example.org    everything below example.org, at any depth, not itself
 *   example.org     itself and everything below
 *   *.example.org   exactly one label below
 * The announcement "*.example.org" is covered by what covers every name that
 * it can match: all three of the above.
 */
bool domain_covers(const char *pattern, const char *domain);
