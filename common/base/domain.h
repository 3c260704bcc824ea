/* SPDX-License-Identifier: BSD-2-Clause */
/* Domain names as settings, announcements and the directory write them. Pure. */
#pragma once

#include <stdbool.h>

#define DOMAIN_MAX         253
#define DOMAIN_PATTERN_MAX (DOMAIN_MAX + 2)

/*
 * A host name in lower case: letters, digits and hyphens (internationalised
 * ones as A-labels, "xn--…"), labels of 1 to 63 bytes that neither begin nor
 * end with a hyphen, at most 253 bytes in all, no trailing dot, no IP address
 * (RFC 1123 section 2.1, RFC 5890 section 2.3.2). With `wildcard` also
 * "*.example.org". 0, or -EINVAL and, if wanted, *ret_reason (static).
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
