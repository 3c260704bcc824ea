// SPDX-License-Identifier: BSD-2-Clause
#include "common/dns/question.h"

#include "common/base/clock.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer than most answers take, shorter than people notice. */
#define PATIENCE_MS 400

/* A query of ours that is under way. */
struct asked {
	LIST_ENTRY(asked) entry;
	struct question *question; /* NULL: has ended without it */
	unsigned place;            /* in `order` */
	uint64_t since;
};

struct question {
	struct event_base *base;
	struct servers *servers;
	struct server *order[RESOLV_SERVERS];
	struct {
		int status;
		uint64_t took;
	} failed[RESOLV_SERVERS]; /* as `order`; what was heard of each */
	unsigned n, next, round;
	bool without_edns; /* asked the same server once more */
	struct event *patience;
	LIST_HEAD(, asked) asked;
	int type;
	unsigned max;
	question_done done;
	void *arg;
	struct question_result result;
	char name[];
};

bool question_denied(const struct question_result *result)
{
	/* c-ares does not send a name that cannot be one: that is nobody's failure. */
	return result->status == ARES_ENODATA || result->status == ARES_ENOTFOUND ||
	       result->status == ARES_EBADNAME;
}

void question_free(struct question *question)
{
	struct asked *asked;

	if (!question)
		return;
	while ((asked = LIST_FIRST(&question->asked))) {
		LIST_REMOVE(asked, entry);
		asked->question = NULL;
	}
	for (unsigned i = 0; i < question->n; i++)
		question->order[i]->refs--;
	if (question->patience)
		event_free(question->patience);
	free(question->result.addrs);
	free(question);
}

static void finish(struct question *question)
{
	event_del(question->patience);
	question->done(&question->result, question->arg);
}

/* What each server has said, or not. */
static void finish_without_answer(struct question *question)
{
	struct question_result *result = &question->result;
	size_t length = 0;

	result->status = ARES_ENOMEM;
	snprintf(result->reason, sizeof(result->reason), "out of memory");
	for (unsigned i = 0; i < question->n && length < sizeof(result->reason); i++) {
		if (question->failed[i].status == ARES_SUCCESS)
			continue;
		int r = snprintf(result->reason + length, sizeof(result->reason) - length,
				 "%sname server %s: %s after %.1f s", length > 0 ? "; " : "",
				 question->order[i]->text,
				 ares_strerror(question->failed[i].status),
				 (double)question->failed[i].took / (double)NS_PER_S);
		length += r > 0 ? (size_t)r : 0;
		result->status = question->failed[i].status;
	}
	finish(question);
}

static int take_v4(struct question *question, const unsigned char *data, int length)
{
	struct question_result *result = &question->result;
	struct ares_addrttl list[64];
	int n = sizeof(list) / sizeof(list[0]);

	int status = ares_parse_a_reply(data, length, NULL, list, &n);
	if (status != ARES_SUCCESS || n == 0)
		return status == ARES_SUCCESS ? ARES_ENODATA : status;
	result->ttl = UINT32_MAX;
	for (int i = 0; i < n; i++) {
		struct sockaddr_in *in = (struct sockaddr_in *)&result->addrs[result->n].sa;
		if (list[i].ttl >= 0 && (unsigned)list[i].ttl < result->ttl)
			result->ttl = (unsigned)list[i].ttl;
		if (result->n >= question->max)
			continue;
		in->sin_family = AF_INET;
		in->sin_addr = list[i].ipaddr;
		result->addrs[result->n++].len = sizeof(*in);
	}
	return ARES_SUCCESS;
}

static int take_v6(struct question *question, const unsigned char *data, int length)
{
	struct question_result *result = &question->result;
	struct ares_addr6ttl list[64];
	int n = sizeof(list) / sizeof(list[0]);

	int status = ares_parse_aaaa_reply(data, length, NULL, list, &n);
	if (status != ARES_SUCCESS || n == 0)
		return status == ARES_SUCCESS ? ARES_ENODATA : status;
	result->ttl = UINT32_MAX;
	for (int i = 0; i < n; i++) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&result->addrs[result->n].sa;
		if (list[i].ttl >= 0 && (unsigned)list[i].ttl < result->ttl)
			result->ttl = (unsigned)list[i].ttl;
		if (result->n >= question->max)
			continue;
		in6->sin6_family = AF_INET6;
		memcpy(&in6->sin6_addr, &list[i].ip6addr, sizeof(in6->sin6_addr));
		result->addrs[result->n++].len = sizeof(*in6);
	}
	return ARES_SUCCESS;
}

/* A status of c-ares: what the packet comes to. */
static int take(struct question *question, const unsigned char *data, int length)
{
	if (!question->result.addrs)
		question->result.addrs = calloc(question->max, sizeof(struct addr));
	if (!question->result.addrs)
		return ARES_ENOMEM;
	return question->type == ns_t_a ? take_v4(question, data, length)
					: take_v6(question, data, length);
}

/* Without addresses of this type there are answers of another one, such as a CNAME alone. */
static void judge_server(struct server *server, int status)
{
	if (status == ARES_ETIMEOUT || status == ARES_ECONNREFUSED)
		server_bad(server, ares_strerror(status));
	else if (status != ARES_EDESTRUCTION && status != ARES_ENOMEM && status != ARES_EBADNAME)
		server_good(server);
}

static void on_probed(struct server *server, int status, const unsigned char *data, int length,
		      void *arg)
{
	(void)data;
	(void)length;
	(void)arg;
	judge_server(server, status);
}

static void go_on(struct question *question);
static void ask_at(struct question *question, unsigned place);

static void on_reply(struct server *server, int status, const unsigned char *data, int length,
		     void *arg)
{
	struct asked *asked = arg;
	struct question *question = asked->question;
	unsigned place = asked->place;
	uint64_t took = clock_now() - asked->since;

	judge_server(server, status);
	if (question)
		LIST_REMOVE(asked, entry);
	free(asked);
	if (!question)
		return;
	struct question_result *result = &question->result;
	if (status == ARES_SUCCESS)
		status = take(question, data, length);
	result->status = status;
	/* c-ares has left EDNS by then, but asks only one of many questions again by itself. */
	if (status == ARES_EFORMERR && !question->without_edns) {
		question->without_edns = true;
		ask_at(question, place);
		return;
	}
	if (status != ARES_SUCCESS && !question_denied(result)) {
		question->failed[place].status = status;
		question->failed[place].took = took;
		go_on(question);
		return;
	}
	if (status != ARES_SUCCESS)
		snprintf(result->reason, sizeof(result->reason), "%s (says name server %s)",
			 ares_strerror(status), server->text);
	finish(question);
}

/* May end in `done`. `place`: in `order`. */
static void ask_at(struct question *question, unsigned place)
{
	static const struct timeval patience = {.tv_usec = PATIENCE_MS * 1000};
	struct asked *asked = calloc(1, sizeof(*asked));

	if (!asked) {
		finish_without_answer(question);
		return;
	}
	asked->question = question;
	asked->place = place;
	asked->since = clock_now();
	LIST_INSERT_HEAD(&question->asked, asked, entry);
	if (question->next < question->n)
		(void)event_add(question->patience, &patience);
	server_ask(question->order[place], question->name, question->type, on_reply, asked);
}

static void go_on(struct question *question)
{
	if (question->next < question->n) {
		ask_at(question, question->next++);
	} else if (LIST_EMPTY(&question->asked)) {
		if (question->n == 0 || ++question->round >= servers_attempts(question->servers)) {
			finish_without_answer(question);
			return;
		}
		question->next = 1;
		ask_at(question, 0);
	}
}

/* The first time: begin. Then: who was asked last is slow. */
static void on_patience(evutil_socket_t fd, short what, void *arg)
{
	struct question *question = arg;
	struct server *probe = NULL;

	(void)fd;
	(void)what;
	if (question->next > 0)
		server_slow(question->order[question->next - 1]);
	else
		probe = servers_to_probe(question->servers);
	if (probe && probe != question->order[0])
		server_ask(probe, question->name, question->type, on_probed, NULL);
	go_on(question);
}

int question_new(struct event_base *base, struct servers *servers, const char *name, int type,
		 unsigned max, question_done done, void *arg, struct question **ret)
{
	struct question *question = calloc(1, sizeof(*question) + strlen(name) + 1);

	if (!question)
		return -ENOMEM;
	LIST_INIT(&question->asked);
	question->base = base;
	question->servers = servers;
	question->type = type;
	question->max = max;
	question->done = done;
	question->arg = arg;
	strcpy(question->name, name);
	question->n = servers_order(servers, question->order);
	question->patience = evtimer_new(base, on_patience, question);
	if (!question->patience) {
		question_free(question);
		return -ENOMEM;
	}
	event_active(question->patience, EV_TIMEOUT, 0);
	*ret = question;
	return 0;
}
