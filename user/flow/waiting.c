// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/waiting.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096 /* a power of two */

LIST_HEAD(bucket, connection);

/* Kept until the end: their number is that of the operators with announcements, ever. */
struct waiting_for {
	LIST_ENTRY(waiting_for) in_room;
	uint32_t n;
	char name[];
};

struct waiting_room {
	uint32_t n, most, most_per_operator;
	LIST_HEAD(, waiting_for) operators;
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
	struct waiting_for *one;

	if (!room)
		return;
	while ((one = LIST_FIRST(&room->operators))) {
		LIST_REMOVE(one, in_room);
		free(one);
	}
	free(room);
}

/* The keyed hash is random to everybody else, so its first bytes make a good index. */
static struct bucket *bucket_of(struct waiting_room *room, const uint8_t key[TOKEN_KEY_BYTES])
{
	uint32_t index;

	memcpy(&index, key, sizeof(index));
	return &room->by_token[index % BUCKETS];
}

static struct waiting_for *find_or_make(struct waiting_room *room, const char *name)
{
	struct waiting_for *one;

	LIST_FOREACH(one, &room->operators, in_room)
	{
		if (strcmp(one->name, name) == 0)
			return one;
	}
	one = calloc(1, sizeof(*one) + strlen(name) + 1);
	if (!one)
		return NULL;
	strcpy(one->name, name);
	LIST_INSERT_HEAD(&room->operators, one, in_room);
	return one;
}

int waiting_enter(struct waiting_room *room, struct connection *connection)
{
	if (room->n >= room->most)
		return -EUSERS;
	struct waiting_for *one = find_or_make(room, connection->operator);
	if (!one)
		return -ENOMEM;
	if (one->n >= room->most_per_operator)
		return -EDQUOT;
	connection->waiting_for = one;
	one->n++;
	room->n++;
	LIST_INSERT_HEAD(bucket_of(room, connection->token_key), connection, in_waiting);
	return 0;
}

void waiting_leave(struct waiting_room *room, struct connection *connection)
{
	LIST_REMOVE(connection, in_waiting);
	connection->waiting_for->n--;
	connection->waiting_for = NULL;
	room->n--;
	OPENSSL_cleanse(connection->token_key, sizeof(connection->token_key));
}

struct connection *waiting_find(struct waiting_room *room, const uint8_t key[TOKEN_KEY_BYTES])
{
	struct connection *connection;

	LIST_FOREACH(connection, bucket_of(room, key), in_waiting)
	{
		if (CRYPTO_memcmp(connection->token_key, key, TOKEN_KEY_BYTES) == 0)
			return connection;
	}
	return NULL;
}
