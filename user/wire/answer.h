/* SPDX-License-Identifier: BSD-2-Clause */
/* Short ways to answer a call; each answers it for good. And to read what others answered. */
#pragma once

#include "common/jsonrpc/server.h"
#include "user/wire/form.h"

void answer_ok(struct jsonrpc_call *call); /* "ok" */
/* Takes `data`, which may be NULL. */
void answer_error(struct jsonrpc_call *call, int code, const char *message, json_t *data);
void answer_invalid(struct jsonrpc_call *call, struct form *form); /* clears the form */
/* -32603 "internal error", with `why` for the asker. */
void answer_internal(struct jsonrpc_call *call, const char *why);

/* One item's refusal in a list of answers: {"code", "message"}. */
json_t *answer_refusal(int code, const char *message);
/*
 * One item of such a list: false when it is a refusal. *ret_message is
 * borrowed. Numbers may be doubles: they came through a protobuf Struct.
 */
bool answer_item_ok(const json_t *item, int *ret_code, const char **ret_message);
/* A list as a reply, also when a relay on the way wrapped it: {"_": [...]}. NULL: it is none. */
const json_t *answer_list(const json_t *result);

/* Why a call of ours failed (r < 0), in words. Borrowed. */
const char *answer_why(int r, const struct jsonrpc_error *error);
#define ANSWER_PROBLEM_MAX 256
/* The same for the log: a refusal with its code in front. */
void answer_problem(int r, const struct jsonrpc_error *error, char ret[ANSWER_PROBLEM_MAX]);
