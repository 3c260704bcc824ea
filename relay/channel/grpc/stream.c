// SPDX-License-Identifier: BSD-2-Clause
/* What is under way on a stream that a peer lends. */
#include "common/base/container_of.h"
#include "relay/channel/grpc/delivery_private.h"

#include <string.h>

static bool same_id(const struct table_link *link, const void *id)
{
	return strcmp(container_of(link, const struct grpc_item, by_id)->id, id) == 0;
}

struct grpc_item *grpc_stream_find(const struct grpc_stream *stream, const char *id)
{
	struct table_link *link =
		table_find(&stream->by_id, table_hash_string(&stream->by_id, id), same_id, id);

	return link ? container_of(link, struct grpc_item, by_id) : NULL;
}

void grpc_stream_take(struct grpc_stream *stream, struct grpc_item *item)
{
	item->stream = stream;
	stream->used++;
	TAILQ_INSERT_TAIL(&stream->sent, item, link);
	table_add(&stream->by_id, &item->by_id, table_hash_string(&stream->by_id, item->id));
}

void grpc_stream_forget(struct grpc_item *item)
{
	TAILQ_REMOVE(&item->stream->sent, item, link);
	table_remove(&item->stream->by_id, &item->by_id);
}
