/* SPDX-License-Identifier: BSD-2-Clause */
/* A call of announceConnection or withdrawConnection while the public proxy is asked. */
#pragma once

#include "common/base/domain.h"
#include "user/private/service.h"
#include "user/wire/caller.h"

struct request {
	struct private_service *service;
	struct jsonrpc_call *call;
	char domain[DOMAIN_MAX + 1];
	char proxy[OPERATOR_MAX + 1];
	char owner[OPERATOR_MAX + 1]; /* who asks */
	int64_t expires_at;
};

/*
 * Read and check the parameters; the caller's fields stay owned by the call.
 * NULL: the call is answered. Answer and free it with request_end().
 */
struct request *request_new(struct private_service *service, struct jsonrpc_call *call,
			    struct caller *ret_caller);
void request_end(struct request *request); /* after the call was answered */

/*
 * Ask the public proxy: `proxy.method` with {"connections": [this one]}.
 * `reply` gets the request. When it cannot be asked, the call is answered and
 * the request gone.
 */
void request_ask(struct request *request, const char *method, jsonrpc_reply reply);
/*
 * What it said about the one connection: true if it agreed. Otherwise the
 * call is answered: with the item's own code and message, or "internal error"
 * when there was no such answer.
 */
bool request_agreed(struct request *request, int r, const json_t *result,
		    const struct jsonrpc_error *error);
/* Answer that the datastore failed. */
void request_not_stored(struct request *request);
