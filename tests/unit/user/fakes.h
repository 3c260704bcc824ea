/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stand-ins for what the control thread's services talk to: calls from the
 * relay, calls to the relay, and workers. Included by one test program each;
 * the linker takes these instead of the archives' members.
 */
#pragma once

#include "common/jsonrpc/client.h"
#include "common/jsonrpc/server.h"
#include "user/mail/mailbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* A call from the relay, and what it was answered with. */
struct jsonrpc_call {
	struct jsonrpc_request request;
	unsigned answers;
	json_t *result;
	struct jsonrpc_error error;
};

const struct jsonrpc_request *jsonrpc_call_request(const struct jsonrpc_call *call)
{
	return &call->request;
}

void jsonrpc_call_result(struct jsonrpc_call *call, json_t *result)
{
	call->answers++;
	call->result = result;
}

void jsonrpc_call_error(struct jsonrpc_call *call, struct jsonrpc_error *error)
{
	call->answers++;
	call->error = *error;
	*error = (struct jsonrpc_error){0};
}

__attribute__((unused)) static struct jsonrpc_call fake_call(const char *method, json_t *params)
{
	return (struct jsonrpc_call){.request = {.method = strdup(method), .params = params}};
}

__attribute__((unused)) static void fake_call_clear(struct jsonrpc_call *call)
{
	free(call->request.method);
	json_decref(call->request.params);
	json_decref(call->result);
	free(call->error.message);
	json_decref(call->error.data);
	*call = (struct jsonrpc_call){0};
}

/* The answer as one JSON text; clears the call. */
__attribute__((unused)) static void assert_answer(struct jsonrpc_call *call, const char *expected)
{
	json_t *answer;

	assert_int_equal(call->answers, 1);
	if (call->error.message)
		answer = json_pack("{s:i, s:s, s:O*}", "code", call->error.code, "message",
				   call->error.message, "data", call->error.data);
	else
		answer = json_incref(call->result);
	char *text = json_dumps(answer, JSON_SORT_KEYS | JSON_ENCODE_ANY);
	assert_string_equal(text, expected);
	free(text);
	json_decref(answer);
	fake_call_clear(call);
}

/* Calls to the relay. They wait until the test answers them. */
struct fake_request {
	char method[300];
	json_t *params;
	unsigned timeout_ms;
	jsonrpc_reply reply;
	void *arg;
};

static struct fake_request fake_requests[64];
static unsigned n_fake_requests;
static int fake_client_error;

int jsonrpc_client_call(struct jsonrpc_client *client, const char *method, json_t *params,
			const char *id, unsigned timeout_ms, jsonrpc_reply reply, void *arg)
{
	(void)client;
	(void)id;
	if (fake_client_error)
		return fake_client_error;
	assert_true(n_fake_requests < 64);
	struct fake_request *request = &fake_requests[n_fake_requests++];
	snprintf(request->method, sizeof(request->method), "%s", method);
	request->params = json_deep_copy(params);
	request->timeout_ms = timeout_ms;
	request->reply = reply;
	request->arg = arg;
	return 0;
}

__attribute__((unused)) static struct fake_request fake_take(void)
{
	assert_true(n_fake_requests > 0);
	struct fake_request request = fake_requests[0];
	memmove(fake_requests, fake_requests + 1, --n_fake_requests * sizeof(request));
	return request;
}

/* Check the oldest waiting call and answer it: with `result` (taken), or with an error. */
__attribute__((unused)) static void fake_reply(const char *method, const char *params, int r,
					       json_t *result, int code, const char *message)
{
	struct fake_request request = fake_take();
	struct jsonrpc_error error = {.code = code, .message = (char *)message};

	assert_string_equal(request.method, method);
	if (params) {
		char *text = json_dumps(request.params, JSON_SORT_KEYS);
		assert_string_equal(text, params);
		free(text);
	}
	json_decref(request.params);
	request.reply(r, result, r < 0 ? &error : NULL, request.arg);
	json_decref(result);
}

/* Mail to workers. */
static struct mail *fake_mail[64];
static struct mailbox *fake_mail_to[64];
static unsigned n_fake_mail;

void mailbox_put(struct mailbox *box, struct mail *mail)
{
	assert_true(n_fake_mail < 64);
	fake_mail_to[n_fake_mail] = box;
	fake_mail[n_fake_mail++] = mail;
}

void mailbox_stop(struct mailbox *box, unsigned grace_ms, bool dismissed)
{
	(void)box;
	(void)grace_ms;
	(void)dismissed;
	fail_msg("no service stops a worker");
}

__attribute__((unused)) static struct mail *fake_take_mail(struct mailbox **ret)
{
	assert_true(n_fake_mail > 0);
	struct mail *mail = fake_mail[0];
	if (ret)
		*ret = fake_mail_to[0];
	n_fake_mail--;
	memmove(fake_mail, fake_mail + 1, n_fake_mail * sizeof(mail));
	memmove(fake_mail_to, fake_mail_to + 1, n_fake_mail * sizeof(*fake_mail_to));
	return mail;
}
