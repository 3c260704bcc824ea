/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Brings changed announcements to the workers: as one new table a turn of the
 * loop, however many changes there were.
 */
#pragma once

#include "user/mail/crew.h"
#include "user/store/announcements.h"

#include <event2/event.h>

struct publisher;

int publisher_new(struct event_base *base, const struct announcements *announcements,
		  struct crew *crew, struct publisher **ret);
void publisher_free(struct publisher *publisher);
/* There is something new. `publisher` is void, so that this can be a callback. */
void publisher_changed(void *publisher);
/* At once: for workers that have nothing yet. */
void publisher_publish(struct publisher *publisher);
