/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON-RPC 2.0 as the originals speak it (docs/messages.md). Pure: text in, structs out, no I/O. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#define JSONRPC_PARSE_ERROR      (-32700)
#define JSONRPC_INVALID_REQUEST  (-32600)
#define JSONRPC_METHOD_NOT_FOUND (-32601)
#define JSONRPC_INVALID_PARAMS   (-32602)
#define JSONRPC_INTERNAL_ERROR   (-32603)

struct jsonrpc_error {
	int code;
	char *message; /* owned */
	json_t *data;  /* owned, may be NULL */
};

struct jsonrpc_request {
	char *method;   /* owned */
	json_t *params; /* owned, an object */
	json_t *id;     /* owned: a string or an integer, invented when the caller gave none */
};

void jsonrpc_error_clear(struct jsonrpc_error *error);
/* Fill *error, taking `data`. */
void jsonrpc_error_set(struct jsonrpc_error *error, int code, json_t *data, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void jsonrpc_request_clear(struct jsonrpc_request *request);

/* JSON from a peer: no duplicate keys, at most 64 levels deep. NULL if it is not that. */
json_t *jsonrpc_load(const char *text, size_t length);

/* 0, or -EBADMSG with *error set. The id of a refused request is null in the reply. */
int jsonrpc_request_parse(const char *body, size_t length, struct jsonrpc_request *ret,
			  struct jsonrpc_error *error);

/* New references; `id` is borrowed, `result` and the error are borrowed too. */
json_t *jsonrpc_result_reply(const json_t *id, json_t *result);
json_t *jsonrpc_error_reply(const json_t *id, const struct jsonrpc_error *error);
