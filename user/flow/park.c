// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/park.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/loop/socket.h"
#include "user/flow/complain.h"
#include "user/flow/operators.h"
#include "user/flow/worker.h"
#include "user/wire/token.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUCKETS 256

/* First a reservation without a descriptor, then a parked connection. */
struct parked {
	LIST_ENTRY(parked) in_list;
	struct worker *worker;
	struct operator_entry *owner;
	struct watch watch;
	bool is_open;
	struct timer timer; /* end of the reservation, or of the parking time */
	uint8_t token_key[TOKEN_KEY_BYTES];
};

struct parking {
	uint32_t n, most, most_per_operator;
	struct parked_list reserved[BUCKETS], ended;
};

struct parking *parking_new(uint32_t most, uint32_t most_per_operator)
{
	struct parking *parking = calloc(1, sizeof(*parking));

	if (parking) {
		parking->most = most;
		parking->most_per_operator = most_per_operator;
	}
	return parking;
}

void parking_free(struct parking *parking)
{
	free(parking);
}

/* A keyed hash is random to everybody else: its first byte makes a good index. */
static struct parked_list *bucket_of(struct parking *parking, const uint8_t key[TOKEN_KEY_BYTES])
{
	return &parking->reserved[key[0] % BUCKETS];
}

static void count(struct worker *worker, const struct parked *parked, int change)
{
	if (parked->is_open)
		atomic_fetch_add(&worker->shop->parked[worker->index], (uint32_t)change);
}

/* Out of its list and its counts, freed at the end of the turn. */
static void finish(struct parked *parked)
{
	struct worker *worker = parked->worker;

	count(worker, parked, -1);
	timer_disarm(&worker->timers, &parked->timer);
	watch_close(&parked->watch);
	OPENSSL_cleanse(parked->token_key, sizeof(parked->token_key));
	LIST_REMOVE(parked, in_list);
	LIST_INSERT_HEAD(&worker->parking->ended, parked, in_list);
	parked->owner->n_parked--;
	worker->parking->n--;
}

static void on_timer(struct timer *timer)
{
	finish(container_of(timer, struct parked, timer));
}

/* Its private proxy has closed it, or speaks before it is asked, which no stream may begin with. */
static void on_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	finish(container_of(watch, struct parked, watch));
}

void park_reserve(struct worker *worker, const struct mail *mail)
{
	struct parking *parking = worker->parking;
	struct operator_entry *owner =
		operators_get(&worker->operators, mail->u.reservation.operator);

	if (!owner || parking->n >= parking->most ||
	    owner->n_parked >= parking->most_per_operator) {
		/* Its token will not be known, and the private proxy asks again later. */
		complain(&worker->complaints, COMPLAINT_NO_ROOM_TO_PARK,
			 mail->u.reservation.operator);
		return;
	}
	struct parked *parked = calloc(1, sizeof(*parked));
	if (!parked)
		return;
	if (token_hash(worker->hasher, mail->u.reservation.token, parked->token_key) < 0) {
		free(parked);
		return;
	}
	parked->worker = worker;
	parked->owner = owner;
	parked->watch.fd = -1;
	parked->watch.ready = on_ready;
	parked->timer.fire = on_timer;
	owner->n_parked++;
	parking->n++;
	LIST_INSERT_HEAD(bucket_of(parking, parked->token_key), parked, in_list);
	timer_arm(&worker->timers, &parked->timer,
		  clock_now() + mail->u.reservation.valid_ms * NS_PER_MS);
}

/* The control thread counts the tokens that are out; this one is out no more. */
static void tell_shown(struct worker *worker, const char *name)
{
	struct mail *mail = mail_new(MAIL_TOKEN_SHOWN);

	if (!mail)
		return; /* it counts until it would have expired */
	snprintf(mail->u.shown.operator, sizeof(mail->u.shown.operator), "%s", name);
	outbox_put_later(&worker->outbox, mail);
}

/* At random a quarter less, so that those that came together do not go together. */
static uint64_t parking_time(const struct worker *worker, const uint8_t key[TOKEN_KEY_BYTES])
{
	uint64_t most = worker->shop->config->park_timeout;

	return most - most / 4 * key[TOKEN_KEY_BYTES - 1] / UINT8_MAX;
}

bool park_claimed(struct worker *worker, int fd, const uint8_t key[TOKEN_KEY_BYTES])
{
	struct parked *parked;

	LIST_FOREACH(parked, bucket_of(worker->parking, key), in_list)
		if (CRYPTO_memcmp(parked->token_key, key, TOKEN_KEY_BYTES) == 0)
			break;
	if (!parked)
		return false;
	tell_shown(worker, parked->owner->name);
	OPENSSL_cleanse(parked->token_key, sizeof(parked->token_key));
	LIST_REMOVE(parked, in_list);
	LIST_INSERT_HEAD(&parked->owner->parked, parked, in_list);
	parked->watch.fd = fd;
	parked->is_open = true;
	count(worker, parked, 1);
	if (worker->shop->config->keepalive > 0)
		socket_probe_after(fd, PROBE_AHEAD_S); /* the rest comes from the listener */
	else
		socket_keep_alive(fd, PROBE_AHEAD_S);
	timer_arm(&worker->timers, &parked->timer, clock_now() + parking_time(worker, key));
	if (watch_set(worker->epoll, &parked->watch, EPOLLIN | EPOLLRDHUP) < 0)
		finish(parked);
	return true;
}

static bool is_alive(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

int park_take(struct worker *worker, const char *name)
{
	struct operator_entry *owner = operators_find(&worker->operators, name);
	struct parked *parked;

	while (owner && (parked = LIST_FIRST(&owner->parked))) {
		int fd = parked->watch.fd;

		watch_remove(worker->epoll, &parked->watch);
		parked->watch.fd = -1;
		finish(parked);
		if (is_alive(fd))
			return fd;
		(void)close(fd);
	}
	return -1;
}

void park_close_all(struct worker *worker)
{
	struct parking *parking = worker->parking;
	struct operator_entry *owner;
	struct parked *parked;

	for (int i = 0; i < BUCKETS; i++)
		while ((parked = LIST_FIRST(&parking->reserved[i])))
			finish(parked);
	LIST_FOREACH(owner, &worker->operators, in_table)
		while ((parked = LIST_FIRST(&owner->parked)))
			finish(parked);
}

void park_bury(struct worker *worker)
{
	struct parked *parked;

	while ((parked = LIST_FIRST(&worker->parking->ended))) {
		LIST_REMOVE(parked, in_list);
		free(parked);
	}
}

int park_neighbour(const struct worker *worker)
{
	const struct workshop *shop = worker->shop;
	unsigned n = shop->config->workers;

	for (unsigned i = 1; i < n; i++) {
		unsigned other = (worker->index + i) % n;

		if (atomic_load(&shop->parked[other]) > 0)
			return (int)other;
	}
	return -1;
}

void park_lend(struct worker *worker, const struct mail *mail)
{
	struct workshop *shop = worker->shop;
	int fd = park_take(worker, mail->u.notice.operator);
	struct mail *answer = mail_new(fd < 0 ? MAIL_NOTICE : MAIL_LENT);

	if (!answer) {
		/* The client then waits for its accept_timeout. */
		log_error("a parked connection cannot be lent: out of memory");
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	if (fd < 0) {
		answer->u.notice = mail->u.notice;
		outbox_put(&worker->outbox, answer);
		return;
	}
	answer->u.dialled_back.fd = fd;
	memcpy(answer->u.dialled_back.token, mail->u.notice.token, TOKEN_BYTES);
	worker_mail(shop->workers[mail->u.notice.worker], answer);
}
