// SPDX-License-Identifier: BSD-2-Clause
#include "relay/channel/grpc/inbound.h"

#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "relay/directory/address.h"

#include <errno.h>
#include <string.h>

struct grpc_inbound {
	char *id;
	grpc_inbound_answer answer; /* NULL: abandoned */
	void *arg;
};

static int encode_failure(const char *id, int cause, uint8_t **ret, size_t *ret_length)
{
	struct jsonrpc_error error = {0};

	jsonrpc_error_set(&error, JSONRPC_INTERNAL_ERROR, NULL,
			  "the result cannot be sent to another relay: %s",
			  cause == -ERANGE  ? "it holds an integer beyond 2^53"
			  : cause == -ELOOP ? "it is nested too deep"
					    : strerror(-cause));
	int r = grpc_response_encode_error(id, &error, ret, ret_length);
	jsonrpc_error_clear(&error);
	return r;
}

static int encode(const char *id, int r, json_t *result, const struct jsonrpc_error *error,
		  uint8_t **ret, size_t *ret_length)
{
	const struct jsonrpc_error unknown = {.code = 1, .message = strerror(r < 0 ? -r : EIO)};

	if (r < 0)
		return grpc_response_encode_error(id, error ? error : &unknown, ret, ret_length);
	r = grpc_response_encode_result(id, result, ret, ret_length);
	return r < 0 && r != -ENOMEM ? encode_failure(id, r, ret, ret_length) : r;
}

static void on_done(int r, json_t *result, const struct jsonrpc_error *error, void *arg)
{
	struct grpc_inbound *inbound = arg;
	AUTO_FREE uint8_t *data = NULL;
	size_t length = 0;

	if (inbound->answer) {
		r = encode(inbound->id, r, result, error, &data, &length);
		if (r < 0)
			log_error("cannot encode the answer to %s: %s", inbound->id, strerror(-r));
		else
			inbound->answer(data, length, inbound->arg);
	}
	free(inbound->id);
	free(inbound);
}

int grpc_inbound_submit(struct broker *broker, const char *sender,
			const struct grpc_request *request, grpc_inbound_answer answer, void *arg,
			struct grpc_inbound **ret)
{
	struct address address;

	if (address_parse_id(request->id, &address) < 0)
		return -EINVAL;
	AUTO_FREE struct grpc_inbound *inbound = calloc(1, sizeof(*inbound));
	if (!inbound)
		return -ENOMEM;
	inbound->id = strdup(request->id);
	if (!inbound->id)
		return -ENOMEM;
	inbound->answer = answer;
	inbound->arg = arg;
	*ret = inbound;
	broker_submit(broker, sender, request->method, request->id, NULL, request->params, on_done,
		      TAKE_PTR(inbound));
	return 0;
}

void grpc_inbound_abandon(struct grpc_inbound *inbound)
{
	if (inbound)
		inbound->answer = NULL;
}
