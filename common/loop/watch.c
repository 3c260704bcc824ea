// SPDX-License-Identifier: BSD-2-Clause
#include "common/loop/watch.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

int watch_set(int epoll, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	if (watch->added && watch->events == events)
		return 0;
	if (epoll_ctl(epoll, watch->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch->fd, &event) < 0)
		return -errno;
	watch->added = true;
	watch->events = events;
	return 0;
}

void watch_remove(int epoll, struct watch *watch)
{
	if (!watch->added)
		return;
	(void)epoll_ctl(epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->added = false;
}

void watch_close(struct watch *watch)
{
	if (watch->fd < 0)
		return;
	/* The last descriptor of a file takes it out of the epoll by itself: epoll(7). */
	watch->added = false;
	(void)close(watch->fd);
	watch->fd = -1;
}
