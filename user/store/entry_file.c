// SPDX-License-Identifier: BSD-2-Clause
#include "user/store/entry_file.h"

#include "common/base/cleanup.h"
#include "common/base/domain.h"
#include "common/base/timestamp.h"
#include "user/wire/limits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CHUNK_ID     16
#define CHUNK_HEADER (1 + 2 + 2 + 2 + CHUNK_ID + 2)
#define ENTRY_HEADER 4

struct chunk {
	size_t offset;
	unsigned count, index;
	const uint8_t *id, *data;
	size_t length;
	bool used;
};

struct parser {
	enum proxy_role role;
	stored_each each;
	void *arg;
	struct entry_file_result *result;
	struct chunk *chunks;
	size_t n;
};

static unsigned le16(const uint8_t *bytes)
{
	return bytes[0] | (unsigned)bytes[1] << 8;
}

static int fail(struct parser *parser, size_t offset, const char *reason)
{
	parser->result->offset = offset;
	snprintf(parser->result->reason, sizeof(parser->result->reason), "%s", reason);
	return -EBADMSG;
}

/* 1: a chunk, 0: the rest is too short to be one. */
static int read_chunk(struct parser *parser, const uint8_t *data, size_t length, size_t offset,
		      struct chunk *ret)
{
	const uint8_t *at = data + offset;
	size_t left = length - offset;

	if (at[0] != 1)
		return fail(parser, offset, "not a chunk of version 1");
	if (left >= 7 && le16(at + 5) != CHUNK_ID)
		return fail(parser, offset, "a chunk name_key id is not of 16 bytes");
	if (left < CHUNK_HEADER || left - CHUNK_HEADER < le16(at + CHUNK_HEADER - 2))
		return 0;
	*ret = (struct chunk){
		.offset = offset,
		.count = le16(at + 1),
		.index = le16(at + 3),
		.id = at + 7,
		.data = at + CHUNK_HEADER,
		.length = le16(at + CHUNK_HEADER - 2),
	};
	if (ret->count == 0 || ret->index >= ret->count)
		return fail(parser, offset, "a chunk name_key number is out of range");
	return 1;
}

static int read_chunks(struct parser *parser, const uint8_t *data, size_t length)
{
	size_t room = 0;

	for (size_t offset = 0; offset < length;) {
		if (parser->n == room) {
			room = room ? 2 * room : 256;
			struct chunk *more = realloc(parser->chunks, room * sizeof(*more));
			if (!more)
				return -ENOMEM;
			parser->chunks = more;
		}
		struct chunk *chunk = &parser->chunks[parser->n];
		int r = read_chunk(parser, data, length, offset, chunk);
		if (r < 0)
			return r;
		if (r == 0) {
			parser->result->torn++;
			break;
		}
		parser->n++;
		offset += CHUNK_HEADER + chunk->length;
	}
	return 0;
}

/* A domain that our rules refuse cannot be asked for by TLS either, so nothing is lost with it. */
static int deliver(struct parser *parser, const char *domain, const char *name, int64_t expires_at)
{
	char normal[DOMAIN_MAX + 1];
	struct stored record = {
		.domain = normal,
		.proxy = parser->role == ROLE_PUBLIC ? "" : name,
		.owner = parser->role == ROLE_PUBLIC ? name : "",
		.expires_at = expires_at,
	};

	if (domain_normalise(domain, true, normal, NULL) < 0 || strlen(name) > OPERATOR_MAX)
		return 0;
	parser->result->entries++;
	return parser->each(&record, parser->arg);
}

static int read_json(struct parser *parser, size_t offset, const char *text, size_t length)
{
	AUTO_JSON json_t *entry = json_loadb(text, length, 0, NULL);
	const char *name_key = parser->role == ROLE_PUBLIC ? "operator" : "proxy";
	const char *domain = json_string_value(json_object_get(entry, "domain"));
	const char *name = json_string_value(json_object_get(entry, name_key));
	const char *expires_at = json_string_value(json_object_get(entry, "expires_at"));
	int64_t at = 0;

	if (!entry)
		return fail(parser, offset, "an entry that is not JSON");
	if (!domain || !name)
		return fail(parser, offset, "an entry without domain, operator or proxy");
	if (expires_at && timestamp_parse(expires_at, &at) < 0)
		return fail(parser, offset, "an entry name_key expires_at is no time");
	return deliver(parser, domain, name, at);
}

static int read_entry(struct parser *parser, size_t offset, const uint8_t *bytes, size_t length)
{
	if (length < ENTRY_HEADER || bytes[0] != 1)
		return fail(parser, offset, "not an entry of version 1");
	size_t id = le16(bytes + 2);
	if (id > length - ENTRY_HEADER)
		return fail(parser, offset, "an entry that is shorter than its id");
	if (bytes[1] != 1 && bytes[1] != 2)
		return fail(parser, offset, "an entry of an unknown type");
	if (bytes[1] != (parser->role == ROLE_PUBLIC ? 1 : 2))
		return fail(parser, offset, "an entry of the other kind of proxy");
	return read_json(parser, offset, (const char *)bytes + ENTRY_HEADER + id,
			 length - ENTRY_HEADER - id);
}

/*
 * Chunks of one entry come in order, but other writers' may stand between
 * them. They are looked for no further than writers can be apart, so that a
 * file made to hurt costs linear time.
 */
#define INTERLEAVED_MAX 4096

/* Collect the entry that begins with this chunk. Its bytes in *ret, or *ret NULL: it is torn. */
static int collect(struct parser *parser, size_t first, uint8_t **ret, size_t *ret_length)
{
	const struct chunk *head = &parser->chunks[first];
	size_t limit = first + head->count + INTERLEAVED_MAX, length = 0;
	unsigned next = 0;
	AUTO_FREE uint8_t *bytes = NULL;

	for (size_t i = first; i < parser->n && i < limit && next < head->count; i++) {
		struct chunk *chunk = &parser->chunks[i];
		if (chunk->used || memcmp(chunk->id, head->id, CHUNK_ID) != 0)
			continue;
		if (chunk->index != next || chunk->count != head->count)
			return fail(parser, chunk->offset, "a chunk out of order");
		uint8_t *more = realloc(bytes, length + chunk->length + 1);
		if (!more)
			return -ENOMEM;
		bytes = more;
		memcpy(bytes + length, chunk->data, chunk->length);
		length += chunk->length;
		chunk->used = true;
		next++;
	}
	*ret = next == head->count ? TAKE_PTR(bytes) : NULL;
	*ret_length = length;
	return 0;
}

int entry_file_parse(const uint8_t *data, size_t length, enum proxy_role role, stored_each each,
		     void *arg, struct entry_file_result *result)
{
	struct parser parser = {.role = role, .each = each, .arg = arg, .result = result};

	*result = (struct entry_file_result){0};
	int r = read_chunks(&parser, data, length);
	for (size_t i = 0; i < parser.n && r == 0; i++) {
		AUTO_FREE uint8_t *bytes = NULL;
		size_t size = 0;

		if (parser.chunks[i].used)
			continue;
		r = collect(&parser, i, &bytes, &size);
		if (r < 0)
			break;
		if (bytes)
			r = read_entry(&parser, parser.chunks[i].offset, bytes, size);
		else
			result->torn++;
	}
	free(parser.chunks);
	return r;
}
