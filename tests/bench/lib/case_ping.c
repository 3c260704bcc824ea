/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests and answers in turns on open connections; each asks again as soon as it is answered. */
#include "tests/bench/lib/cases.h"
#include "tests/bench/lib/net.h"
#include "tests/bench/lib/protocol.h"
#include "tests/bench/lib/samples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define EVENTS       64
#define OPEN_TIMEOUT 30

static char request[BENCH_SIZE_MAX];

struct player {
	size_t got;
	uint64_t asked;
};

static void ask(struct link *link, struct player *player, const struct load *load)
{
	const char *text = link->ssl ? BENCH_REQUEST : request;
	size_t length = link->ssl ? strlen(BENCH_REQUEST) : load->size;

	player->got = 0;
	player->asked = now_ns();
	if (link_write(link, text, length) != (ssize_t)length)
		die("a request of %zu bytes was not taken", length);
}

/* Whether the answer is complete. */
static bool answered(struct link *link, struct player *player, const struct load *load)
{
	size_t length = link->ssl ? strlen(BENCH_ANSWER) : load->size;
	static char buf[BENCH_SIZE_MAX];
	ssize_t n = link_read(link, buf, sizeof(buf));

	if (n == -EAGAIN)
		return false;
	if (n < 0)
		die("a connection ended: %s", strerror((int)-n));
	player->got += (size_t)n;
	if (player->got > length)
		die("an answer is too long");
	return player->got == length;
}

static void begin(struct link *links, struct player *players, const struct load *load, int epoll)
{
	struct bench_command command = {.what = BENCH_PING, .size = load->size};

	for (unsigned i = 0; i < load->connections; i++) {
		if (!links[i].ssl && link_write(&links[i], &command, sizeof(command)) < 0)
			die("a connection ended before it began");
		link_want(&links[i], epoll, EPOLLIN);
		ask(&links[i], &players[i], load);
	}
}

void case_ping(const struct load *load)
{
	struct link *links = calloc(load->connections, sizeof(*links));
	struct player *players = calloc(load->connections, sizeof(*players));
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[EVENTS];
	struct samples samples = {0};
	uint64_t from, until, now = 0;
	bool counting = false;
	double seconds;

	if (!links || !players || epoll < 0)
		die("out of memory");
	links_open(links, load->connections, &load->target, epoll, OPEN_TIMEOUT);
	begin(links, players, load, epoll);
	from = now_ns() + (uint64_t)(load->warmup * 1e9);
	until = from + (uint64_t)(load->seconds * 1e9);
	while (now < until) {
		int n = epoll_wait(epoll, events, EVENTS, 1000);

		if (n == 0)
			die("no answer within a second");
		for (int i = 0; i < n; i++) {
			struct link *link = events[i].data.ptr;
			struct player *player = &players[link - links];

			if (!answered(link, player, load))
				continue;
			now = now_ns();
			if (counting)
				samples_add(&samples, now - player->asked);
			ask(link, player, load);
		}
		if (!counting && now >= from) {
			say_start();
			counting = true;
			from = now_ns();
		}
	}
	seconds = (double)(now - from) / 1e9;
	say(json_pack("{s:I, s:f, s:f, s:o}", "requests", (json_int_t)samples.n, "seconds", seconds,
		      "rate", (double)samples.n / seconds, "latency", samples_json(&samples)));
	for (unsigned i = 0; i < load->connections; i++)
		link_close(&links[i]);
	samples_done(&samples);
	free(players);
	free(links);
}
