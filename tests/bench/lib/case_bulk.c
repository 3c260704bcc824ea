/* SPDX-License-Identifier: BSD-2-Clause */
/* As many bytes as go through, one way, over open connections. */
#include "tests/bench/lib/cases.h"
#include "tests/bench/lib/net.h"
#include "tests/bench/lib/protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS       64
#define BUFFER       (256 * 1024)
#define OPEN_TIMEOUT 30
#define END_TIMEOUT  10000 /* ms without progress after the time is up */

static const char zeros[BUFFER];
static char buffer[BUFFER];

struct bulk {
	const struct load *load;
	struct link *links;
	uint64_t *sent; /* of each link */
	int epoll;
	uint64_t moved; /* bytes that arrived at their end, or that our TCP took */
	unsigned open;
};

static void end(struct bulk *bulk, struct link *link)
{
	link_close(link);
	bulk->open--;
}

static void receive(struct bulk *bulk, struct link *link)
{
	ssize_t n = recv(link->fd, buffer, sizeof(buffer), 0);

	if (n < 0 && errno != EAGAIN)
		die("a connection ended: %s", strerror(errno));
	if (n == 0)
		end(bulk, link);
	if (n > 0)
		bulk->moved += (uint64_t)n;
}

/* The backend's count of what it got, against ours. */
static void receive_count(struct bulk *bulk, struct link *link)
{
	uint64_t count;
	ssize_t n = recv(link->fd, &count, sizeof(count), MSG_WAITALL);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n != sizeof(count))
		die("no count of an upload: %s", n < 0 ? strerror(errno) : "closed");
	if (count != bulk->sent[link - bulk->links])
		die("%llu bytes of %llu arrived", (unsigned long long)count,
		    (unsigned long long)bulk->sent[link - bulk->links]);
	end(bulk, link);
}

static void transmit(struct bulk *bulk, struct link *link, bool ending)
{
	static const uint8_t last = BENCH_END;
	ssize_t n = send(link->fd, ending ? (const void *)&last : zeros,
			 ending ? sizeof(last) : sizeof(zeros), MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		die("a connection ended: %s", strerror(errno));
	if (n <= 0)
		return;
	bulk->moved += (uint64_t)n;
	bulk->sent[link - bulk->links] += (uint64_t)n;
	if (ending)
		link_want(link, bulk->epoll, EPOLLIN);
}

static void begin(struct bulk *bulk)
{
	struct bench_command command = {.what = bulk->load->up ? BENCH_UP : BENCH_DOWN};

	for (unsigned i = 0; i < bulk->load->connections; i++) {
		if (send(bulk->links[i].fd, &command, sizeof(command), MSG_NOSIGNAL) < 0)
			die("a connection ended before it began");
		link_want(&bulk->links[i], bulk->epoll, bulk->load->up ? EPOLLOUT : EPOLLIN);
	}
}

/* The time is up: let the bytes under way arrive, and each connection end in order. */
static void stop(struct bulk *bulk)
{
	for (unsigned i = 0; i < bulk->load->connections; i++) {
		struct link *link = &bulk->links[i];

		if (!bulk->load->up && send(link->fd, "", 1, MSG_NOSIGNAL) < 0)
			die("a connection ended: %s", strerror(errno));
	}
}

static void turn(struct bulk *bulk, bool ending)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(bulk->epoll, events, EVENTS, END_TIMEOUT);

	if (n == 0)
		die("nothing moved for %d s, %u connections are open", END_TIMEOUT / 1000,
		    bulk->open);
	for (int i = 0; i < n; i++) {
		struct link *link = events[i].data.ptr;

		if (!bulk->load->up)
			receive(bulk, link);
		else if (events[i].events & EPOLLOUT)
			transmit(bulk, link, ending);
		else
			receive_count(bulk, link);
	}
}

/*
 * Downloads are counted as they come, from the end of the warm-up to the end
 * of the time. Uploads are over when the backend has said how much it got, so
 * that what only filled buffers does not count as moved; the warm-up is short
 * of what buffers hold, so it is part of the measurement there.
 */
void case_bulk(const struct load *load)
{
	struct bulk bulk = {.load = load, .open = load->connections};
	uint64_t from, until, begun, base = 0;
	double seconds;

	bulk.links = calloc(load->connections, sizeof(*bulk.links));
	bulk.sent = calloc(load->connections, sizeof(*bulk.sent));
	bulk.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!bulk.links || !bulk.sent || bulk.epoll < 0)
		die("out of memory");
	links_open(bulk.links, load->connections, &load->target, bulk.epoll, OPEN_TIMEOUT);
	begun = now_ns();
	from = load->up ? begun : begun + (uint64_t)(load->warmup * 1e9);
	begin(&bulk);
	while (now_ns() < from)
		turn(&bulk, false);
	say_start();
	from = now_ns();
	base = bulk.moved;
	until = from + (uint64_t)(load->seconds * 1e9);
	while (now_ns() < until)
		turn(&bulk, false);
	if (load->up) {
		stop(&bulk);
		while (bulk.open)
			turn(&bulk, true);
	}
	seconds = (double)(now_ns() - from) / 1e9;
	say(json_pack("{s:I, s:f, s:f}", "bytes", (json_int_t)(bulk.moved - base), "seconds",
		      seconds, "gbit_s", (double)(bulk.moved - base) * 8 / seconds / 1e9));
	if (!load->up) {
		stop(&bulk);
		while (bulk.open)
			turn(&bulk, true);
	}
	(void)close(bulk.epoll);
	free(bulk.sent);
	free(bulk.links);
}
