// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/waiting.h"

#include "common/base/container_of.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

struct waiting_room {
	struct operator_table *operators;
	uint32_t most, most_per_operator;
	struct table by_token;
};

struct waiting_room *waiting_room_new(struct operator_table *operators)
{
	struct waiting_room *room = calloc(1, sizeof(*room));

	if (!room)
		return NULL;
	room->operators = operators;
	table_init(&room->by_token);
	return room;
}

void waiting_room_free(struct waiting_room *room)
{
	if (room)
		table_clear(&room->by_token);
	free(room);
}

void waiting_room_limit(struct waiting_room *room, uint32_t most, uint32_t most_per_operator)
{
	room->most = most;
	room->most_per_operator = most_per_operator;
}

/* The key is a keyed hash itself, random to everybody else. */
static uint64_t hash_of(const uint8_t key[TOKEN_KEY_BYTES])
{
	uint64_t hash;

	memcpy(&hash, key, sizeof(hash));
	return hash;
}

static bool has_key(const struct table_link *link, const void *key)
{
	const struct connection *connection = container_of(link, const struct connection, by_token);

	return CRYPTO_memcmp(connection->token_key, key, TOKEN_KEY_BYTES) == 0;
}

static int check_limits(const struct waiting_room *room, const struct operator_entry *entry)
{
	if (room->by_token.n >= room->most)
		return -EUSERS;
	return entry->n_waiting >= room->most_per_operator ? -EDQUOT : 0;
}

int waiting_enter(struct waiting_room *room, const char *proxy, struct connection *connection)
{
	struct operator_entry *entry = operators_get(room->operators, proxy);

	if (!entry)
		return -ENOMEM;
	int r = check_limits(room, entry);
	if (r < 0) {
		operators_release(room->operators, entry);
		return r;
	}
	connection->waiting_for = entry;
	entry->n_waiting++;
	table_add(&room->by_token, &connection->by_token, hash_of(connection->token_key));
	return 0;
}

void waiting_leave(struct waiting_room *room, struct connection *connection)
{
	struct operator_entry *entry = connection->waiting_for;

	if (!entry)
		return;
	table_remove(&room->by_token, &connection->by_token);
	connection->waiting_for = NULL;
	entry->n_waiting--;
	operators_release(room->operators, entry);
	OPENSSL_cleanse(connection->token_key, sizeof(connection->token_key));
}

struct connection *waiting_find(struct waiting_room *room, const uint8_t key[TOKEN_KEY_BYTES])
{
	struct table_link *link = table_find(&room->by_token, hash_of(key), has_key, key);

	return link ? container_of(link, struct connection, by_token) : NULL;
}
