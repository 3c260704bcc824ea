// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/waiting.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096 /* a power of two */

LIST_HEAD(bucket, connection);

struct waiting_room {
	uint32_t n, most, most_per_operator;
	struct bucket by_token[BUCKETS];
};

struct waiting_room *waiting_room_new(uint32_t most, uint32_t most_per_operator)
{
	struct waiting_room *room = calloc(1, sizeof(*room));

	if (room) {
		room->most = most;
		room->most_per_operator = most_per_operator;
	}
	return room;
}

void waiting_room_free(struct waiting_room *room)
{
	free(room);
}

/* The keyed hash is random to everybody else, so its first bytes make a good index. */
static struct bucket *bucket_of(struct waiting_room *room, const uint8_t key[TOKEN_KEY_BYTES])
{
	uint32_t index;

	memcpy(&index, key, sizeof(index));
	return &room->by_token[index % BUCKETS];
}

int waiting_enter(struct waiting_room *room, struct operator_entry *operator,
		  struct connection * connection)
{
	if (room->n >= room->most)
		return -EUSERS;
	if (operator->n_waiting >= room->most_per_operator)
		return -EDQUOT;
	connection->waiting_for = operator;
	operator->n_waiting++;
	room->n++;
	LIST_INSERT_HEAD(bucket_of(room, connection->token_key), connection, in_waiting);
	return 0;
}

void waiting_leave(struct waiting_room *room, struct connection *connection)
{
	LIST_REMOVE(connection, in_waiting);
	connection->waiting_for->n_waiting--;
	connection->waiting_for = NULL;
	room->n--;
	OPENSSL_cleanse(connection->token_key, sizeof(connection->token_key));
}

struct connection *waiting_find(struct waiting_room *room, const uint8_t key[TOKEN_KEY_BYTES])
{
	struct connection *connection;

	LIST_FOREACH(connection, bucket_of(room, key), in_waiting) {
		if (CRYPTO_memcmp(connection->token_key, key, TOKEN_KEY_BYTES) == 0)
			return connection;
	}
	return NULL;
}
