// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/park.h"

#include "common/base/clock.h"
#include "common/loop/socket.h"
#include "user/flow/complain.h"
#include "user/flow/connection.h"
#include "user/flow/operators.h"
#include "user/flow/worker.h"
#include "user/wire/token.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* First a reservation without a descriptor, then a parked connection. */
struct parked {
	LIST_ENTRY(parked) in_all;   /* or, once it has ended, in `ended` */
	LIST_ENTRY(parked) in_owner; /* parked */
	struct table_link by_token;  /* reserved */
	struct worker *worker;
	struct operator_entry *owner;
	struct watch watch;
	bool is_open;       /* parked; else reserved */
	struct timer timer; /* end of the reservation, or of the parking time */
	uint8_t token_key[TOKEN_KEY_BYTES];
};

struct parking {
	struct operator_table *operators;
	uint32_t n, most, most_per_operator;
	struct table reserved; /* by token */
	LIST_HEAD(, parked) all, ended;
};

struct parking *parking_new(struct operator_table *operators)
{
	struct parking *parking = calloc(1, sizeof(*parking));

	if (!parking)
		return NULL;
	parking->operators = operators;
	table_init(&parking->reserved);
	return parking;
}

void parking_free(struct parking *parking)
{
	if (parking)
		table_clear(&parking->reserved);
	free(parking);
}

void parking_limit(struct parking *parking, uint32_t most, uint32_t most_per_operator)
{
	parking->most = most;
	parking->most_per_operator = most_per_operator;
}

/* The key is a keyed hash itself, random to everybody else. */
static uint64_t hash_of(const uint8_t key[TOKEN_KEY_BYTES])
{
	uint64_t hash;

	memcpy(&hash, key, sizeof(hash));
	return hash;
}

static bool has_key(const struct table_link *link, const void *key)
{
	const struct parked *parked = container_of(link, const struct parked, by_token);

	return CRYPTO_memcmp(parked->token_key, key, TOKEN_KEY_BYTES) == 0;
}

static void forget_token(struct parked *parked)
{
	table_remove(&parked->worker->parking->reserved, &parked->by_token);
	OPENSSL_cleanse(parked->token_key, sizeof(parked->token_key));
}

/* Out of its lists and its counts, freed at the end of the turn. Its owner's entry may go too. */
static void finish(struct parked *parked)
{
	struct worker *worker = parked->worker;
	struct parking *parking = worker->parking;

	if (parked->is_open) {
		LIST_REMOVE(parked, in_owner);
		counters_sub(&worker->counters, COUNTER_PARKED_OPEN, 1);
	} else {
		forget_token(parked);
	}
	timer_disarm(&worker->timers, &parked->timer);
	watch_close(&parked->watch);
	LIST_REMOVE(parked, in_all);
	LIST_INSERT_HEAD(&parking->ended, parked, in_all);
	parking->n--;
	parked->owner->n_parked--;
	operators_release(parking->operators, parked->owner);
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

static bool has_room(const struct parking *parking, const struct operator_entry *owner)
{
	return parking->n < parking->most && owner->n_parked < parking->most_per_operator;
}

/* -ENOMEM, or -EDQUOT. */
static int reserve(struct worker *worker, struct operator_entry *owner, const struct mail *mail)
{
	struct parking *parking = worker->parking;

	if (!has_room(parking, owner))
		return -EDQUOT;
	struct parked *parked = calloc(1, sizeof(*parked));
	if (!parked)
		return -ENOMEM;
	if (token_hash(worker->hasher, mail->u.reservation.token, parked->token_key) < 0) {
		free(parked);
		return -ENOMEM;
	}
	parked->worker = worker;
	parked->owner = owner;
	parked->watch.fd = -1;
	parked->watch.ready = on_ready;
	parked->timer.fire = on_timer;
	owner->n_parked++;
	parking->n++;
	table_add(&parking->reserved, &parked->by_token, hash_of(parked->token_key));
	LIST_INSERT_HEAD(&parking->all, parked, in_all);
	timer_arm(&worker->timers, &parked->timer,
		  clock_now() + mail->u.reservation.valid_ms * NS_PER_MS);
	return 0;
}

/* Without one its token will not be known, and the private proxy asks again later. */
void park_reserve(struct worker *worker, const struct mail *mail)
{
	const char *name = mail->u.reservation.operator;
	struct operator_entry *owner = operators_get(&worker->operators, name);

	int r = owner ? reserve(worker, owner, mail) : -ENOMEM;
	if (r == 0)
		return;
	if (owner)
		operators_release(&worker->operators, owner);
	complain(&worker->complaints, r == -ENOMEM ? COMPLAINT_MEMORY : COMPLAINT_NO_ROOM_TO_PARK,
		 name);
}

/* The control thread counts the tokens that are out; this one is out no more. */
static void tell_shown(struct worker *worker, const char *name)
{
	struct mail *mail = mail_new_named(MAIL_TOKEN_SHOWN, name, "");

	if (!mail)
		return; /* it counts until it would have expired */
	outbox_put_later(&worker->outbox, mail);
}

/* At random a quarter less, so that those that came together do not go together. */
static uint64_t parking_time(const struct worker *worker, const uint8_t key[TOKEN_KEY_BYTES])
{
	uint64_t most = worker->config->park_timeout;

	return most - most / 4 * key[TOKEN_KEY_BYTES - 1] / UINT8_MAX;
}

bool park_claimed(struct worker *worker, int fd, const uint8_t key[TOKEN_KEY_BYTES])
{
	struct parking *parking = worker->parking;
	struct table_link *link = table_find(&parking->reserved, hash_of(key), has_key, key);

	if (!link)
		return false;
	struct parked *parked = container_of(link, struct parked, by_token);
	tell_shown(worker, parked->owner->name);
	forget_token(parked);
	LIST_INSERT_HEAD(&parked->owner->parked, parked, in_owner);
	parked->watch.fd = fd;
	parked->is_open = true;
	counters_add(&worker->counters, COUNTER_PARKED, 1);
	counters_add(&worker->counters, COUNTER_PARKED_OPEN, 1);
	if (worker->config->keepalive > 0)
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

/* The freshest; looked up again after each, since its owner's entry may have gone with it. */
static struct parked *first_of(const struct worker *worker, const char *name)
{
	struct operator_entry *owner = operators_find(&worker->operators, name);

	return owner ? LIST_FIRST(&owner->parked) : NULL;
}

int park_take(struct worker *worker, const char *name)
{
	struct parked *parked;

	while ((parked = first_of(worker, name))) {
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
	struct parked *parked;

	while ((parked = LIST_FIRST(&worker->parking->all)))
		finish(parked);
}

void park_bury(struct worker *worker)
{
	struct parked *parked;

	while ((parked = LIST_FIRST(&worker->parking->ended))) {
		LIST_REMOVE(parked, in_all);
		free(parked);
	}
}

int park_neighbour(const struct worker *worker)
{
	const struct workers *all = worker->all;

	for (unsigned i = 1; i < all->n; i++) {
		unsigned other = (worker->index + i) % all->n;

		if (counters_get(&all->list[other]->counters, COUNTER_PARKED_OPEN) > 0)
			return (int)other;
	}
	return -1;
}

void park_lend(struct worker *worker, struct mail *mail)
{
	struct worker *borrower = worker->all->list[mail->u.notice.worker];
	int fd = park_take(worker, mail->u.notice.operator);
	uint8_t token[TOKEN_BYTES];

	if (fd < 0) {
		mail->type = MAIL_NOTICE; /* with the same body */
		outbox_put(&worker->outbox, mail);
		return;
	}
	memcpy(token, mail->u.notice.token, TOKEN_BYTES);
	mail_turn(mail, MAIL_LENT);
	mail->u.dialled_back.fd = fd;
	memcpy(mail->u.dialled_back.token, token, TOKEN_BYTES);
	OPENSSL_cleanse(token, sizeof(token));
	mailbox_put(borrower->box, mail);
}
