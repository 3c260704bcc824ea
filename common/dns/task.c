// SPDX-License-Identifier: BSD-2-Clause
/* Names that are being looked up, and who waits for them. */
#include "common/base/clock.h"
#include "common/base/container_of.h"
#include "common/dns/resolver_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A healthy server near by has answered by then. */
#define STALE_AFTER_MS 100
/* How long "there is no such name" and "nobody has told" are believed. */
#define DENIED_NS  (2 * NS_PER_S)
#define FAILED_NS  (1 * NS_PER_S)
#define TTL_MIN_MS 1000

bool answer_valid(const struct answer *answer, uint64_t now)
{
	return answer && !answer->refused && now < answer->expires;
}

bool answer_usable(const struct answer *answer, uint64_t now)
{
	return answer && answer->n > 0 && !answer->refused && now < answer->ends;
}

void reply_fail(struct reply *reply, int r, const char *reason)
{
	snprintf(reply->reason, sizeof(reply->reason), "%s", reason ? reason : strerror(-r));
	reply->answer = (struct resolver_answer){.n = r, .reason = reply->reason};
}

static void set_port(struct addr *addr, uint16_t port)
{
	if (addr->sa.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&addr->sa)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)&addr->sa)->sin_port = htons(port);
}

void reply_fill(struct reply *reply, const struct answer *answer, uint64_t now, uint16_t port)
{
	if (answer->n < 0) {
		reply_fail(reply, answer->n, answer->reason);
		return;
	}
	int n = answer->n < RESOLVER_ADDRS ? answer->n : RESOLVER_ADDRS;
	for (int i = 0; i < n; i++) {
		reply->addrs[i] = answer->addrs[i];
		set_port(&reply->addrs[i], port);
	}
	reply->answer = (struct resolver_answer){.n = n, .addrs = reply->addrs};
	if (answer->expires > now)
		reply->answer.ttl_ms = (unsigned)((answer->expires - now) / NS_PER_MS);
}

void task_deliver(struct wait_list *list, const struct answer *answer, int r, const char *reason)
{
	struct wait_list now = TAILQ_HEAD_INITIALIZER(now);
	struct resolver_wait *wait;
	struct reply reply;

	/* Those who ask from inside `done` wait for another one. */
	TAILQ_CONCAT(&now, list, entry);
	TAILQ_FOREACH(wait, &now, entry) {
		wait->list = &now;
	}
	if (answer)
		reply_fill(&reply, answer, clock_now(), 0);
	else
		reply_fail(&reply, r, reason);
	while ((wait = TAILQ_FIRST(&now))) {
		TAILQ_REMOVE(&now, wait, entry);
		for (int i = 0; i < reply.answer.n; i++)
			set_port(&reply.addrs[i], wait->port);
		wait->done(&reply.answer, wait->arg);
		free(wait->reply);
		free(wait);
	}
}

static bool same_host(const struct table_link *link, const void *key)
{
	return strcmp(container_of(link, const struct task, link)->host, key) == 0;
}

struct task *task_find(const struct resolver *resolver, const char *host)
{
	struct table_link *link = table_find(
		&resolver->tasks, table_hash_string(&resolver->tasks, host), same_host, host);

	return link ? container_of(link, struct task, link) : NULL;
}

void task_free(struct task *task)
{
	table_remove(&task->resolver->tasks, &task->link);
	lookup_free(task->lookup);
	if (task->patience)
		event_free(task->patience);
	free(task);
}

static void on_patience(evutil_socket_t fd, short what, void *arg)
{
	struct task *task = arg;
	const struct answer *old = cache_find(&task->resolver->cache, task->host);

	(void)fd;
	(void)what;
	task->patience_over = true;
	if (answer_usable(old, clock_now()))
		task_deliver(&task->waits, old, 0, NULL);
}

bool task_patient(struct task *task)
{
	static const struct timeval wait = {.tv_usec = STALE_AFTER_MS * 1000};

	/* The event may be a little early, by the clock. */
	if (task->patience_over || clock_now() - task->began >= STALE_AFTER_MS * NS_PER_MS)
		return false;
	if (!event_pending(task->patience, EV_TIMEOUT, NULL))
		(void)evtimer_add(task->patience, &wait);
	return true;
}

/* Nobody has told: what we had goes on, where we had something. NULL: nothing, and no memory. */
static struct answer *store_failure(struct resolver *resolver, const char *host,
				    const struct lookup_result *result, uint64_t now)
{
	struct answer *old = cache_find(&resolver->cache, host);

	if (result->n != -ENOENT && old && old->n > 0 && now < old->ends) {
		old->refused = false;
		old->asked = now;
		old->expires = now + FAILED_NS;
		return old;
	}
	struct answer *answer = cache_put(&resolver->cache, host, result->n, NULL, result->reason);
	if (!answer)
		return NULL;
	answer->asked = now;
	answer->expires = answer->ends = now + (result->n == -ENOENT ? DENIED_NS : FAILED_NS);
	return answer;
}

static struct answer *store(struct resolver *resolver, const char *host,
			    const struct lookup_result *result)
{
	const struct resolver_settings *settings = &resolver->settings;
	uint64_t now = clock_now(), ttl_ms = (uint64_t)result->ttl * 1000;

	if (result->n < 0)
		return store_failure(resolver, host, result, now);
	if (ttl_ms < TTL_MIN_MS)
		ttl_ms = TTL_MIN_MS;
	if (ttl_ms > settings->max_ttl_ms)
		ttl_ms = settings->max_ttl_ms;
	struct answer *answer = cache_put(&resolver->cache, host, result->n, result->addrs, NULL);
	if (!answer)
		return NULL;
	answer->asked = now;
	answer->expires = now + ttl_ms * NS_PER_MS;
	answer->ends = answer->expires + settings->max_stale_ms * NS_PER_MS;
	return answer;
}

static void on_found(const struct lookup_result *result, void *arg)
{
	struct task *task = arg;
	struct wait_list waits = TAILQ_HEAD_INITIALIZER(waits);

	const struct answer *answer = store(task->resolver, task->host, result);
	event_del(task->patience);
	TAILQ_CONCAT(&waits, &task->waits, entry);
	if (result->last)
		task_free(task);
	if (answer)
		task_deliver(&waits, answer, 0, NULL);
	else
		task_deliver(&waits, NULL, -ENOMEM, "out of memory");
}

int task_new(struct resolver *resolver, const char *host, struct task **ret)
{
	const struct lookup_config config = {
		.base = resolver->base,
		.servers = resolver->servers,
		.conf = &resolver->conf,
		.max_addrs = resolver->settings.max_addrs,
	};

	if (resolver->tasks.n >= resolver->settings.max_lookups)
		return -EAGAIN;
	struct task *task = calloc(1, sizeof(*task) + strlen(host) + 1);
	if (!task)
		return -ENOMEM;
	strcpy(task->host, host);
	task->resolver = resolver;
	task->began = clock_now();
	TAILQ_INIT(&task->waits);
	task->patience = evtimer_new(resolver->base, on_patience, task);
	int r = task->patience ? lookup_new(&config, host, on_found, task, &task->lookup) : -ENOMEM;
	table_add(&resolver->tasks, &task->link, table_hash_string(&resolver->tasks, host));
	if (r < 0) {
		task_free(task);
		return r;
	}
	*ret = task;
	return 0;
}
