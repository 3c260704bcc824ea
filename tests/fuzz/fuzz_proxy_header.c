// SPDX-License-Identifier: BSD-2-Clause
/* The reader of PROXY headers: in pieces, however cut, it says the same as of the whole. */
#include "user/wire/proxy_reader.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* The sizes of the pieces are taken from the bytes themselves. */
static int feed(const uint8_t *bytes, size_t length, struct proxy_reader *reader)
{
	size_t all = 0, taken = 0;
	int r = 0;

	while (r == 0 && all < length) {
		size_t n = 1 + bytes[(all * 7 + 13) % length] % 61;
		if (n > length - all)
			n = length - all;
		r = proxy_reader_take(reader, bytes + all, n, &taken);
		must(taken <= n && (r != 0 || taken == n));
		all += taken;
	}
	return r == 1 ? (int)all : r;
}

static void same_addr(const struct addr *a, const struct addr *b)
{
	must(a->len == b->len && memcmp(&a->sa, &b->sa, a->len) == 0);
}

static void same(const struct proxy_header *a, const struct proxy_header *b)
{
	must(a->has_addresses == b->has_addresses);
	same_addr(&a->source, &b->source);
	same_addr(&a->destination, &b->destination);
	must(strcmp(a->authority, b->authority) == 0);
	must(a->unique_length == b->unique_length && a->unique_length <= PROXY_UNIQUE_MAX);
	must(memcmp(a->unique_id, b->unique_id, a->unique_length) == 0);
}

/* Where something is known of the client, we can tell it on, and the next one understands. */
static void check_written(const struct proxy_header *header)
{
	uint8_t again[PROXY_HEADER_MAX];
	struct proxy_header parsed;

	size_t n = proxy_header_write_v2(header, again);
	must(n <= PROXY_HEADER_MAX);
	must(proxy_header_parse(again, n, &parsed) == (int)n);
	must(parsed.has_addresses == header->has_addresses);
	must(strcmp(parsed.authority, header->authority) == 0);
	n = proxy_header_write_v1(header, again);
	must(n <= PROXY_V1_MAX);
	must(proxy_header_parse(again, n, &parsed) == (int)n);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct proxy_reader reader = {0};
	struct proxy_header header;

	int r = proxy_header_parse(bytes, length, &header);
	must(r <= (int)length && r <= PROXY_V2_MAX);
	must(feed(bytes, length, &reader) == r);
	if (r > 0) {
		same(&header, &reader.header);
		check_written(&header);
	}
	return 0;
}
