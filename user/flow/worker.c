// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/worker.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "user/flow/dial.h"
#include "user/flow/ids.h"
#include "user/flow/inside.h"
#include "user/flow/park.h"
#include "user/flow/peek.h"
#include "user/flow/rendezvous.h"
#include "user/flow/waiting.h"
#include "user/flow/worker_wait.h"
#include "user/mail/routes.h"
#include "user/plane/move.h"
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

#define EVENTS      256
#define SPARE_PIPES 64

void worker_mail(struct worker *worker, struct mail *mail)
{
	mailbox_put(worker->box, mail);
}

static bool has_connections(const struct worker *worker)
{
	for (int state = 0; state < CONNECTION_CLOSED; state++)
		if (!TAILQ_EMPTY(&worker->states[state]))
			return true;
	return false;
}

static void close_all(struct worker *worker, enum connection_state state, const char *reason)
{
	struct connection *connection;

	while ((connection = TAILQ_FIRST(&worker->states[state])))
		connection_close(connection, true, reason);
}

/* Those that are being dialled ahead: nobody uses them yet, and nobody is to. */
static void close_dials_ahead(struct worker *worker)
{
	struct connection *connection = TAILQ_FIRST(&worker->states[CONNECTION_DIAL]), *next;

	for (; connection; connection = next) {
		next = TAILQ_NEXT(connection, in_state);
		if (connection->ahead)
			connection_close(connection, true, "stopped");
	}
}

static void on_grace_over(struct timer *timer)
{
	struct worker *worker = container_of(timer, struct worker, grace);

	close_all(worker, CONNECTION_DIAL, "stopped");
	close_all(worker, CONNECTION_PAIR, "stopped");
	close_all(worker, CONNECTION_REFUSE, "stopped");
}

/* Nothing new; what is open may end by itself until the time is up. */
static void stop(struct worker *worker, unsigned grace_ms)
{
	uint64_t end = clock_now() + grace_ms * NS_PER_MS;

	if (worker->stopping) {
		if (!worker->grace.armed || end < worker->grace.due)
			timer_arm(&worker->timers, &worker->grace, end);
		return;
	}
	worker->stopping = true;
	listen_close_all(worker);
	dial_back_close_all(worker);
	park_close_all(worker);
	close_all(worker, CONNECTION_AHEAD, "stopped");
	close_dials_ahead(worker);
	close_all(worker, CONNECTION_PEEK, "stopped");
	close_all(worker, CONNECTION_RENDEZVOUS, "stopped"); /* no dial-back comes in any more */
	worker->grace.fire = on_grace_over;
	timer_arm(&worker->timers, &worker->grace, end);
}

static void handle(struct worker *worker, struct mail *mail)
{
	switch (mail->type) {
	case MAIL_ROUTES:
		routes_unref(worker->routes);
		worker->routes = mail->u.routes;
		mail->u.routes = NULL;
		break;
	case MAIL_NOTICE_REFUSED:
		rendezvous_refused(worker, mail->u.refused.connection, mail->u.refused.reason);
		break;
	case MAIL_DIAL:
		dial_begin(worker, mail); /* also on the way out: its notice has been taken */
		break;
	case MAIL_DIALLED_BACK:
		rendezvous_claimed(worker, mail->u.dialled_back.fd, mail->u.dialled_back.token);
		mail->u.dialled_back.fd = -1;
		break;
	case MAIL_BORROW:
		park_lend(worker, mail);
		break;
	case MAIL_LENT:
		rendezvous_lent(worker, mail->u.dialled_back.fd, mail->u.dialled_back.token);
		mail->u.dialled_back.fd = -1;
		break;
	case MAIL_STOP:
		stop(worker, mail->u.stop.grace_ms);
		worker->dismissed |= mail->u.stop.dismissed;
		break;
	case MAIL_RESERVATION:
		if (!worker->stopping)
			park_reserve(worker, mail);
		break;
	case MAIL_PARK:
		if (!worker->stopping)
			dial_ahead(worker, mail);
		break;
	case MAIL_INSIDE:
		dial_answered(worker, mail);
		break;
	case MAIL_NOTICE:
	case MAIL_PARKED:
	case MAIL_UNREACHABLE:
	case MAIL_TOKEN_SHOWN:
		break; /* not for a worker */
	}
}

static void on_mail(struct watch *watch, uint32_t events)
{
	struct worker *worker = container_of(watch, struct worker, box_watch);
	struct mail *mail = mailbox_take_all(worker->box);

	(void)events;
	while (mail) {
		struct mail *next = mail->next;

		handle(worker, mail);
		mail_free(mail);
		mail = next;
	}
}

static void on_ring(struct watch *watch, uint32_t events)
{
	(void)events;
	kernel_share_consume(container_of(watch, struct worker, ring_watch)->plane.kernel);
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
	on_mail(&worker->box_watch, EPOLLIN);
	/* A notice that has been answered may become a connection while others end. */
	while (!worker->dismissed || has_connections(worker))
		turn(worker);
	outbox_flush(&worker->outbox);
	atomic_store(&worker->ended, true);
	return NULL;
}

static int open_plane(struct worker *worker)
{
	struct workshop *shop = worker->shop;
	struct plane *plane = &worker->plane;

	plane->epoll = worker->epoll;
	plane->timers = &worker->timers;
	plane->settings = &shop->config->plane;
	plane->scratch = malloc(STREAM_CHUNK);
	plane->pipes = pipe_pool_new(SPARE_PIPES);
	if (!plane->scratch || !plane->pipes)
		return -ENOMEM;
	worker->ring_watch.fd = -1;
	if (!shop->kernel)
		return 0;
	int r = kernel_share_new(shop->kernel, worker->index, stream_kernel_event, &plane->kernel);
	if (r < 0)
		return r;
	worker->ring_watch.fd = kernel_share_fd(plane->kernel);
	worker->ring_watch.ready = on_ring;
	return watch_set(worker->epoll, &worker->ring_watch, EPOLLIN);
}

/* Of a limit for all workers, among whom connections spread evenly. */
static uint32_t share(const struct worker *worker, uint32_t limit)
{
	unsigned workers = worker->shop->config->workers;

	return (limit + workers - 1) / workers;
}

static int open_worker(struct worker *worker)
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
	if (r < 0)
		return r;
	worker->peek_bytes = malloc(CLIENT_HELLO_WIRE_MAX);
	worker->peek_workspace = malloc(CLIENT_HELLO_MAX);
	worker->waiting =
		waiting_room_new(share(worker, worker->shop->config->pending),
				 share(worker, worker->shop->config->pending_per_operator));
	worker->most_dial_backs = share(worker, worker->shop->config->dial_backs);
	worker->hasher = token_hasher_new();
	worker->ids = id_table_new();
	worker->inside = inside_memory_new();
	worker->parking = parking_new(share(worker, worker->shop->config->parked),
				      share(worker, worker->shop->config->parked_per_operator));
	if (!worker->peek_bytes || !worker->peek_workspace || !worker->waiting || !worker->hasher ||
	    !worker->ids || !worker->inside || !worker->parking)
		return -ENOMEM;
	return open_plane(worker);
}

int worker_new(struct workshop *shop, unsigned index, struct worker **ret)
{
	struct worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		return -ENOMEM;
	worker->index = index;
	worker->shop = shop;
	worker->epoll = -1;
	worker->next_id = 1;
	outbox_init(&worker->outbox, shop->control, &worker->timers);
	complaints_init(&worker->complaints, &worker->timers);
	for (int i = 0; i < CONNECTION_STATES; i++)
		TAILQ_INIT(&worker->states[i]);
	LIST_INIT(&worker->listeners);
	LIST_INIT(&worker->dial_backs);
	LIST_INIT(&worker->ended_dial_backs);
	int r = open_worker(worker);
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
			if (asprintf(ret_error, "cannot listen on %s: %s%s", name, strerror(-one),
				     one == -EADDRINUSE ? "; another process has this port" : "") <
			    0)
				*ret_error = NULL;
			return one;
		}
		if (worker->index == 0)
			log_info("listening on %s", name);
		bound++;
	}
	if (bound > 0)
		return 0;
	if (asprintf(ret_error, "cannot listen: %s", strerror(-r)) < 0)
		*ret_error = NULL;
	return r;
}

int worker_listen(struct worker *worker, char **ret_error)
{
	const struct config *config = worker->shop->config;

	if (config->role != ROLE_PUBLIC)
		return 0;
	int r = listen_all(worker, config->public_listen, config->n_public_listen,
			   worker->shop->public_gate, peek_accepted, ret_error);
	if (r < 0)
		return r;
	return listen_all(worker, config->internal_listen, config->n_internal_listen,
			  worker->shop->internal_gate, dial_back_accepted, ret_error);
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
	for (int state = 0; state < CONNECTION_CLOSED; state++)
		close_all(worker, (enum connection_state)state, "stopped");
	connection_bury(worker);
	watch_remove(worker->epoll, &worker->ring_watch);
	kernel_share_free(worker->plane.kernel);
	pipe_pool_free(worker->plane.pipes);
	free(worker->plane.scratch);
	free(worker->peek_bytes);
	free(worker->peek_workspace);
	waiting_room_free(worker->waiting);
	token_hasher_free(worker->hasher);
	id_table_free(worker->ids);
	inside_memory_free(worker->inside);
	parking_free(worker->parking);
	operators_free(&worker->operators);
	routes_unref(worker->routes);
	outbox_clear(&worker->outbox);
	mailbox_free(worker->box);
	if (worker->epoll >= 0)
		(void)close(worker->epoll);
	free(worker);
}
