// SPDX-License-Identifier: BSD-2-Clause
#include "user/proxy.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/descriptors.h"
#include "common/base/log.h"
#include "common/base/log_queue.h"
#include "user/control/control.h"
#include "user/flow/rate_gate.h"
#include "user/flow/sources.h"
#include "user/flow/worker.h"
#include "user/flow/worker_life.h"
#include "user/mail/config.h"
#include "user/mail/crew.h"
#include "user/plane/paths/table.h"
#include "user/private/role.h"
#include "user/privileges.h"
#include "user/public/role.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

struct proxy {
	const struct config *config; /* the first one; workers may have got another since */
	struct workers workers;
	struct control *control;
};

static int fail(int r, const char *what)
{
	log_error("%s: %s", what, strerror(-r));
	return r;
}

/* Without the BPF program all else works: one line says which way bytes go, and why. */
static void open_paths(struct proxy *proxy, struct config *config)
{
	enum stream_forwarding *forwarding = &config->plane.forwarding;
	const struct path_wants wants = {
		.forced = *forwarding == FORWARD_SOCKMAP,
		.workers = config->fixed.workers,
		.connections = config->connections,
	};
	char why[PATH_WHY];

	bool usable = paths_open(&proxy->workers.paths, paths_table, *forwarding, &wants, why);
	switch (*forwarding) {
	case FORWARD_AUTO:
		log_info("forwarding: auto%s: %s",
			 usable ? "" : " without the sockmap (bulk by splice, the rest by copy)",
			 why);
		break;
	case FORWARD_SOCKMAP:
		if (!usable)
			*forwarding = FORWARD_SPLICE;
		log_at(usable ? LOG_INFO : LOG_WARN, "forwarding: %s: %s",
		       usable ? "sockmap" : "splice instead of the sockmap", why);
		break;
	case FORWARD_SPLICE:
	case FORWARD_COPY:
		log_info("forwarding: %s, %s", *forwarding == FORWARD_COPY ? "copy" : "splice",
			 why);
		break;
	}
}

static int open_shared(struct proxy *proxy)
{
	const struct config *config = proxy->config;
	struct workers *workers = &proxy->workers;

	workers->control = control_mailbox(proxy->control);
	workers->list = calloc(config->fixed.workers, sizeof(struct worker *));
	workers->boxes = calloc(config->fixed.workers, sizeof(struct mailbox *));
	workers->sources = sources_new(config->half_open_per_source, config->half_open);
	if (!workers->list || !workers->boxes || !workers->sources)
		return fail(-ENOMEM, "cannot make workers");
	workers->n = config->fixed.workers;
	int r = rate_gate_new(config->fixed.public_rate_limits, &workers->public_gate);
	if (r == 0)
		r = rate_gate_new(config->fixed.internal_rate_limits, &workers->internal_gate);
	return r < 0 ? fail(r, "cannot make rate limits") : 0;
}

static int open_workers(struct proxy *proxy)
{
	struct workers *workers = &proxy->workers;
	AUTO_FREE char *error = NULL;

	int r = open_shared(proxy);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < workers->n; i++) {
		r = worker_new(workers, i, proxy->config, &workers->list[i]);
		if (r < 0)
			return fail(r, "cannot make a worker");
		workers->boxes[i] = workers->list[i]->box;
		r = worker_listen(workers->list[i], &error);
		if (r < 0) {
			log_error("%s", error ? error : strerror(-r));
			return r;
		}
	}
	return 0;
}

static int start_workers(struct proxy *proxy)
{
	for (unsigned i = 0; i < proxy->workers.n; i++) {
		int r = worker_start(proxy->workers.list[i]);
		if (r < 0)
			return fail(r, "cannot start a worker");
	}
	return 0;
}

/* Those that were made, if not all of them. */
static unsigned made(const struct workers *workers)
{
	unsigned n = 0;

	while (n < workers->n && workers->list[n])
		n++;
	return n;
}

static bool all_have_ended(const struct workers *workers, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (workers->list[i]->started && !atomic_load(&workers->list[i]->ended))
			return false;
	return true;
}

/* The control thread, which has just ended, may have sent them mail until now. A signal ends their
 * grace. */
static void stop_workers(struct workers *workers, unsigned grace_ms)
{
	const struct timespec turn = {.tv_nsec = 20 * NS_PER_MS};
	struct crew crew = {.boxes = workers->boxes, .n = made(workers)};
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	crew_stop(&crew, grace_ms, true);
	while (!all_have_ended(workers, crew.n)) {
		if (sigtimedwait(&signals, NULL, &turn) < 0)
			continue;
		log_info("signal again: open connections are reset");
		crew_stop(&crew, 0, true);
	}
	for (unsigned i = 0; i < crew.n; i++)
		worker_join(workers->list[i]);
}

static void log_counters(const struct workers *workers)
{
	const struct counters *all[MAX_WORKERS];
	char text[COUNTERS_TEXT];
	unsigned n = made(workers);

	for (unsigned i = 0; i < n; i++)
		all[i] = &workers->list[i]->counters;
	counters_format(all, n, text, sizeof(text));
	if (*text)
		log_info("in all: %s", text);
}

static void free_workers(struct workers *workers)
{
	for (unsigned i = 0; i < workers->n; i++)
		worker_free(workers->list[i]);
	free(workers->list);
	free(workers->boxes);
	sources_free(workers->sources);
	rate_gate_free(workers->public_gate);
	rate_gate_free(workers->internal_gate);
}

static void close_proxy(struct proxy *proxy)
{
	struct workers *workers = &proxy->workers;

	if (workers->n > 0) {
		stop_workers(workers, (unsigned)(proxy->config->shutdown_grace / NS_PER_MS));
		log_counters(workers);
	}
	free_workers(workers);
	control_free(proxy->control);
	paths_close(&workers->paths);
	config_unref(proxy->config);
}

static int read_settings(struct proxy *proxy, const json_t *settings, enum proxy_role role)
{
	const struct role_ops *ops = role == ROLE_PUBLIC ? &role_public : &role_private;
	struct config *config = NULL;
	AUTO_FREE char *error = NULL;

	int r = config_new(settings, role, &config, &error);
	if (r == 0)
		r = control_new(settings, ops, &proxy->control, &error);
	if (r < 0) {
		log_error("%s", error ? error : strerror(-r));
		config_unref(config);
		return r;
	}
	open_paths(proxy, config);
	proxy->config = config;
	return 0;
}

static int open_and_run(struct proxy *proxy, const json_t *settings, enum proxy_role role)
{
	int r = read_settings(proxy, settings, role);
	if (r == 0)
		r = open_workers(proxy);
	if (r < 0)
		return r;
	control_set_workers(proxy->control, proxy->workers.boxes, proxy->workers.n);
	r = privileges_drop();
	if (r < 0)
		return fail(r, "cannot drop privileges");
	r = log_queue_start(proxy->config->fixed.log_backlog);
	if (r < 0)
		return fail(r, "cannot start the thread that writes the log");
	r = start_workers(proxy);
	return r < 0 ? r : control_run(proxy->control);
}

int proxy_run(const json_t *settings, enum proxy_role role)
{
	struct proxy proxy = {0};

	descriptors_raise();
	int r = open_and_run(&proxy, settings, role);
	close_proxy(&proxy);
	log_queue_stop();
	return r;
}
