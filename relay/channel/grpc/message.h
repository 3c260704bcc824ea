/* SPDX-License-Identifier: BSD-2-Clause */
/* Request and Response of the relay network, encoded and decoded. Pure. */
#pragma once

#include "common/jsonrpc/jsonrpc.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct grpc_request {
	char *method;      /* "operator.method", owned like the rest */
	char *id;          /* "operator.method(inner id)" */
	char *client_name; /* empty: the first name of the sender's certificate */
	json_t *params;    /* an object */
};

struct grpc_response {
	char *id;
	json_t *result; /* an object as on the wire (result_unwrap()), NULL if there is none */
	bool has_error;
	struct jsonrpc_error error;
};

void grpc_request_clear(struct grpc_request *request);
void grpc_response_clear(struct grpc_response *response);

/*
 * *ret is allocated, the caller frees. Failures as in grpc_struct_from_json(). How
 * long a message may be, says the session that sends it.
 */
int grpc_request_encode(const char *method, const char *id, const char *client_name,
			const json_t *params, uint8_t **ret, size_t *ret_length);
int grpc_response_encode_result(const char *id, json_t *result, uint8_t **ret, size_t *ret_length);
/* Error data that a Struct cannot hold is left out. */
int grpc_response_encode_error(const char *id, const struct jsonrpc_error *error, uint8_t **ret,
			       size_t *ret_length);

/* -EBADMSG, -E2BIG or -ELOOP as in grpc_wire_check(); -ENOMEM. */
int grpc_request_decode(const uint8_t *data, size_t length, struct grpc_request *ret);
int grpc_response_decode(const uint8_t *data, size_t length, struct grpc_response *ret);
