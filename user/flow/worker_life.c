// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/worker_life.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "user/flow/connection.h"
#include "user/flow/dial_back.h"
#include "user/flow/inside.h"
#include "user/flow/listen.h"
#include "user/flow/park.h"
#include "user/flow/peek.h"
#include "user/flow/waiting.h"
#include "user/flow/worker.h"
#include "user/flow/worker_config.h"
#include "user/flow/worker_mail.h"
#include "user/flow/worker_stop.h"
#include "user/flow/worker_wait.h"
#include "user/mail/routes.h"
#include "user/wire/client_hello.h"
#include "user/wire/token.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 256

static void on_mail(struct watch *watch, uint32_t events)
{
	(void)events;
	worker_read_mail(container_of(watch, struct worker, box_watch));
}

static void turn(struct worker *worker)
{
	struct epoll_event events[EVENTS];
	int n = worker_wait(worker, events, EVENTS, worker->busy);

	worker->busy = n > 0;

	for (int i = 0; i < n; i++) {
		struct watch *watch = events[i].data.ptr;

		/* Closed or taken out of the epoll earlier in this turn. */
		if (watch->fd >= 0 && watch->added)
			watch->ready(watch, events[i].events);
	}
	timers_run(&worker->timers, clock_now());
	connection_bury(worker);
	dial_back_bury(worker);
	park_bury(worker);
}

static void *run(void *arg)
{
	struct worker *worker = arg;

	/* What it has to know before its first connection. */
	worker_read_mail(worker);
	/* A notice that has been answered may become a connection while others end. */
	while (!worker->dismissed || worker_has_connections(worker))
		turn(worker);
	outbox_flush(&worker->outbox);
	atomic_store(&worker->ended, true);
	return NULL;
}

static int open_plane(struct worker *worker)
{
	struct plane *plane = &worker->plane;

	plane->epoll = worker->epoll;
	plane->timers = &worker->timers;
	return plane_open(plane, &worker->all->paths, worker->index);
}

static int open_memory(struct worker *worker)
{
	worker->peek_bytes = malloc(CLIENT_HELLO_WIRE_MAX);
	worker->peek_workspace = malloc(CLIENT_HELLO_MAX);
	worker->waiting = waiting_room_new(&worker->operators);
	worker->parking = parking_new(&worker->operators);
	worker->hasher = token_hasher_new();
	worker->inside = inside_memory_new();
	if (!worker->peek_bytes || !worker->peek_workspace || !worker->waiting || !worker->hasher ||
	    !worker->inside || !worker->parking)
		return -ENOMEM;
	return 0;
}

static int open_worker(struct worker *worker, const struct config *config)
{
	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (worker->epoll < 0)
		return -errno;
	int r = mailbox_new(&worker->box);
	if (r < 0)
		return r;
	worker->box_watch.fd = mailbox_fd(worker->box);
	worker->box_watch.ready = on_mail;
	r = watch_set(worker->epoll, &worker->box_watch, EPOLLIN);
	if (r == 0)
		r = open_memory(worker);
	if (r < 0)
		return r;
	worker_configure(worker, config_ref(config));
	return open_plane(worker);
}

int worker_new(struct workers *all, unsigned index, const struct config *config,
	       struct worker **ret)
{
	struct worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		return -ENOMEM;
	worker->index = index;
	worker->all = all;
	worker->epoll = -1;
	worker->next_id = 1;
	outbox_init(&worker->outbox, all->control, &worker->timers);
	complaints_init(&worker->complaints, &worker->timers, &worker->counters);
	operators_init(&worker->operators);
	table_init(&worker->ids);
	for (int i = 0; i < CONNECTION_STATES; i++)
		TAILQ_INIT(&worker->states[i]);
	LIST_INIT(&worker->listeners);
	LIST_INIT(&worker->dial_backs);
	LIST_INIT(&worker->ended_dial_backs);
	int r = open_worker(worker, config);
	if (r < 0) {
		worker_free(worker);
		return r;
	}
	*ret = worker;
	return 0;
}

static int listen_all(struct worker *worker, const struct addr *addrs, unsigned n,
		      struct rate_gate *gate, listen_accepted accepted, char **ret_error)
{
	unsigned bound = 0;
	int r = -EADDRNOTAVAIL;

	for (unsigned i = 0; i < n; i++) {
		char name[ADDR_TEXT_MAX];
		/* The first worker asks for all: SO_REUSEPORT would share the port with another
		 * process. */
		int one = worker->index == 0 ? listen_probe(&addrs[i]) : 0;

		if (one == 0)
			one = listen_open(worker, &addrs[i], gate, accepted);
		/* Of "localhost", one address may be missing: a machine without IPv6. */
		if (one == -EADDRNOTAVAIL || one == -EAFNOSUPPORT) {
			r = one;
			continue;
		}
		addr_format(&addrs[i], name);
		if (one < 0) {
			const char *hint =
				one == -EADDRINUSE ? "; another process has this port" : "";
			return error_set(ret_error, one, "cannot listen on %s: %s%s", name,
					 strerror(-one), hint);
		}
		if (worker->index == 0)
			log_info("listening on %s", name);
		bound++;
	}
	if (bound > 0)
		return 0;
	return error_set(ret_error, r, "cannot listen: %s", strerror(-r));
}

int worker_listen(struct worker *worker, char **ret_error)
{
	const struct config_fixed *config = &worker->config->fixed;

	if (config->role != ROLE_PUBLIC)
		return 0;
	int r = listen_all(worker, config->public_listen, config->n_public_listen,
			   worker->all->public_gate, peek_accepted, ret_error);
	if (r < 0)
		return r;
	return listen_all(worker, config->internal_listen, config->n_internal_listen,
			  worker->all->internal_gate, dial_back_accepted, ret_error);
}

int worker_start(struct worker *worker)
{
	sigset_t all, before;

	/* Signals are the control thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = -pthread_create(&worker->thread, NULL, run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	worker->started = r == 0;
	return r;
}

void worker_join(struct worker *worker)
{
	if (worker->started)
		pthread_join(worker->thread, NULL);
	worker->started = false;
}

void worker_free(struct worker *worker)
{
	if (!worker)
		return;
	listen_free_all(worker);
	dial_back_close_all(worker);
	dial_back_bury(worker);
	if (worker->parking) {
		park_close_all(worker);
		park_bury(worker);
	}
	worker_close_all(worker);
	connection_bury(worker);
	plane_close(&worker->plane);
	free(worker->peek_bytes);
	free(worker->peek_workspace);
	waiting_room_free(worker->waiting);
	token_hasher_free(worker->hasher);
	table_clear(&worker->ids);
	inside_memory_free(worker->inside);
	parking_free(worker->parking);
	operators_clear(&worker->operators);
	routes_unref(worker->routes);
	config_unref(worker->config);
	outbox_clear(&worker->outbox);
	mailbox_free(worker->box);
	if (worker->epoll >= 0)
		(void)close(worker->epoll);
	free(worker);
}
