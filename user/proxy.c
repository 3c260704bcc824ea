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
#include "user/mail/config.h"
#include "user/mail/crew.h"
#include "user/plane/sockmap/gate.h"
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
	struct config config;
	struct workshop shop;
	struct control *control;
};

static int fail(int r, const char *what)
{
	log_error("%s: %s", what, strerror(-r));
	return r;
}

/* Without the BPF program all else works: one line says which way bytes go, and why. */
static void open_kernel(struct proxy *proxy)
{
	const struct kernel_options options = {
		.workers = proxy->config.workers,
		.connections = proxy->config.connections,
	};
	enum stream_forwarding *forwarding = &proxy->config.plane.forwarding;
	char why[GATE_WHY];

	bool usable = gate_open(*forwarding, &options, &proxy->shop.kernel, why);
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

static int open_workers(struct proxy *proxy)
{
	struct workshop *shop = &proxy->shop;
	AUTO_FREE char *error = NULL;
	int r;

	shop->workers = calloc(proxy->config.workers, sizeof(struct worker *));
	shop->boxes = calloc(proxy->config.workers, sizeof(struct mailbox *));
	shop->sources = sources_new(proxy->config.half_open_per_source, proxy->config.half_open);
	shop->parked = calloc(proxy->config.workers, sizeof(*shop->parked));
	if (!shop->workers || !shop->boxes || !shop->sources || !shop->parked)
		return fail(-ENOMEM, "cannot make workers");
	r = rate_gate_new(proxy->config.public_rate_limits, &shop->public_gate);
	if (r == 0)
		r = rate_gate_new(proxy->config.internal_rate_limits, &shop->internal_gate);
	if (r < 0)
		return fail(r, "cannot make rate limits");
	for (unsigned i = 0; i < proxy->config.workers; i++) {
		r = worker_new(shop, i, &shop->workers[i]);
		if (r < 0)
			return fail(r, "cannot make a worker");
		shop->boxes[i] = shop->workers[i]->box;
		r = worker_listen(shop->workers[i], &error);
		if (r < 0) {
			log_error("%s", error ? error : strerror(-r));
			return r;
		}
	}
	return 0;
}

static int start_workers(struct proxy *proxy)
{
	for (unsigned i = 0; i < proxy->config.workers; i++) {
		int r = worker_start(proxy->shop.workers[i]);
		if (r < 0)
			return fail(r, "cannot start a worker");
	}
	return 0;
}

static bool all_have_ended(const struct workshop *shop, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (shop->workers[i]->started && !atomic_load(&shop->workers[i]->ended))
			return false;
	return true;
}

/* The control thread, which has just ended, may have sent them mail until now. A signal ends their
 * grace. */
static void stop_workers(struct proxy *proxy)
{
	const struct timespec turn = {.tv_nsec = 20 * NS_PER_MS};
	struct crew crew = {.boxes = proxy->shop.boxes};
	sigset_t signals;

	while (crew.boxes && crew.n < proxy->config.workers && crew.boxes[crew.n])
		crew.n++;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	crew_stop(&crew, (unsigned)(proxy->config.shutdown_grace / NS_PER_MS), true);
	while (!all_have_ended(&proxy->shop, crew.n)) {
		if (sigtimedwait(&signals, NULL, &turn) < 0)
			continue;
		log_info("signal again: open connections are reset");
		crew_stop(&crew, 0, true);
	}
	for (unsigned i = 0; i < crew.n; i++)
		worker_join(proxy->shop.workers[i]);
}

static void close_proxy(struct proxy *proxy)
{
	struct workshop *shop = &proxy->shop;

	stop_workers(proxy);
	for (unsigned i = 0; shop->workers && i < proxy->config.workers; i++)
		worker_free(shop->workers[i]);
	free(shop->workers);
	free(shop->boxes);
	free(shop->parked);
	control_free(proxy->control);
	kernel_close(shop->kernel);
	sources_free(shop->sources);
	rate_gate_free(shop->public_gate);
	rate_gate_free(shop->internal_gate);
}

static int open_and_run(struct proxy *proxy, const json_t *settings)
{
	const struct role_ops *ops =
		proxy->config.role == ROLE_PUBLIC ? &role_public : &role_private;
	AUTO_FREE char *error = NULL;

	int r = config_read(settings, proxy->config.role, &proxy->config, &error);
	if (r == 0)
		r = control_new(settings, ops, &proxy->control, &error);
	if (r < 0) {
		log_error("%s", error ? error : strerror(-r));
		return r;
	}
	open_kernel(proxy);
	proxy->shop.config = &proxy->config;
	proxy->shop.control = control_mailbox(proxy->control);
	r = open_workers(proxy);
	if (r < 0)
		return r;
	control_set_workers(proxy->control, proxy->shop.boxes, proxy->config.workers);
	r = privileges_drop();
	if (r < 0)
		return fail(r, "cannot drop privileges");
	r = log_queue_start(proxy->config.log_backlog);
	if (r < 0)
		return fail(r, "cannot start the thread that writes the log");
	r = start_workers(proxy);
	return r < 0 ? r : control_run(proxy->control);
}

int proxy_run(const json_t *settings, enum proxy_role role)
{
	struct proxy proxy = {.config.role = role};

	descriptors_raise();
	int r = open_and_run(&proxy, settings);
	close_proxy(&proxy);
	log_queue_stop();
	return r;
}
