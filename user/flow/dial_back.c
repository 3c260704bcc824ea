// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/dial_back.h"

#include "common/base/cleanup.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/loop/socket.h"
#include "user/flow/complain.h"
#include "user/flow/rendezvous.h"
#include "user/flow/worker.h"
#include "user/wire/token.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define AGAIN (50 * NS_PER_MS)

struct dial_back {
	LIST_ENTRY(dial_back) in_worker;
	struct worker *worker;
	struct watch watch;
	struct timer deadline;
	struct timer again;
	struct addr peer;
	uint8_t token[TOKEN_BYTES];
	size_t have;
};

/*
 * Whoever showed no good token may have dialled the internal server already,
 * for a client that is gone. RST, since a FIN would tell both that it has ended well.
 */
static void finish(struct dial_back *dial_back)
{
	struct worker *worker = dial_back->worker;

	if (dial_back->watch.fd >= 0)
		socket_reset_on_close(dial_back->watch.fd);
	timer_disarm(&worker->timers, &dial_back->deadline);
	timer_disarm(&worker->timers, &dial_back->again);
	watch_close(&dial_back->watch);
	OPENSSL_cleanse(dial_back->token, sizeof(dial_back->token));
	LIST_REMOVE(dial_back, in_worker);
	LIST_INSERT_HEAD(&worker->ended_dial_backs, dial_back, in_worker);
	counters_sub(&worker->counters, COUNTER_DIAL_BACKS_OPEN, 1);
}

static void complain_about(const struct dial_back *dial_back, enum complaint kind)
{
	complain_of(&dial_back->worker->complaints, kind, &dial_back->peer);
}

static void on_deadline(struct timer *timer)
{
	struct dial_back *dial_back = container_of(timer, struct dial_back, deadline);

	bool complete = dial_back->have == TOKEN_BYTES; /* and could not be passed on */

	complain_about(dial_back, complete ? COMPLAINT_MEMORY : COMPLAINT_TOKEN_SLOW);
	finish(dial_back);
}

/* To the worker that made the token; only it knows the connection. -ENOMEM: not now. */
static int hand_over(struct dial_back *dial_back)
{
	struct worker *worker = dial_back->worker;
	struct workers *all = worker->all;
	unsigned owner = token_owner(dial_back->token, all->n);
	struct mail *mail = owner == worker->index ? NULL : mail_new(MAIL_DIALLED_BACK);

	watch_remove(worker->epoll, &dial_back->watch);
	if (owner == worker->index) {
		rendezvous_claimed(worker, TAKE_FD(dial_back->watch.fd), dial_back->token);
		return 0;
	}
	if (!mail)
		return -ENOMEM;
	mail->u.dialled_back.fd = TAKE_FD(dial_back->watch.fd);
	memcpy(mail->u.dialled_back.token, dial_back->token, TOKEN_BYTES);
	mailbox_put(all->list[owner]->box, mail);
	return 0;
}

/* The token is complete. Without memory it waits for better times, but no longer than for a token:
 * a client is at stake that has done nothing. */
static void pass_on(struct dial_back *dial_back)
{
	struct worker *worker = dial_back->worker;

	if (hand_over(dial_back) == 0) {
		finish(dial_back);
		return;
	}
	timer_arm(&worker->timers, &dial_back->again, clock_now() + AGAIN);
}

static void on_again(struct timer *timer)
{
	pass_on(container_of(timer, struct dial_back, again));
}

/* False: the token is not there yet, or not all of it. */
static bool look(struct dial_back *dial_back)
{
	/* Not a byte more than the token: what follows belongs to the stream. */
	ssize_t n = recv(dial_back->watch.fd, dial_back->token + dial_back->have,
			 TOKEN_BYTES - dial_back->have, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		complain_about(dial_back, COMPLAINT_TOKEN_SHORT);
		finish(dial_back);
		return true;
	}
	dial_back->have += (size_t)n;
	if (dial_back->have < TOKEN_BYTES)
		return false;
	pass_on(dial_back);
	return true;
}

static void on_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	(void)look(container_of(watch, struct dial_back, watch));
}

void dial_back_accepted(struct worker *worker, int fd_taken, const struct addr *peer)
{
	AUTO_CLOSE int fd = fd_taken;

	if (counters_get(&worker->counters, COUNTER_DIAL_BACKS_OPEN) >= worker->most_dial_backs) {
		complain_of(&worker->complaints, COMPLAINT_DIAL_BACKS, peer);
		socket_reset_on_close(fd);
		return;
	}
	struct dial_back *dial_back = calloc(1, sizeof(*dial_back));
	if (!dial_back) {
		complain_of(&worker->complaints, COMPLAINT_MEMORY, peer);
		socket_reset_on_close(fd);
		return;
	}
	dial_back->worker = worker;
	dial_back->peer = *peer;
	dial_back->watch.fd = TAKE_FD(fd);
	dial_back->watch.ready = on_ready;
	dial_back->deadline.fire = on_deadline;
	dial_back->again.fire = on_again;
	LIST_INSERT_HEAD(&worker->dial_backs, dial_back, in_worker);
	counters_add(&worker->counters, COUNTER_DIAL_BACKS, 1);
	counters_add(&worker->counters, COUNTER_DIAL_BACKS_OPEN, 1);
	timer_arm(&worker->timers, &dial_back->deadline,
		  clock_now() + worker->config->token_timeout);
	/* As a rule the token has come with the connection. */
	if (!look(dial_back) && watch_set(worker->epoll, &dial_back->watch, EPOLLIN) < 0)
		finish(dial_back);
}

void dial_back_close_all(struct worker *worker)
{
	struct dial_back *dial_back;

	while ((dial_back = LIST_FIRST(&worker->dial_backs)))
		finish(dial_back);
}

void dial_back_bury(struct worker *worker)
{
	struct dial_back *dial_back;

	while ((dial_back = LIST_FIRST(&worker->ended_dial_backs))) {
		LIST_REMOVE(dial_back, in_worker);
		free(dial_back);
	}
}
