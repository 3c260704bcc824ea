// SPDX-License-Identifier: BSD-2-Clause
#include "relay/channel/grpc/message.h"

#include "common/base/cleanup.h"
#include "relay/channel/grpc/result.h"
#include "relay/channel/grpc/struct.h"
#include "relay/channel/grpc/wire.h"

#include <errno.h>
#include <string.h>

static void cleanup_request(Relay__Request **message)
{
	if (*message)
		relay__request__free_unpacked(*message, NULL);
}

static void cleanup_response(Relay__Response **message)
{
	if (*message)
		relay__response__free_unpacked(*message, NULL);
}

void grpc_request_clear(struct grpc_request *request)
{
	free(request->method);
	free(request->id);
	free(request->client_name);
	json_decref(request->params);
	*request = (struct grpc_request){0};
}

void grpc_response_clear(struct grpc_response *response)
{
	free(response->id);
	json_decref(response->result);
	jsonrpc_error_clear(&response->error);
	*response = (struct grpc_response){0};
}

static int set_text(ProtobufCBinaryData *bytes, const char *text)
{
	return text ? grpc_struct_set_bytes(bytes, text, strlen(text)) : 0;
}

static int pack(const ProtobufCMessage *message, uint8_t **ret, size_t *ret_length)
{
	size_t length = protobuf_c_message_get_packed_size(message);
	uint8_t *data;

	data = malloc(length + 1); /* an empty message is a message too */
	if (!data)
		return -ENOMEM;
	*ret_length = protobuf_c_message_pack(message, data);
	*ret = data;
	return 0;
}

int grpc_request_encode(const char *method, const char *id, const char *client_name,
			const json_t *params, uint8_t **ret, size_t *ret_length)
{
	CLEANUP(cleanup_request) Relay__Request *message = malloc(sizeof(*message));

	if (!message)
		return -ENOMEM;
	relay__request__init(message);
	int r = grpc_struct_from_json(params, &message->params);
	if (r < 0)
		return r;
	if (set_text(&message->method, method) < 0 || set_text(&message->id, id) < 0 ||
	    set_text(&message->client_name, client_name) < 0)
		return -ENOMEM;
	return pack(&message->base, ret, ret_length);
}

int grpc_response_encode_result(const char *id, json_t *result, uint8_t **ret, size_t *ret_length)
{
	CLEANUP(cleanup_response) Relay__Response *message = malloc(sizeof(*message));
	AUTO_JSON json_t *wrapped = NULL;

	if (!message)
		return -ENOMEM;
	relay__response__init(message);
	wrapped = result_wrap(result);
	if (!wrapped || set_text(&message->id, id) < 0)
		return -ENOMEM;
	int r = grpc_struct_from_json(wrapped, &message->result);
	if (r < 0)
		return r;
	return pack(&message->base, ret, ret_length);
}

int grpc_response_encode_error(const char *id, const struct jsonrpc_error *error, uint8_t **ret,
			       size_t *ret_length)
{
	CLEANUP(cleanup_response) Relay__Response *message = malloc(sizeof(*message));

	if (!message)
		return -ENOMEM;
	relay__response__init(message);
	message->error = malloc(sizeof(*message->error));
	if (!message->error)
		return -ENOMEM;
	relay__error__init(message->error);
	message->error->code = error->code;
	if (set_text(&message->id, id) < 0 ||
	    set_text(&message->error->message, error->message) < 0)
		return -ENOMEM;
	if (error->data && !json_is_null(error->data)) {
		AUTO_JSON json_t *data = result_wrap(error->data);
		if (data)
			(void)grpc_struct_from_json(data, &message->error->data);
	}
	return pack(&message->base, ret, ret_length);
}

static int get_text(const ProtobufCBinaryData *bytes, char **ret)
{
	AUTO_JSON json_t *checked = NULL; /* jansson knows UTF-8 */
	char *text;

	if (bytes->len > 0 && memchr(bytes->data, 0, bytes->len))
		return -EBADMSG;
	checked = json_stringn(bytes->len > 0 ? (const char *)bytes->data : "", bytes->len);
	if (!checked)
		return -EBADMSG;
	text = strdup(json_string_value(checked));
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

int grpc_request_decode(const uint8_t *data, size_t length, struct grpc_request *ret)
{
	CLEANUP(cleanup_request) Relay__Request *message = NULL;
	CLEANUP(grpc_request_clear) struct grpc_request request = {0};

	int r = grpc_wire_check(GRPC_WIRE_REQUEST, data, length);
	if (r < 0)
		return r;
	message = relay__request__unpack(NULL, length, data);
	if (!message)
		return -EBADMSG;
	r = grpc_struct_to_json(message->params, &request.params);
	if (r == 0)
		r = get_text(&message->method, &request.method);
	if (r == 0)
		r = get_text(&message->id, &request.id);
	if (r == 0)
		r = get_text(&message->client_name, &request.client_name);
	if (r < 0)
		return r;
	*ret = request;
	request = (struct grpc_request){0};
	return 0;
}

static int get_error(const Relay__Error *message, struct jsonrpc_error *ret)
{
	int r = get_text(&message->message, &ret->message);

	if (r == 0 && message->data)
		r = grpc_struct_to_json(message->data, &ret->data);
	ret->code = message->code;
	return r;
}

int grpc_response_decode(const uint8_t *data, size_t length, struct grpc_response *ret)
{
	CLEANUP(cleanup_response) Relay__Response *message = NULL;
	CLEANUP(grpc_response_clear) struct grpc_response response = {0};

	int r = grpc_wire_check(GRPC_WIRE_RESPONSE, data, length);
	if (r < 0)
		return r;
	message = relay__response__unpack(NULL, length, data);
	if (!message)
		return -EBADMSG;
	r = get_text(&message->id, &response.id);
	if (r == 0 && message->result)
		r = grpc_struct_to_json(message->result, &response.result);
	if (r == 0 && message->error) {
		response.has_error = true;
		r = get_error(message->error, &response.error);
	}
	if (r < 0)
		return r;
	*ret = response;
	response = (struct grpc_response){0};
	return 0;
}
