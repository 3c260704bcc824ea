// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/container_of.h"
#include "common/base/log.h"
#include "common/dns/resolver_private.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define RESOLV_CONF "/etc/resolv.conf"
#define HOSTS_FILE  "/etc/hosts"

/* Nobody's question makes us ask for a name, or look at the files, more often. */
#define ASK_AGAIN_NS (1 * NS_PER_S)

int resolver_read_conf(struct resolver *resolver)
{
	const struct resolver_settings *settings = &resolver->settings;
	AUTO_FREE struct resolv_conf *conf = malloc(sizeof(*conf));

	if (!conf)
		return -ENOMEM;
	int r = resolv_conf_read(resolver->resolv_conf.path, conf);
	if (r < 0)
		return r;
	if (settings->n_servers > 0) {
		memcpy(conf->servers, settings->servers, sizeof(conf->servers));
		conf->n_servers = settings->n_servers;
	}
	r = servers_set(resolver->servers, conf);
	if (r == 0)
		resolver->conf = *conf;
	return r;
}

void resolver_follow_files(struct resolver *resolver, uint64_t now)
{
	if (now - resolver->looked_at < ASK_AGAIN_NS)
		return;
	resolver->looked_at = now;
	if (watched_file_changed(&resolver->hosts_file))
		cache_clear(&resolver->cache);
	if (!watched_file_changed(&resolver->resolv_conf))
		return;
	int r = resolver_read_conf(resolver);
	if (r < 0) {
		log_warn("%s has changed and cannot be read: %s", RESOLV_CONF, strerror(-r));
		return;
	}
	log_info("%s has changed", RESOLV_CONF);
	cache_expire(&resolver->cache);
}

static void on_deliver(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *resolver = arg;
	struct wait_list now = TAILQ_HEAD_INITIALIZER(now);
	struct resolver_wait *wait;

	(void)fd;
	(void)what;
	TAILQ_CONCAT(&now, &resolver->ready, entry);
	TAILQ_FOREACH(wait, &now, entry) {
		wait->list = &now;
	}
	while ((wait = TAILQ_FIRST(&now))) {
		TAILQ_REMOVE(&now, wait, entry);
		wait->done(&wait->reply->answer, wait->arg);
		free(wait->reply);
		free(wait);
	}
}

static int set_up(struct resolver *resolver)
{
	int r = servers_new(resolver->base, &resolver->servers);

	if (r < 0)
		return r;
	r = hosts_init(&resolver->hosts);
	if (r < 0)
		return r;
	resolver->deliver = event_new(resolver->base, -1, 0, on_deliver, resolver);
	if (!resolver->deliver)
		return -ENOMEM;
	resolver->looked_at = clock_now();
	(void)watched_file_changed(&resolver->hosts_file);
	(void)watched_file_changed(&resolver->resolv_conf);
	r = resolver_read_conf(resolver);
	if (r < 0 && r != -ENOMEM) {
		log_warn("%s cannot be read: %s", RESOLV_CONF, strerror(-r));
		return 0;
	}
	return r;
}

int resolver_new(struct event_base *base, const struct resolver_settings *settings,
		 struct resolver **ret)
{
	static const struct resolver_settings defaults = RESOLVER_DEFAULTS;
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (!resolver)
		return -ENOMEM;
	resolver->base = base;
	resolver->settings = settings ? *settings : defaults;
	if (resolver->settings.max_addrs > RESOLVER_ADDRS)
		resolver->settings.max_addrs = RESOLVER_ADDRS;
	resolver->resolv_conf.path = RESOLV_CONF;
	resolver->hosts_file.path = HOSTS_FILE;
	cache_init(&resolver->cache, resolver->settings.max_names);
	table_init(&resolver->tasks);
	TAILQ_INIT(&resolver->ready);
	int r = set_up(resolver);
	if (r < 0) {
		resolver_free(resolver);
		return r;
	}
	*ret = resolver;
	return 0;
}

void resolver_free(struct resolver *resolver)
{
	struct table_link *link, *next;

	if (!resolver)
		return;
	resolver->closing = true;
	TABLE_FOREACH(link, next, &resolver->tasks) {
		struct task *task = container_of(link, struct task, link);
		struct wait_list waits = TAILQ_HEAD_INITIALIZER(waits);
		TAILQ_CONCAT(&waits, &task->waits, entry);
		task_free(task);
		task_deliver(&waits, NULL, -ECANCELED, NULL);
	}
	task_deliver(&resolver->ready, NULL, -ECANCELED, NULL);
	table_clear(&resolver->tasks);
	cache_clear(&resolver->cache);
	servers_free(resolver->servers);
	hosts_done(&resolver->hosts);
	if (resolver->deliver)
		event_free(resolver->deliver);
	free(resolver);
}

/* Of a file: it changes when the file does, which is looked at by itself. */
static struct answer *ask_hosts(struct resolver *resolver, const char *host, uint64_t now)
{
	unsigned max = resolver->settings.max_addrs;
	struct addr list[RESOLVER_ADDRS];
	char name[ADDR_HOST_MAX + 1];

	snprintf(name, sizeof(name), "%s", host);
	size_t length = strlen(name);
	if (length > 0 && name[length - 1] == '.')
		name[length - 1] = '\0';
	unsigned n = hosts_find(&resolver->hosts, name, list, max);
	if (n == 0)
		return NULL;
	struct answer *answer = cache_put(&resolver->cache, host, (int)n, list, NULL);
	if (!answer)
		return NULL;
	answer->from_hosts = true;
	answer->asked = now;
	answer->expires = answer->ends = now + resolver->settings.max_ttl_ms * NS_PER_MS;
	return answer;
}

/* 1 if the reply is there, 0 if *ret_task is to be waited for, or -errno. */
static int ask(struct resolver *resolver, const char *host, uint16_t port, struct reply *reply,
	       struct task **ret_task)
{
	uint64_t now = clock_now();

	resolver_follow_files(resolver, now);
	struct answer *answer = cache_find(&resolver->cache, host);
	/* A name that servers have told is not in the file: else the cache were empty. */
	if (!answer || (answer->from_hosts && !answer_valid(answer, now)))
		answer = ask_hosts(resolver, host, now);
	if (answer_valid(answer, now)) {
		reply_fill(reply, answer, now, port);
		return 1;
	}
	struct task *task = task_find(resolver, host);
	int r = task ? 0 : task_new(resolver, host, &task);
	if (answer_usable(answer, now) && (r < 0 || !task_patient(task))) {
		reply_fill(reply, answer, now, port);
		return 1;
	}
	*ret_task = task;
	return r;
}

/* A literal or localhost: how many, -EINVAL, or -EAGAIN and the name to look up. */
static int take_apart(const char *endpoint, struct addr *ret, char host[ADDR_HOST_MAX + 1],
		      uint16_t *ret_port)
{
	char local[32];

	int n = addr_parse(endpoint, ret, RESOLVER_ADDRS);
	if (n != -EAGAIN)
		return n;
	n = addr_split(endpoint, host, ret_port);
	if (n < 0)
		return n;
	for (char *c = host; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (strcmp(host, "localhost.") == 0) {
		snprintf(local, sizeof(local), "localhost:%u", *ret_port);
		return addr_parse(local, ret, RESOLVER_ADDRS);
	}
	return -EAGAIN;
}

/* As ask(). Whatever is wrong is a reply, too: never negative. */
static int find(struct resolver *resolver, const char *endpoint, struct reply *reply,
		struct task **ret_task, uint16_t *ret_port)
{
	char host[ADDR_HOST_MAX + 1], text[80];

	int r = take_apart(endpoint, reply->addrs, host, ret_port);
	if (r > 0) {
		reply->answer = (struct resolver_answer){.n = r, .addrs = reply->addrs};
		return 1;
	}
	if (r == -EAGAIN && resolver->closing)
		r = -ECANCELED;
	else if (r == -EAGAIN)
		r = ask(resolver, host, *ret_port, reply, ret_task);
	if (r >= 0)
		return r;
	snprintf(text, sizeof(text), "%zu names are being looked up already", resolver->tasks.n);
	reply_fail(reply, r, r == -EAGAIN ? text : r == -EINVAL ? "it is no host:port" : NULL);
	return 1;
}

static struct resolver_wait *wait_new(struct wait_list *list, resolver_done done, void *arg,
				      uint16_t port)
{
	struct resolver_wait *wait = calloc(1, sizeof(*wait));

	if (!wait)
		return NULL;
	wait->list = list;
	wait->done = done;
	wait->arg = arg;
	wait->port = port;
	TAILQ_INSERT_TAIL(list, wait, entry);
	return wait;
}

void resolver_lookup(struct resolver *resolver, const char *endpoint, resolver_done done, void *arg)
{
	struct task *task = NULL;
	struct reply reply;
	uint16_t port = 0;

	if (find(resolver, endpoint, &reply, &task, &port) == 0) {
		if (wait_new(&task->waits, done, arg, port))
			return;
		reply_fail(&reply, -ENOMEM, NULL);
	}
	done(&reply.answer, arg);
}

int resolver_start(struct resolver *resolver, const char *endpoint, resolver_done done, void *arg,
		   struct resolver_wait **ret)
{
	AUTO_FREE struct reply *reply = malloc(sizeof(*reply));
	struct task *task = NULL;
	uint16_t port = 0;

	if (!reply)
		return -ENOMEM;
	bool ready = find(resolver, endpoint, reply, &task, &port) == 1;
	struct resolver_wait *wait =
		wait_new(ready ? &resolver->ready : &task->waits, done, arg, port);
	if (!wait)
		return -ENOMEM;
	if (ready) {
		wait->reply = TAKE_PTR(reply);
		event_active(resolver->deliver, EV_TIMEOUT, 0);
	}
	*ret = wait;
	return 0;
}

void resolver_cancel(struct resolver_wait *wait)
{
	if (!wait)
		return;
	TAILQ_REMOVE(wait->list, wait, entry);
	free(wait->reply);
	free(wait);
}

void resolver_refused(struct resolver *resolver, const char *endpoint)
{
	char host[ADDR_HOST_MAX + 1];
	struct addr list[RESOLVER_ADDRS];
	uint64_t now = clock_now();
	struct task *task;
	uint16_t port;

	if (take_apart(endpoint, list, host, &port) != -EAGAIN)
		return;
	struct answer *answer = cache_find(&resolver->cache, host);
	if (!answer || answer->n <= 0 || answer->from_hosts || answer->refused ||
	    now - answer->asked < ASK_AGAIN_NS)
		return;
	if (task_find(resolver, host) || task_new(resolver, host, &task) == 0)
		answer->refused = true;
}
