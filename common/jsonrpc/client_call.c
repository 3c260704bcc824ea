// SPDX-License-Identifier: BSD-2-Clause
/* One call, from the request to the end that its caller hears of. */
#include "common/base/cleanup.h"
#include "common/dns/resolver.h"
#include "common/jsonrpc/client_private.h"
#include "common/net/tls.h"
#include "common/settings/settings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define REPLY_BYTES_MAX (4 << 20)
/* Callers have limits of their own; this one keeps a mistake there from eating the memory. */
#define CALLS_MAX 8192

static void call_free(struct call *call)
{
	if (!call)
		return;
	if (call->link) {
		*call->link = call->next;
		if (call->next)
			call->next->link = call->link;
		call->client->n_calls--;
	}
	if (call->easy) {
		curl_loop_remove(call->client->loop, call->easy);
		curl_easy_cleanup(call->easy);
	}
	if (call->deadline)
		event_free(call->deadline);
	resolver_cancel(call->lookup);
	curl_slist_free_all(call->route);
	free(call->why_no_name);
	free(call->body);
	free(call->reply_text);
	free(call->tls_error);
	free(call);
}

static void cleanup_call(struct call **call)
{
	call_free(*call);
}

/* The end of a call: it is gone before its caller hears of it. */
static void finish(struct call *call, int r, json_t *result, struct jsonrpc_error *error)
{
	struct jsonrpc_client *client = call->client;
	jsonrpc_reply reply = call->reply;
	void *arg = call->arg;

	call_free(call);
	client->busy++;
	reply(r, result, r == 0 ? NULL : error, arg);
	client->busy--;
	jsonrpc_error_clear(error);
	if (client->freed && client->busy == 0)
		jsonrpc_client_destroy(client);
}

void call_fail(struct call *call, int r, const char *format, ...)
{
	struct jsonrpc_error error = {0};
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	jsonrpc_error_set(&error, JSONRPC_INTERNAL_ERROR, NULL, "%s", text);
	finish(call, r, NULL, &error);
}

static int read_error(const json_t *reply, struct jsonrpc_error *ret)
{
	const json_t *error = json_object_get(reply, "error");
	const json_t *code = json_object_get(error, "code");
	const char *message = json_string_value(json_object_get(error, "message"));

	if (!json_is_object(error) || !json_is_number(code) || !message)
		return -EBADMSG;
	double value = json_number_value(code);
	if (value < -2147483648.0 || value > 2147483647.0)
		return -EBADMSG;
	jsonrpc_error_set(ret, (int)value, json_incref(json_object_get(error, "data")), "%s",
			  message);
	return 0;
}

static void finish_with_reply(struct call *call)
{
	AUTO_JSON json_t *reply = jsonrpc_load(call->reply_text, call->reply_length);
	AUTO_JSON json_t *result = NULL;
	const json_t *error = json_object_get(reply, "error");
	struct jsonrpc_error given = {0};
	long status = 0;

	(void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200 && status != 400) {
		call_fail(call, -EBADMSG, "%s answered with HTTP status %ld", call->client->url,
			  status);
	} else if (!json_is_object(reply)) {
		call_fail(call, -EBADMSG, "%s did not answer with JSON-RPC", call->client->url);
	} else if (error && !json_is_null(error)) {
		if (read_error(reply, &given) < 0)
			call_fail(call, -EBADMSG, "%s answered with a malformed error",
				  call->client->url);
		else
			finish(call, -EPROTO, NULL, &given);
	} else if (status != 200) {
		call_fail(call, -EBADMSG, "%s answered with HTTP status 400 and no error",
			  call->client->url);
	} else {
		/* A result that is nil may be left out. */
		result = json_incref(json_object_get(reply, "result"));
		finish(call, 0, result ? result : json_null(), &given);
	}
}

static int errno_of(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_WRITE_ERROR:
		return -EMSGSIZE;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
		return -EACCES;
	default:
		return -EIO;
	}
}

void jsonrpc_client_done(CURL *easy, CURLcode code)
{
	struct call *call = NULL;

	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
	if (code == CURLE_COULDNT_CONNECT && call_begin_anew(call))
		return;
	if (code == CURLE_OK)
		finish_with_reply(call);
	else if (code == CURLE_WRITE_ERROR)
		call_fail(call, -EMSGSIZE, "%s answered with more than %d bytes", call->client->url,
			  REPLY_BYTES_MAX);
	else if (call->tls_error)
		call_fail(call, -EACCES, "%s: tls: %s", call->client->url, call->tls_error);
	else if (call->why_no_name)
		call_fail(call, errno_of(code), "%s: %s; its host name cannot be resolved: %s",
			  call->client->url, curl_easy_strerror(code), call->why_no_name);
	else
		call_fail(call, errno_of(code), "%s: %s", call->client->url,
			  call->curl_error[0] ? call->curl_error : curl_easy_strerror(code));
}

static void on_deadline(evutil_socket_t fd, short events, void *arg)
{
	struct call *call = arg;

	(void)fd;
	(void)events;
	if (call->lookup && call->curl_error[0])
		call_fail(call, -ECONNREFUSED, "%s: %s", call->client->url, call->curl_error);
	else if (call->lookup)
		call_fail(call, -ETIMEDOUT,
			  "%s: no name server has told the host's address in time",
			  call->client->url);
	else
		call_fail(call, -ETIMEDOUT, "%s did not answer in time", call->client->url);
}

static size_t on_data(char *data, size_t size, size_t count, void *arg)
{
	struct call *call = arg;
	size_t length = size * count;

	if (length > REPLY_BYTES_MAX - call->reply_length)
		return 0;
	if (call->reply_length + length > call->reply_size) {
		size_t wanted = 2 * (call->reply_length + length);
		char *grown = realloc(call->reply_text, wanted);
		if (!grown)
			return 0;
		call->reply_text = grown;
		call->reply_size = wanted;
	}
	memcpy(call->reply_text + call->reply_length, data, length);
	call->reply_length += length;
	return length;
}

/* Each new connection reads the files again: a certificate that was renewed needs no restart. */
static CURLcode on_tls_context(CURL *easy, void *context, void *arg)
{
	struct call *call = arg;

	(void)easy;
	if (tls_context_apply(context, call->client->tls, TLS_CLIENT, &call->tls_error) == 0)
		return CURLE_OK;
	return CURLE_SSL_CERTPROBLEM;
}

static int set_options(struct call *call)
{
	const struct jsonrpc_client *client = call->client;
	bool verify = !settings_bool(client->tls, "insecure_skip_verify");
	CURL *easy = call->easy;
	CURLcode r = CURLE_OK;

	r |= curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	r |= curl_easy_setopt(easy, CURLOPT_URL, client->url);
	r |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	r |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	r |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	r |= curl_easy_setopt(easy, CURLOPT_NETRC, CURL_NETRC_IGNORED);
	r |= curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	/* An empty name also keeps the environment's proxies out. */
	r |= curl_easy_setopt(easy, CURLOPT_PROXY, client->proxy ? client->proxy : "");
	r |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers);
	r |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(call->body));
	r |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body);
	r |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
	r |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	r |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_error);
	if (client->connect_to)
		r |= curl_easy_setopt(easy, CURLOPT_CONNECT_TO, client->connect_to);
	if (client->tls) {
		/* Trust what the settings list, not what the system trusts besides. */
		r |= curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
		r |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
		r |= curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls_context);
		r |= curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, call);
		r |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
		r |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
	}
	return r == CURLE_OK ? 0 : -EINVAL;
}

int jsonrpc_client_call(struct jsonrpc_client *client, const char *method, json_t *params,
			const char *id, unsigned timeout_ms, jsonrpc_reply reply, void *arg)
{
	unsigned most = client->timeout_ms;
	unsigned wait_ms = most > 0 && most < timeout_ms ? most : timeout_ms;
	struct timeval deadline = {wait_ms / 1000, (wait_ms % 1000) * 1000};
	CLEANUP(cleanup_call) struct call *call = NULL;
	AUTO_JSON json_t *request = NULL;

	if (client->freed)
		return -ECANCELED;
	if (client->n_calls >= CALLS_MAX)
		return -EBUSY;
	request = json_pack("{s:s, s:s, s:O, s:s}", "jsonrpc", "2.0", "method", method, "params",
			    params, "id", id ? id : "");
	call = calloc(1, sizeof(*call));
	if (!request || !call)
		return -ENOMEM;
	call->client = client;
	call->reply = reply;
	call->arg = arg;
	call->body = json_dumps(request, JSON_COMPACT);
	call->easy = curl_easy_init();
	call->deadline = evtimer_new(client->base, on_deadline, call);
	if (!call->body || !call->easy || !call->deadline)
		return -ENOMEM;
	int r = set_options(call);
	if (r < 0)
		return r;
	r = call_begin(call);
	if (r < 0)
		return r;
	(void)evtimer_add(call->deadline, &deadline);
	call->next = client->calls;
	call->link = &client->calls;
	if (call->next)
		call->next->link = &call->next;
	client->calls = call;
	client->n_calls++;
	(void)TAKE_PTR(call);
	return 0;
}

void jsonrpc_client_cancel(struct jsonrpc_client *client)
{
	while (client->calls)
		call_fail(client->calls, -ECANCELED, "%s: the client is closing", client->url);
}
