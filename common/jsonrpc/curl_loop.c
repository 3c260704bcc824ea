// SPDX-License-Identifier: BSD-2-Clause
#include "common/jsonrpc/curl_loop.h"

#include "common/base/cleanup.h"

#include <errno.h>
#include <stdbool.h>

struct curl_loop {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	curl_loop_done done;
	bool running; /* `done` is being called */
	bool freed;   /* by it */
};

static void destroy(struct curl_loop *loop)
{
	if (loop->multi)
		(void)curl_multi_cleanup(loop->multi);
	if (loop->timer)
		event_free(loop->timer);
	free(loop);
}

static void report_done(struct curl_loop *loop)
{
	const CURLMsg *message;
	int left;

	loop->running = true;
	while (!loop->freed && (message = curl_multi_info_read(loop->multi, &left)))
		if (message->msg == CURLMSG_DONE)
			loop->done(message->easy_handle, message->data.result);
	loop->running = false;
	if (loop->freed)
		destroy(loop);
}

static void on_socket_event(evutil_socket_t fd, short events, void *arg)
{
	struct curl_loop *loop = arg;
	int action = (events & EV_READ ? CURL_CSELECT_IN : 0) |
		     (events & EV_WRITE ? CURL_CSELECT_OUT : 0);
	int running;

	(void)curl_multi_socket_action(loop->multi, fd, action, &running);
	report_done(loop);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct curl_loop *loop = arg;
	int running;

	(void)fd;
	(void)events;
	(void)curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	report_done(loop);
}

static int want_timer(CURLM *multi, long ms, void *arg)
{
	const struct curl_loop *loop = arg;
	struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

	(void)multi;
	if (ms < 0)
		return evtimer_del(loop->timer);
	return evtimer_add(loop->timer, &tv);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct curl_loop *loop = arg;
	struct event *event = socket_arg;
	short events = EV_PERSIST;

	(void)easy;
	if (event) {
		event_free(event);
		(void)curl_multi_assign(loop->multi, fd, NULL);
	}
	if (what == CURL_POLL_REMOVE)
		return 0;
	if (what & CURL_POLL_IN)
		events |= EV_READ;
	if (what & CURL_POLL_OUT)
		events |= EV_WRITE;
	event = event_new(loop->base, fd, events, on_socket_event, loop);
	if (!event || event_add(event, NULL) < 0 ||
	    curl_multi_assign(loop->multi, fd, event) != CURLM_OK) {
		if (event)
			event_free(event);
		return -1;
	}
	return 0;
}

int curl_loop_new(struct event_base *base, long connections, curl_loop_done done,
		  struct curl_loop **ret)
{
	struct curl_loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		loop->multi = curl_multi_init();
	loop->timer = evtimer_new(base, on_timer, loop);
	loop->base = base;
	loop->done = done;
	if (!loop->multi || !loop->timer) {
		destroy(loop);
		return -ENOMEM;
	}
	(void)curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	(void)curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
	(void)curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	(void)curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
	(void)curl_multi_setopt(loop->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections);
	(void)curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, connections);
	(void)curl_multi_setopt(loop->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	*ret = loop;
	return 0;
}

void curl_loop_free(struct curl_loop *loop)
{
	if (!loop)
		return;
	if (loop->running)
		loop->freed = true;
	else
		destroy(loop);
}

int curl_loop_add(struct curl_loop *loop, CURL *easy)
{
	return curl_multi_add_handle(loop->multi, easy) == CURLM_OK ? 0 : -ENOMEM;
}

void curl_loop_remove(struct curl_loop *loop, CURL *easy)
{
	(void)curl_multi_remove_handle(loop->multi, easy);
}
