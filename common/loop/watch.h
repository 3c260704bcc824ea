/* SPDX-License-Identifier: BSD-2-Clause */
/* A descriptor in a worker's epoll, and who is told about it. */
#pragma once

#include "common/base/container_of.h"

#include <stdbool.h>
#include <stdint.h>

struct watch {
	int fd; /* -1: none; owned by whoever holds the watch */
	uint32_t events;
	bool added;
	void (*ready)(struct watch *watch, uint32_t events);
};

/* Level-triggered unless `events` says EPOLLET. Adds, changes, or does nothing. -errno. */
int watch_set(int epoll, struct watch *watch, uint32_t events);

/* Out of the epoll, the descriptor stays open. EPOLLERR and EPOLLHUP are not heard any more. */
void watch_remove(int epoll, struct watch *watch);

/* Out of the epoll and closed. Takes one that is closed already. */
void watch_close(struct watch *watch);
